/** Losses of parts of a cluster while a program runs: nothing is left, and everything is reported. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import { parsePid } from "../../src/core/pid.ts";
import { TESTS } from "../../src/net/liveness.ts";
import type { JsonEvent } from "../system/helpers.ts";
import { within } from "../within.ts";
import { endsWithin, startCluster } from "./cluster.ts";
import { Deployed, noneIsLeft, processesWith } from "./deployed.ts";

type Exit = Extract<JsonEvent, { event: "exit" }>;

/**
 * Has `Deno.args[1]` processes that are blocked forever, spread over the nodes, and reports when all run. They
 * answer as little as if they computed, and leave the cores to others. The first process ensures that the
 * nodes fill evenly, and waits for the others to end.
 */
const BLOCKS = `
import { init, spawn, wait, shortPid } from "deploy";
async function block() {
  console.log("blocking");
  await new Promise((resolve) => setTimeout(resolve, 50));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
await init({ functions: { block }, resources: { mem: 1, cpu: 0 } });
const count = Number(Deno.args[1]);
const pids = [];
for (let index = 0; index < count; index++) {
  pids.push(await spawn(block, undefined, { mem: 200 * 1024 * 1024, cpu: 0.1 }));
}
console.log("all block");
for (const pid of pids) wait(pid).then((status) => console.log("ended " + JSON.stringify(status)));
`;

const SMALL = { mem: "1GiB", cpu: 1 };

/** No spares, since the processes are counted. */
const NO_SPARES = { env: { DEPLOY_SPARES: "0" } };

/** The same, with silence noticed after a quarter of the usual time: for each part, deploy included. */
const SOON = { env: { DEPLOY_SPARES: "0", DEPLOY_LIVENESS: "tests" } };

function newMark(): string {
  return `mark-${crypto.randomUUID()}`;
}

function exits(program: Deployed): Exit[] {
  return program.events.filter((event): event is Exit => event.event === "exit");
}

/** The processes that were placed on a node: which node has the first one depends on who connected first. */
function pidsOn(program: Deployed, node: string | undefined): string[] {
  const placed = program.events.filter((event) => event.event === "spawn" && event.node === node);
  return placed.map(({ pid }) => pid);
}

/** Resolves with the ends of these processes when all have been reported. */
async function endsOf(program: Deployed, pids: readonly string[]): Promise<Exit[]> {
  const ends = () => exits(program).filter(({ pid }) => pids.includes(pid));
  await program.until(() => ends().length === pids.length);
  return ends();
}

Deno.test("a killed node's processes end, and are reported as lost; the node may come back", async () => {
  const nodes = [SMALL, SMALL, SMALL];
  await using cluster = await startCluster({ nodes, restarts: true, ...NO_SPARES });
  const mark = newMark();
  await using program = await Deployed.start(cluster.bridge, BLOCKS, { args: [mark, "6"] });
  await program.says("all block");
  const [first] = program.events.flatMap((event) =>
    event.event === "spawn" && event.parent === null ? [event] : []
  );
  const port = (pid: string) => parsePid(pid)!.port;
  assert(first !== undefined && port(first.pid) > 0);
  const before = (await processesWith(mark)).length;
  assertEquals(before, 7);

  // Not the node of the first process, with which the run would end.
  const at = first.node === cluster.addresses[2] ? 0 : 1;
  const address = cluster.addresses[at + 1];
  const victim = cluster.nodes[at]!;
  victim.kill("SIGKILL");
  await victim.ended;
  await program.until(() => exits(program).length === 2);
  for (const { status } of exits(program)) {
    assert("lost" in status, JSON.stringify(status));
    assert(status.lost.startsWith(`node ${address} `), status.lost);
  }
  await program.until(() => program.text.split("ended ").length === 3);
  assert(program.text.includes(`ended {"lost":"node ${address} `), program.text);
  await within(
    5_000,
    async () => (await processesWith(mark)).length === 5,
    () => "the node's processes outlive it",
  );

  const from = cluster.master.err.length;
  await cluster.restart(at);
  await cluster.master.line(/is there/, { from });
  await using again = await Deployed.start(cluster.bridge, BLOCKS, { args: [mark, "4"] });
  await again.says("all block");

  program.kill("SIGINT");
  again.kill("SIGINT");
  assertEquals(await program.code, 130);
  assertEquals(await again.code, 130);
  await noneIsLeft(mark);
});

Deno.test("when the master is killed, every process of every node ends", async () => {
  await using cluster = await startCluster({ nodes: [SMALL, SMALL, SMALL], ...NO_SPARES });
  const mark = newMark();
  await using program = await Deployed.start(cluster.bridge, BLOCKS, { args: [mark, "4"] });
  await program.says("all block");
  cluster.master.kill("SIGKILL");
  await noneIsLeft(mark);
  assertEquals(await program.code, 1);
  assert(program.stderr.includes(`lost the bridge ${cluster.bridge}`), program.stderr);
  // The nodes wait for a master.
  for (const node of cluster.nodes) await node.line(/lost the master/);
});

