/** Deployments that are dropped, or fail, at any moment: nothing of them is left. */

import { inParallel } from "../../src/core/in_parallel.ts";
import { PIECE_BYTES } from "../../src/core/manifest.ts";
import { EMPTY_TREE } from "../../src/core/tree.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import { manifestOf } from "../../src/store/manifest_of.ts";
import { signalProcess } from "../../src/testing/os_processes.ts";
import {
  BRIDGE_TO_DEPLOY,
  type BridgeToDeploy,
  type DeployToBridge,
} from "../../src/wire/run_messages.ts";
import { encodeRunSpec } from "../../src/wire/run_spec.ts";
import { type Cluster, dialBridge, startCluster } from "./cluster.ts";
import { processesWith } from "./deployed.ts";
import type { Transport } from "../../src/net/transport.ts";
import { within } from "../within.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const MOD = new URL("../../mod.ts", import.meta.url).href;

/** The moments at which a deployment is dropped, each some milliseconds later. */
const MOMENTS = ["dialled", "need", "sent", "run", "accepted", "spawn"] as const;
const LATER_MS = [0, 20, 80, 200];

/** How long after it is there the first process is killed. */
const KILLED_AFTER_MS = [0, 0, 0, 10, 30, 50, 70, 90, 120, 150, 200, 250, 300, 350, 400, 500];

type Moment = typeof MOMENTS[number];

/** A deployment of a program that runs until it is ended. */
class TestDeployment {
  /** Resolves when the run has ended, or was refused. */
  readonly over: Promise<void>;
  readonly #link: MessageLink<DeployToBridge, BridgeToDeploy>;
  readonly #program: string;
  readonly #moments = new Map(MOMENTS.map((moment) => [moment, Promise.withResolvers<void>()]));

  private constructor(conn: Transport, program: string) {
    this.#link = new MessageLink(conn, { schema: BRIDGE_TO_DEPLOY });
    this.#program = program;
    this.over = this.#serve();
  }

  static async begin(bridge: string, program: string): Promise<TestDeployment> {
    return new TestDeployment(await dialBridge(bridge), program);
  }

  /** Resolves at that moment, or when the run has ended before. */
  async reached(moment: Moment): Promise<void> {
    await this.#moments.get(moment)!.promise;
  }

  /** Leaves in order: once the run has begun, a connection that only ends may be replaced by another one. */
  async drop(): Promise<void> {
    void this.#link.send({ type: "bye" });
    await this.#link.close();
  }

  #reach(moment: Moment): void {
    this.#moments.get(moment)!.resolve();
  }

  async #serve(): Promise<void> {
    const link = this.#link;
    this.#reach("dialled");
    const manifest = await manifestOf(this.#program);
    const bytes = await Deno.readFile(this.#program);
    const spec = encodeRunSpec({
      kind: "executable",
      name: "main",
      main: "main",
      cwd: "",
      manifest,
      args: [],
      env: {},
      tree: EMPTY_TREE,
    });
    const run = { name: "main", by: "test", resources: {}, graceMs: 100, detached: false } as const;
    void link.send({ type: "offer", spec });
    for await (const message of link.messages()) {
      if (message.type === "need") {
        this.#reach("need");
        for (const hash of message.pieces) {
          const at = manifest.pieces.indexOf(hash) * PIECE_BYTES;
          void link.send({ type: "piece", hash, bytes: bytes.slice(at, at + PIECE_BYTES) });
        }
        this.#reach("sent");
        void link.send({ type: "run", ...run });
        this.#reach("run");
      }
      if (message.type === "accepted") this.#reach("accepted");
      if (message.type === "event" && message.event.event === "spawn") this.#reach("spawn");
      if (message.type === "refused" || message.type === "over") break;
    }
    for (const moment of MOMENTS) this.#reach(moment);
  }
}

/** Drops a deployment so long after that moment. */
async function drop(bridge: string, program: string, moment: Moment, ms: number): Promise<void> {
  const deployment = await TestDeployment.begin(bridge, program);
  await deployment.reached(moment);
  await pause(ms);
  await deployment.drop();
}

/** Kills the first process, so long after it is there, and drops the deployment when that is over. */
async function kill(bridge: string, program: string, word: string, ms: number): Promise<void> {
  const deployment = await TestDeployment.begin(bridge, program);
  let isOver = false;
  const over = deployment.over.then(() => isOver = true);
  await deployment.reached("run");
  while (!isOver && (await processesWith(word)).length === 0);
  await pause(ms);
  // One that is killed between its trial boot and its start is started again.
  while (!isOver) {
    for (const id of await processesWith(word)) signalProcess(id, "SIGKILL");
    await Promise.race([over, pause(50)]);
  }
  await deployment.drop();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What is left: processes, folders of runs, what was being received, and runs that have not ended. */
async function left(cluster: Cluster, mark: string): Promise<string[]> {
  const found = (await processesWith(mark)).map((id) => `process ${id}`);
  for (const store of cluster.stores) {
    for await (const { name: owner } of Deno.readDir(`${store}/live`)) {
      for await (const { name } of Deno.readDir(`${store}/live/${owner}`)) {
        if (name.startsWith("incoming") || name.startsWith("trash")) found.push(`${owner}/${name}`);
      }
      try {
        for await (const { name } of Deno.readDir(`${store}/live/${owner}/runs`)) {
          found.push(`run folder ${name} in ${store}`);
        }
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error; // it has hosted none
      }
    }
  }
  const runs = `${cluster.stores[0]}/runs/${cluster.bridge}`;
  for await (const { name } of Deno.readDir(runs)) {
    const entry = await Deno.readTextFile(`${runs}/${name}/run.json`).catch(() => "{}");
    if (JSON.parse(entry).endedMs === null) found.push(`run ${name}: ${entry}`);
  }
  return found;
}

Deno.test("a deployment that is dropped, or whose first process is killed, leaves nothing", async () => {
  const folder = await Deno.makeTempDir({ prefix: "deploy-dropped-" });
  try {
    await using cluster = await startCluster({
      nodes: [{ mem: "16GiB", cpu: 16 }, { mem: "16GiB", cpu: 16 }],
    });
    const mark = crypto.randomUUID();
    await Deno.writeTextFile(
      `${folder}/main.ts`,
      `import { init } from "${MOD}"; await init(); setInterval(() => {}, 1_000);`,
    );
    /** A program, the only one of its content, whose processes have that word in their command line. */
    const programOf = async (word: string): Promise<string> => {
      const program = `${folder}/${word}`;
      const words = ["run", "--quiet", "-A", "--config", CONFIG, `${folder}/main.ts`, mark, word];
      const script = `#!/bin/sh\nexec ${Deno.execPath()} ${words.join(" ")}\n`;
      await Deno.writeTextFile(program, script, { mode: 0o755 });
      return program;
    };
    const { bridge } = cluster;
    const drops = MOMENTS.flatMap((moment) =>
      LATER_MS.map((ms) => async (word: string) =>
        await drop(bridge, await programOf(word), moment, ms)
      )
    );
    const kills = KILLED_AFTER_MS.map((ms) => async (word: string) =>
      await kill(bridge, await programOf(word), word, ms)
    );
    await inParallel([...drops, ...kills], 5, (act, index) => act(`${mark}-${index}`));
    // 5 s are promised; a busy machine may take longer.
    let found: string[] = [];
    await within(
      20_000,
      async () => (found = await left(cluster, mark)).length === 0,
      () => `there are left: ${found.join("\n")}`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
