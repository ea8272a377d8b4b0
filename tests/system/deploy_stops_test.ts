/** Deployed programs that are told to stop: by `deploy`, or by the end of a part of their cluster. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Cluster, endsWithin, Fabric, startCluster } from "../fabric/cluster.ts";
import { Deployed, noneIsLeft } from "../fabric/deployed.ts";
import { within } from "../within.ts";
import type { JsonEvent } from "./helpers.ts";

/** Three processes that each need a node of their own, and record their signals in files. */
const PROGRAM = `
import { init, spawn } from "deploy";
const [folder, mark, kind] = Deno.args;
const NEEDS = { mem: 1, cpu: 0.6 };
const note = (text) => Deno.writeTextFileSync(folder + "/" + Deno.pid, text + "\\n", { append: true });
function live() {
  for (const signal of kind === "silent" ? [] : ["SIGINT", "SIGTERM", "SIGHUP"]) {
    Deno.addSignalListener(signal, async () => {
      note(signal);
      if (kind === "ignores") return;
      await new Promise((resolve) => setTimeout(resolve, 300));
      note("saved");
      console.log("saved");
      Deno.exit(0);
    });
  }
  note("started");
  console.log("ready");
  setInterval(() => {}, 1000);
}
async function work() { live(); await new Promise(() => {}); }
await init({ functions: { work }, resources: NEEDS });
await spawn(work, undefined, NEEDS);
await spawn(work, undefined, NEEDS);
live();
`;

const NODES = Array.from({ length: 3 }, () => ({ mem: "1GiB", cpu: 1 }));

/** A deployed program of three processes that all run. */
class Running implements AsyncDisposable {
  readonly program: Deployed;
  readonly mark: string;
  readonly #folder: string;

  private constructor(program: Deployed, mark: string, folder: string) {
    this.program = program;
    this.mark = mark;
    this.#folder = folder;
  }

  static async start(
    bridge: string,
    kind: "saves" | "ignores" | "silent",
    flags: readonly string[] = [],
  ): Promise<Running> {
    const folder = await Deno.makeTempDir({ prefix: "deploy-notes-" });
    const mark = `mark-${crypto.randomUUID()}`;
    // A busy machine may need longer for what takes 300 ms.
    const given = kind === "saves" ? ["--grace", "1m", ...flags] : flags;
    const args = [folder, mark, kind];
    const program = await Deployed.start(bridge, PROGRAM, { flags: given, args });
    await program.until(() => program.text.split("ready\n").length === 4);
    return new Running(program, mark, folder);
  }