/** How many ends of pipes a process has open. */
function pipesOf(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return [...Deno.readDirSync(folder)].filter(({ name }) => {
    try {
      return Deno.readLinkSync(`${folder}/${name}`).startsWith("pipe:");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false; // it was closed meanwhile
      throw error;
    }
  }).length;
}

Deno.test("when the bridge is killed, its runs end, and the next bridge takes new ones", async () => {
  await using cluster = await startCluster({ nodes: [SMALL, SMALL], ...NO_SPARES });
  const mark = newMark();
  const pipes = pipesOf(cluster.master.pid);
  await using program = await Deployed.start(cluster.bridge, BLOCKS, { args: [mark, "4"] });
  await program.says("all block");
  const from = cluster.master.out.length;
  const bridge = (await processesOf(cluster.master.pid)).find(({ words }) =>
    words.some((word) => word.endsWith("fabric.ts"))
  );
  Deno.kill(bridge!.pid, "SIGKILL");
  await noneIsLeft(mark);
  assertEquals(await program.code, 1);
  await cluster.master.ready("bridge", { from });
  // The pipes to the first bridge and to the run's processes are closed.
  await within(
    10_000,
    () => pipesOf(cluster.master.pid) === pipes,
    () => `it has ${pipesOf(cluster.master.pid)} pipes open, not ${pipes}`,
  );
  // Everything that the run had is free again.
  await using again = await Deployed.start(cluster.bridge, BLOCKS, { args: [mark, "8"] });
  await again.says("all block");
  again.kill("SIGTERM");
  assertEquals(await again.code, 143);
  await noneIsLeft(mark);
});

Deno.test("a node that is told to stop ends its processes first, and reports how they ended", async () => {
  await using cluster = await startCluster({ nodes: [SMALL, SMALL], ...NO_SPARES });
  const mark = newMark();
  await using program = await Deployed.start(cluster.bridge, BLOCKS, { args: [mark, "4"] });
  await program.says("all block");
  const [node] = cluster.nodes;
  const pids = pidsOn(program, cluster.addresses[1]);
  assert(pids.length >= 2);
  node!.kill("SIGTERM");
  await endsWithin(5_000, [node!]);
  for (const { status } of await endsOf(program, pids)) {
    assertEquals(status, { signal: "SIGTERM" });
  }
  program.kill("SIGINT");
  await program.code;
  await noneIsLeft(mark);
});

Deno.test("a master that is told to stop ends every run first, and reports how", async () => {
  await using cluster = await startCluster({ nodes: [SMALL, SMALL], ...NO_SPARES });
  const mark = newMark();
  await using program = await Deployed.start(cluster.bridge, BLOCKS, { args: [mark, "4"] });
  await program.says("all block");
  cluster.master.kill("SIGTERM");
  assertEquals((await cluster.master.ended).code, 0);
  await noneIsLeft(mark);
  await program.code;
  assertEquals(exits(program).length, 5, program.stderr);
});

Deno.test("a silent node is lost, and ends its processes when it learns that", async () => {
  await using cluster = await startCluster({ nodes: [SMALL, SMALL], ...SOON });
  const mark = newMark();
  await using program = await Deployed.start(cluster.bridge, BLOCKS, {
    args: [mark, "2"],
    ...SOON,
  });
  await program.says("all block");
  const [node] = cluster.nodes;
  const pids = pidsOn(program, cluster.addresses[1]);
  assert(pids.length >= 1);
  let from = 0;
  node!.kill("SIGSTOP");
  try {
    const why = `node ${cluster.addresses[1]} did not answer for ${TESTS.silenceMs / 1_000} s`;
    for (const { status } of await endsOf(program, pids)) assertEquals(status, { lost: why });
    await cluster.master.line(new RegExp(`${why}; ${pids.length} of its processes (is|are) lost`));
    from = cluster.master.err.length;
  } finally {
    node!.kill("SIGCONT");
  }
  await cluster.master.line(/is there/, { from });
  await within(
    5_000,
    async () => (await processesWith(mark)).length === 3 - pids.length,
    () => "the process outlives its loss",
  );
  program.kill("SIGINT");
  await program.code;
  await noneIsLeft(mark);
});

/** Its function is spawned with more memory than the first node has; until "block" is gone, its boot takes. */
const BOOTS = `
import { init, pid, Sender, Receiver, spawn, wait } from "deploy";
const [folder] = Deno.args;
const blocked = () => Deno.stat(folder + "/block").then(() => true, () => false);
if (await blocked()) Deno.writeTextFileSync(folder + "/boots", "");
while (await blocked()) await new Promise((resolve) => setTimeout(resolve, 20));
const works = (parent) => new Sender(parent).send("works");
await init({ functions: { works }, resources: { mem: 1, cpu: 1 } });
Deno.writeTextFileSync(folder + "/block", "");
const worker = await spawn(works, undefined, { mem: 2 * 1024 ** 3, cpu: 0 });
console.log(await new Receiver(worker).recv(), JSON.stringify(await wait(worker)));
`;

