/** A run on a node: what it gets from its bridge, how often, and which files are left. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SpawnError } from "../../src/core/errors.ts";
import { NodeFaultError } from "../../src/core/node_fault.ts";
import type { Logger } from "../../src/core/logger.ts";
import { formatAddress } from "../../src/core/pid.ts";
import { EMPTY_TREE } from "../../src/core/tree.ts";
import { permissionsOf } from "../../src/core/permissions.ts";
import type { SpawnRequest } from "../../src/core/roles.ts";
import { Boots } from "../../src/host/boots.ts";
import { HeldArgs } from "../../src/node/held_args.ts";
import { HostedRun } from "../../src/node/hosted_run.ts";
import type { NodeContext } from "../../src/node/node_context.ts";
import { type Manifest, PIECE_BYTES } from "../../src/core/manifest.ts";
import { manifestOf } from "../../src/store/manifest_of.ts";
import { encodeRunSpec } from "../../src/wire/run_spec.ts";
import { Store } from "../../src/store/store.ts";
import { loadCredential, PartServer } from "../../src/net/connect.ts";
import { Purpose } from "../../src/net/protocol.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import {
  type BridgeToNode,
  NODE_TO_BRIDGE,
  type NodeToBridge,
} from "../../src/wire/run_messages.ts";
import type { Transport } from "../../src/net/transport.ts";
import { closedPort } from "../net/closed_port.ts";
import { within } from "../within.ts";

const QUIET: Logger = { error() {}, warn() {}, about() {}, info() {}, debug() {} };

/** A bridge with the files of one run. */
class FakeBridge implements AsyncDisposable {
  /** The requested hashes, in order. */
  readonly asked: string[] = [];
  links = 0;
  /** Where it stops; it goes on, and drops its links, after `dropped`. */
  hold: string | undefined;
  readonly held = Promise.withResolvers<void>();
  dropped: Promise<void> = Promise.resolve();
  readonly #server: PartServer;

  readonly #spec: Uint8Array<ArrayBuffer>;

  private constructor(spec: Uint8Array<ArrayBuffer>, server: (bridge: FakeBridge) => PartServer) {
    this.#spec = spec;
    this.#server = server(this);
  }