  /** The record of each process, without its start. */
  async notes(): Promise<string[]> {
    const found: string[] = [];
    for await (const { name } of Deno.readDir(this.#folder)) {
      found.push((await Deno.readTextFile(`${this.#folder}/${name}`)).replace("started\n", ""));
    }
    return found.toSorted();
  }

  /** How the processes ended. */
  statuses(): unknown[] {
    const isExit = (event: JsonEvent) => event.event === "exit";
    return this.program.events.filter(isExit).map((event) => "status" in event && event.status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await noneIsLeft(this.mark);
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function three<Value>(value: Value): Value[] {
  return [value, value, value];
}

Deno.test("deploy sends its signal to every process of the run, on every node, once", async (t) => {
  await using cluster = await startCluster({ nodes: NODES });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    await t.step(`${signal}: who listens for it ends by itself`, async () => {
      await using run = await Running.start(cluster.bridge, "saves");
      run.program.kill(signal);
      assertEquals(await run.program.code, 0, run.program.stderr);
      assertEquals(run.statuses(), three({ code: 0 }));
      assertEquals(await run.notes(), three(`${signal}\nsaved\n`));
      assertEquals(run.program.text.split("saved\n").length, 4);
      assertEquals(run.program.stderr.includes("lost"), false, run.program.stderr);
    });
  }

  await t.step("who does not listen for it ends of it", async () => {
    await using run = await Running.start(cluster.bridge, "silent");
    run.program.kill("SIGTERM");
    assertEquals(await run.program.code, 143);
    assertEquals(run.statuses(), three({ signal: "SIGTERM" }));
  });

  await t.step("who ignores it is killed after --grace", async () => {
    await using run = await Running.start(cluster.bridge, "ignores", ["--grace", "700ms"]);
    const beginMs = performance.now();
    run.program.kill("SIGINT");
    assertEquals(await run.program.code, 130);
    assert(performance.now() - beginMs >= 700);
    assertEquals(run.statuses(), three({ signal: "SIGKILL" }));
    await expectAtMost(run, "SIGINT\n");
  });

  await t.step("a second signal kills what is left at once", async () => {
    await using run = await Running.start(cluster.bridge, "ignores", ["--grace", "1h"]);
    run.program.kill("SIGINT");
    await untilNoted(run, three("SIGINT\n"));
    run.program.kill("SIGINT");
    assertEquals(await run.program.code, 130);
    assertEquals(run.statuses(), three({ signal: "SIGKILL" }));
    await noneIsLeft(run.mark);
  });

  await t.step("a bad --grace is one line, and exit code 2", async () => {
    await using program = await Deployed.start(cluster.bridge, "", { flags: ["--grace", "3"] });
    assertEquals(await program.code, 2);
    assertEquals(program.stderr.trimEnd().split("\n").length, 1, program.stderr);
  });
});

async function untilNoted(run: Running, notes: string[]): Promise<void> {
  let found = "";
  await within(
    30_000,
    async () => (found = JSON.stringify(await run.notes())) === JSON.stringify(notes),
    () => `it has noted ${found}`,
  );
}

/** Each process has noted this, or nothing: in a short grace, a busy machine may let it come to nothing. */
async function expectAtMost(run: Running, note: string): Promise<void> {
  const others = (await run.notes()).filter((found) => found !== "" && found !== note);
  assertEquals(others, []);
}

/**
 * A chain of three processes, each on a node of its own. The first one kills the others, of which one ends when it is
 * told to, and the other one does not.
 */
const CHAIN = `
import { init, kill, type Pid, Receiver, Sender, spawn, wait } from "deploy";
const NEEDS = { mem: 1, cpu: 0.6 };
async function last(parent: Pid) {
  Deno.addSignalListener("SIGTERM", () => { console.log("told"); Deno.exit(0); });
  await new Sender<string>(parent).send("ready");
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}
async function middle(parent: Pid) {
  Deno.addSignalListener("SIGTERM", () => {});
  const child = await spawn(last, undefined, NEEDS);
  await new Receiver<string>(child).recv();
  await new Sender<Pid>(parent).send(child);
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}
await init({ functions: { middle, last }, resources: NEEDS });
const child = await spawn(middle, undefined, NEEDS);
const grandchild = await new Receiver<Pid>(child).recv();
const told = kill(child, { signal: "SIGTERM", graceMs: 60_000, descendants: true });
const below = await wait(grandchild);
await kill(child, { signal: "SIGTERM", graceMs: 100 });
await told;
console.log(JSON.stringify([await wait(child), below]));
`;

Deno.test("kill() with descendants and a signal reaches them on other nodes", async () => {
  await using cluster = await startCluster({ nodes: NODES });
  await using program = await Deployed.start(cluster.bridge, CHAIN);
  assertEquals(await program.code, 0, program.stderr);
  assertEquals(program.text, `told\n[{"signal":"SIGKILL"},{"code":0}]\n`);
});

Deno.test("a run that loses its bridge gets SIGTERM, once, and is gone within 5 s", async (t) => {
  await using cluster = await startCluster({ nodes: NODES });
  for (const [kind, notes] of [["saves", "SIGTERM\nsaved\n"], ["ignores", "SIGTERM\n"]] as const) {
    await t.step(kind, async () => {
      await using run = await Running.start(cluster.bridge, kind);
      const from = cluster.master.out.length;
      Deno.kill(await bridgeOf(cluster), "SIGKILL");
      await noneIsLeft(run.mark);
      assertEquals(await run.notes(), three(notes));
      assertEquals(await run.program.code, 1);
      await cluster.master.ready("bridge", { from });
    });
  }
});

/** The OS process of the cluster's bridge: the child of the master's that also runs `fabric.ts`. */
async function bridgeOf({ master }: Cluster): Promise<number> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => ""); // it has ended
    const parent = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
    const command = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (Number(parent) === master.pid && command.includes("fabric.ts")) return Number(name);
  }
  throw new Error("there is no bridge");
}