Deno.test("a process whose node is silent while it boots is started when the node is back, once", async () => {
  const nodes = [{ mem: "1GiB", cpu: 1 }, { mem: "3GiB", cpu: 0.5 }];
  await using cluster = await startCluster({ nodes, ...SOON });
  const folder = await Deno.makeTempDir({ prefix: "deploy-boots-" });
  const exists = (name: string) => Deno.stat(`${folder}/${name}`).then(() => true, () => false);
  try {
    await using program = await Deployed.start(cluster.bridge, BOOTS, { args: [folder], ...SOON });
    let isOver = false;
    void program.code.then(() => isOver = true);
    while (!await exists("boots")) {
      assert(!isOver, program.stderr);
      await delay(20);
    }
    const [node] = cluster.nodes;
    const why = `node ${cluster.addresses[1]} did not answer for`;
    let from = 0;
    node!.kill("SIGSTOP");
    try {
      await cluster.master.line(new RegExp(why));
      from = cluster.master.err.length;
    } finally {
      node!.kill("SIGCONT");
    }
    // By then what had begun to boot is gone.
    await cluster.master.line(/is there/, { from });
    await Deno.remove(`${folder}/block`);
    assertEquals(await program.code, 0, program.stderr);
    assertEquals(program.text, 'works {"code":0}\n');
    const spawned = program.events.filter(({ event }) => event === "spawn");
    assertEquals(spawned.map((event) => "node" in event && event.node), [
      ...cluster.addresses,
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("when the master is silent, the nodes end their processes before it would report them lost", async () => {
  await using cluster = await startCluster({ nodes: [SMALL, SMALL], ...SOON });
  const mark = newMark();
  await using program = await Deployed.start(cluster.bridge, BLOCKS, {
    args: [mark, "2"],
    ...SOON,
  });
  await program.says("all block");
  cluster.master.kill("SIGSTOP");
  try {
    const why = `lost the master: it did not answer for ${TESTS.workerSilenceMs / 1_000} s`;
    await cluster.nodes[0]!.line(new RegExp(why));
  } finally {
    cluster.master.kill("SIGCONT");
  }
  program.kill("SIGINT");
  await program.code;
  await noneIsLeft(mark);
});

const WAITS = `
import { init, Receiver, Sender, spawn, trySpawn, wait } from "deploy";
const GIB = 1024 ** 3;
async function hold(parent, untilTold) {
  console.log("holding");
  if (untilTold) await new Receiver(parent).recv();
}
async function impatient() {
  void spawn(hold, false, { mem: 0.6 * GIB, cpu: 0 });
  await new Promise((resolve) => setTimeout(resolve, 500));
  Deno.exit(3);
}
await init({ functions: { hold, impatient }, resources: { mem: 0, cpu: 0 } });
const [one, two] = await Promise.all([1, 2].map(() => spawn(hold, true, { mem: 0.6 * GIB, cpu: 0 })));
for (const mem of [0.6 * GIB, 2 * GIB]) {
  try {
    await trySpawn(hold, false, { mem, cpu: 0 });
  } catch (error) {
    console.log(error.reason + ": " + error.message);
  }
}
// More than a node has room for besides the running processes, so it would hold up the last one.
const given = await spawn(hold, false, { mem: 0.9 * GIB, cpu: 0, signal: AbortSignal.timeout(300) })
  .catch((error) => error.name);
console.log("given up: " + given);
const impatientPid = await spawn(impatient, undefined, { mem: 0, cpu: 0 });
console.log("impatient " + JSON.stringify(await wait(impatientPid)));
let started = false;
const starting = spawn(hold, false, { mem: 0.6 * GIB, cpu: 0 });
void starting.then(() => started = true);
await new Promise((resolve) => setTimeout(resolve, 300));
console.log("waited " + !started);
for (const pid of [one, two]) await new Sender(pid).send("enough");
const three = await starting;
await Promise.all([one, two, three].map((pid) => wait(pid)));
console.log("done");
`;

Deno.test("spawn() waits for room, trySpawn() does not, and the wait ends with the process", async () => {
  await using cluster = await startCluster({ nodes: [SMALL, SMALL], ...NO_SPARES });
  await using program = await Deployed.start(cluster.bridge, WAITS);
  assertEquals(await program.code, 0, program.stderr);
  const { text } = program;
  assert(text.includes("given up: TimeoutError"), text);
  assert(text.includes("no-capacity: Cannot spawn hold(): no node has 614 MiB"), text);
  assert(text.includes("unsatisfiable: Cannot spawn hold(): no node has 2 GiB"), text);
  assert(text.includes('impatient {"code":3}'), text);
  assert(text.includes("waited true"), text);
  assert(text.includes("done"), text);
  // The process whose wait was cancelled was never started.
  assertEquals(text.split("holding").length - 1, 3);
});

async function processesOf(parent: number): Promise<{ pid: number; words: string[] }[]> {
  const found: { pid: number; words: string[] }[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => ""); // it has ended
    if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) !== parent) continue;
    const cmdline = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    found.push({ pid: Number(name), words: cmdline.split("\0") });
  }
  return found;
}