  static async start(
    spec: Uint8Array<ArrayBuffer>,
    pieces: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  ): Promise<FakeBridge> {
    const credential = await loadCredential({ logger: QUIET });
    return new FakeBridge(spec, (bridge) =>
      new PartServer({
        address: { host: "127.0.0.1", port: 0 },
        credential,
        logger: QUIET,
        handlers: { [Purpose.run]: (conn) => void bridge.#serve(conn, pieces) },
      }));
  }

  get address(): string {
    return formatAddress(this.#server.address.host, this.#server.address.port);
  }

  async #serve(
    conn: Transport,
    pieces: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    this.links++;
    const link = new MessageLink<BridgeToNode, NodeToBridge>(conn, {
      schema: NODE_TO_BRIDGE,
    });
    let count = 0;
    for await (const message of link.messages()) {
      if (message.type === "host") {
        if (!await this.#reaches("the bridge answers")) return link.drop();
        void link.send({ type: "hosted", taken: 0 });
        if (!await this.#reaches("the run spec comes")) return link.drop();
        void link.send({ type: "run", spec: this.#spec, by: "anna" });
      } else count++;
      if (message.type === "done") void link.send({ type: "ack", count });
      if (message.type !== "need") continue;
      for (const hash of message.pieces) {
        this.asked.push(hash);
        if (!await this.#reaches("a piece comes")) return link.drop();
        await link.send({ type: "piece", hash, bytes: pieces.get(hash)! });
      }
    }
  }

  /** Says whether to go on; stops at the step to hold. */
  async #reaches(step: string): Promise<boolean> {
    if (step !== this.hold) return true;
    this.held.resolve();
    await this.dropped;
    return false;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.close();
  }
}

/** A program of at least two pieces, which exits with 3. */
async function writeProgram(
  path: string,
): Promise<{ manifest: Manifest; pieces: Map<string, Uint8Array<ArrayBuffer>> }> {
  const padding = Array.from({ length: 5_000 }, () => crypto.randomUUID()).join("\n# ");
  await Deno.writeTextFile(path, `#!/bin/sh\nexit 3\n# ${padding}\n`);
  const manifest = await manifestOf(path);
  const bytes = await Deno.readFile(path);
  const pieces = manifest.pieces.map((hash, index): [string, Uint8Array<ArrayBuffer>] => [
    hash,
    bytes.slice(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
  ]);
  return { manifest, pieces: new Map(pieces) };
}

const FIRST: SpawnRequest = {
  parent: null,
  function: null,
  name: "main.ts",
  arg: new Uint8Array(),
  resources: { mem: 1, cpu: 0 },
  cwd: null,
  env: null,
};

/** The paths of all working directories of runs. */
async function* runFolders(store: string): AsyncGenerator<string> {
  for await (const { name } of Deno.readDir(`${store}/live`)) {
    if (!await exists(`${store}/live/${name}/runs`)) continue;
    for await (const run of Deno.readDir(`${store}/live/${name}/runs`)) yield run.name;
  }
}

/** A node with a store in `folder`. */
async function contextIn(store: Store): Promise<NodeContext> {
  return {
    host: "127.0.0.1",
    address: "127.0.0.1:9",
    port: 9,
    machine: { mem: 1024 ** 3, cpu: 1 },
    credential: await loadCredential({ logger: QUIET }),
    store,
    logger: QUIET,
    maxSpares: 0,
  };
}

function specOf(manifest: Manifest): Uint8Array<ArrayBuffer> {
  return encodeRunSpec({
    kind: "executable",
    name: "main",
    main: "main",
    cwd: "",
    manifest,
    args: [],
    env: {},
    tree: EMPTY_TREE,
  });
}

const unexpected = () => Promise.reject(new Error("nobody is to ask the master"));
const NO_MASTER = { spawn: unexpected, wait: unexpected, kill: unexpected, runs: unexpected };

Deno.test("20 launches at once get the program once, and the next run of it does not get it at all", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { manifest, pieces } = await writeProgram(`${folder}/main`);
    assert(manifest.pieces.length > 1);
    await using store = await Store.open(`${folder}/store`);
    const context = await contextIn(store);
    const spec = specOf(manifest);
    await using bridge = await FakeBridge.start(spec, pieces);
    for (const id of ["one", "two"]) {
      const key = new Uint8Array(32);
      const run = new HostedRun({ run: id, key, bridge: bridge.address, hosts: [] }, context, {
        master: NO_MASTER,
        held: new HeldArgs(context.address),
        boots: new Boots(),
      });
      const launches = Array.from({ length: 20 }, () => run.launch(FIRST));
      for (const launch of launches) launch.catch(() => {}); // each is checked below
      for (const launch of launches) {
        await assertRejects(() => launch, SpawnError, "exited with 3");
      }
      assertEquals(await Array.fromAsync(runFolders(`${folder}/store`)), [`${id}-9`]);
      await run.close();
    }
    assertEquals(bridge.asked.toSorted(), manifest.pieces.toSorted());
    assertEquals(bridge.links, 2);
    assertEquals(await Array.fromAsync(runFolders(`${folder}/store`)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

for (
  const step of [
    "the bridge answers",
    "the run spec comes",
    "a piece comes",
    "the program boots",
  ]
) {
  Deno.test(`a run that is ended before ${step} leaves no folder, no process and no work`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await using store = await Store.open(`${folder}/store`);
      // It waits until it is killed, or until the folder of this test is gone.
      const program = `${folder}/main`;
      const script =
        `#!/bin/sh\ntouch ${folder}/booting\nwhile [ -e ${folder} ]; do sleep 0.1; done\n`;
      await Deno.writeTextFile(program, script);
      const manifest = await manifestOf(program);
      const pieces = new Map([[manifest.pieces[0]!, await Deno.readFile(program)]]);
      await using bridge = await FakeBridge.start(specOf(manifest), pieces);
      bridge.hold = step;
      const context = await contextIn(store);
      const opened = { run: "one", key: new Uint8Array(32), bridge: bridge.address, hosts: [] };
      const held = new HeldArgs(context.address);
      const run = new HostedRun(opened, context, { master: NO_MASTER, held, boots: new Boots() });
      const needs = assertRejects(() => run.needs(), SpawnError, "the run is ending");
      if (step === "the program boots") {
        while (!await exists(`${folder}/booting`)) await new Promise((go) => setTimeout(go, 5));
      } else await bridge.held.promise;
      const closed = run.close();
      bridge.dropped = closed;
      await Promise.all([closed, needs]);
      assertEquals(await Array.fromAsync(runFolders(`${folder}/store`)), []);
      // A shell that was just starting a command may have been killed, and not yet be gone.
      let left: string[] = [];
      const isGone = async () => (left = await processesWith(folder)).length === 0;
      await within(5_000, isGone, () => `there are left: ${left}`);
      const [live] = await Array.fromAsync(Deno.readDir(`${folder}/store/live`));
      const files = await Array.fromAsync(Deno.readDir(`${folder}/store/live/${live!.name}`));
      assertEquals(files.map(({ name }) => name).filter((name) => /incoming|trash/.test(name)), []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("a node that cannot store a program says what it lacks, and tries anew at the next launch", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { manifest, pieces } = await writeProgram(`${folder}/main`);
    await using store = await Store.open(`${folder}/store`);
    const context = await contextIn(store);
    await using bridge = await FakeBridge.start(specOf(manifest), pieces);
    const opened = { run: "one", key: new Uint8Array(32), bridge: bridge.address, hosts: [] };
    const held = new HeldArgs(context.address);
    const run = new HostedRun(opened, context, { master: NO_MASTER, held, boots: new Boots() });
    const live = `${folder}/store/live`;
    for (const attempt of [() => run.needs(), () => run.launch(FIRST)]) {
      await Deno.rename(live, `${live}.away`);
      await Deno.writeTextFile(live, "");
      const error = await assertRejects(attempt, NodeFaultError);
      assertEquals(error.reason, "not-started");
      const start = `Cannot start the first process on node ${context.address}: ${error.why}`;
      assertEquals(error.message, start);
      assertStringIncludes(error.why, `Cannot store files in ${store.folder}: `);
      await Deno.remove(live);
      await Deno.rename(`${live}.away`, live);
    }
    // What it lacked is there now. The program arrives, and fails by itself.
    const error = await assertRejects(() => run.launch(FIRST), SpawnError, "exited with 3");
    assert(!(error instanceof NodeFaultError));
    assertEquals(bridge.links, 1);
    await run.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a process whose node has lost the bridge ends as lost, as the bridge says, and not by a signal", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [config, fixture] = ["../../deno.json", "../host/fake_process.ts"]
      .map((path) => new URL(path, import.meta.url).pathname);
    const program = `${folder}/main`;
    const command = `exec ${Deno.execPath()} run -A --config ${config} ${fixture}`;
    await Deno.writeTextFile(program, `#!/bin/sh\n${command}\n`);
    const manifest = await manifestOf(program);
    const pieces = new Map([[manifest.pieces[0]!, await Deno.readFile(program)]]);
    await using store = await Store.open(`${folder}/store`);
    await using bridge = await FakeBridge.start(specOf(manifest), pieces);
    const context = await contextIn(store);
    const opened = { run: "one", key: new Uint8Array(32), bridge: bridge.address, hosts: [] };
    const held = new HeldArgs(context.address);
    const run = new HostedRun(opened, context, { master: NO_MASTER, held, boots: new Boots() });
    const { ended } = await run.launch(FIRST);
    run.bridgeGone();
    assertEquals(await ended, {
      lost: `node ${context.address} has lost the bridge: the master has lost it`,
    });
    await run.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a node that limits programs gets nothing of an executable, and says that another node may take it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { manifest, pieces } = await writeProgram(`${folder}/main`);
    await using store = await Store.open(`${folder}/store`);
    await using bridge = await FakeBridge.start(specOf(manifest), pieces);
    const context = { ...await contextIn(store), cap: permissionsOf(["--deny-run"]) };
    const opened = { run: "one", key: new Uint8Array(32), bridge: bridge.address, hosts: [] };
    const held = new HeldArgs(context.address);
    const run = new HostedRun(opened, context, { master: NO_MASTER, held, boots: new Boots() });
    const { why, ofProgram } = await assertRejects(() => run.needs(), NodeFaultError);
    assertStringIncludes(why, "Cannot run main: this node limits what programs may do");
    assertEquals([ofProgram, bridge.asked], [true, []]);
    await run.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a node that cannot reach the bridge says so as what it lacks", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using store = await Store.open(`${folder}/store`);
    const context = await contextIn(store);
    using nobody = await closedPort();
    const bridge = `127.0.0.1:${nobody.port}`;
    const opened = { run: "one", key: new Uint8Array(32), bridge, hosts: [] };
    const held = new HeldArgs(context.address);
    const run = new HostedRun(opened, context, { master: NO_MASTER, held, boots: new Boots() });
    const { why } = await assertRejects(() => run.needs(), NodeFaultError);
    assertStringIncludes(why, `Cannot connect to the bridge at ${bridge}: `);
    await run.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}

/** The processes whose command line has that text. */
async function processesWith(text: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => ""); // it has ended
    if (line.includes(text)) found.push(`${name}: ${line}`);
  }
  return found;
}