Deno.test("after kill -9 of the master, other nodes send SIGTERM to their processes, once", async () => {
  await using cluster = await startCluster({ nodes: NODES });
  await using run = await Running.start(cluster.bridge, "saves");
  cluster.master.kill("SIGKILL");
  await noneIsLeft(run.mark);
  assertEquals(await run.notes(), ["", "SIGTERM\nsaved\n", "SIGTERM\nsaved\n"]);
});

Deno.test("a cluster that is told to stop sends SIGTERM to all processes, and ends after them", async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await t.step(`${signal} to the master's fabric`, async () => {
      await using cluster = await startCluster({ nodes: NODES });
      await using run = await Running.start(cluster.bridge, "saves");
      cluster.master.kill(signal);
      assertEquals(await run.program.code, 0, run.program.stderr);
      assertMatch(run.program.stderr, /^deploy: the run was told to stop: the cluster is ending$/m);
      assertEquals(run.statuses(), three({ code: 0 }));
      assertEquals(await run.notes(), three("SIGTERM\nsaved\n"));
      assertEquals((await cluster.master.ended).code, 0);
    });
  }

  await t.step("SIGTERM to all fabrics, to processes that do not listen for it", async () => {
    await using cluster = await startCluster({ nodes: NODES });
    await using run = await Running.start(cluster.bridge, "silent");
    const fabrics = [cluster.master, ...cluster.nodes];
    for (const fabric of fabrics) fabric.kill("SIGTERM");
    assertEquals(await run.program.code, 143, run.program.stderr);
    assertEquals(run.statuses(), three({ signal: "SIGTERM" }));
    for (const fabric of fabrics) assertEquals((await fabric.ended).code, 0);
  });

  await t.step(
    "SIGTERM to processes that ignore it: all is over within --grace and 2 s",
    async () => {
      await using cluster = await startCluster({ nodes: NODES, options: ["--grace", "1s"] });
      await using run = await Running.start(cluster.bridge, "ignores");
      const beginMs = performance.now();
      cluster.master.kill("SIGTERM");
      await endsWithin(3_000, [cluster.master]);
      assert(performance.now() - beginMs >= 1_000, "it did not wait for them");
      assertEquals(await run.program.code, 137, run.program.stderr);
      assertEquals(run.statuses(), three({ signal: "SIGKILL" }));
      await expectAtMost(run, "SIGTERM\n");
    },
  );

  await t.step("SIGTERM to one node: what it has is told, and the others go on", async () => {
    await using cluster = await startCluster({ nodes: NODES });
    await using run = await Running.start(cluster.bridge, "saves");
    // One without the first process, which is on the node that connected first.
    const first = run.program.events.find((event) => event.event === "spawn" && !event.parent);
    const home = first?.event === "spawn" ? first.node : null;
    const addresses = await Promise.all(cluster.nodes.map((node) => node.ready("node")));
    const node = cluster.nodes[addresses.findIndex((address) => address !== home)]!;
    node.kill("SIGTERM");
    assertEquals((await node.ended).code, 0);
    await run.program.until(() => run.statuses().length === 1);
    assertEquals(run.statuses(), [{ code: 0 }]);
    assertEquals(await run.notes(), ["", "", "SIGTERM\nsaved\n"]);
    run.program.kill("SIGTERM");
    assertEquals(await run.program.code, 0);
  });
});

Deno.test("fabric dev that is told to stop does the same", async () => {
  const store = await Deno.makeTempDir();
  try {
    await using dev = new Fabric([
      ...["dev", "--nodes", "3", "--mem", "1GiB", "--cpu", "1", "--bridge", "127.0.0.1:0"],
      ...["--store", store],
    ]);
    const bridge = await dev.ready("bridge");
    const nodes = dev.out.filter((line) => line.startsWith("ready node "));
    for (const line of nodes) await dev.line(new RegExp(`${line.slice("ready ".length)} is there`));
    await using run = await Running.start(bridge, "saves");
    dev.kill("SIGINT");
    assertEquals(await run.program.code, 0, run.program.stderr);
    assertEquals(await run.notes(), three("SIGTERM\nsaved\n"));
    assertEquals((await dev.ended).code, 0);
  } finally {
    await Deno.remove(store, { recursive: true });
  }
});
