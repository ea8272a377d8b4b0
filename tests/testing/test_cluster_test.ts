/** TestCluster deploys programs to nodes that can fail, and leaves nothing. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { LeftoverError, TestCluster, type TestNode } from "deploy/testing";
import { markedProcesses } from "../../src/testing/os_processes.ts";

const ADDER = new URL("./programs/adder.ts", import.meta.url);
const LEAVER = new URL("./programs/leaver.ts", import.meta.url);
const SURVIVOR = new URL("./programs/survivor.ts", import.meta.url);

/** Nodes with room for one process of SURVIVOR each. */
const NARROW = { nodes: 3, mem: "1GiB", cpu: 2 } as const;

/** A file that tells members of SURVIVOR that they have counted enough. */
class Enough implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<Enough> {
    return new Enough(await Deno.makeTempDir());
  }

  get file(): string {
    return `${this.#folder}/enough`;
  }

  async say(): Promise<void> {
    await Deno.writeTextFile(this.file, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A node, not the master's, that hosts a process which is not the first one. */
function nodeOfMember(cluster: TestCluster, places: readonly (string | null)[]): TestNode {
  const [first, ...members] = places;
  const node = cluster.nodes.find(({ index, address }) =>
    index > 0 && address !== first && members.includes(address)
  );
  assert(node !== undefined, `no member on a node that can fail: ${places.join(", ")}`);
  return node;
}

Deno.test("TestCluster: a deployed program gives what a local one gives, and its nodes", async () => {
  await using cluster = await TestCluster.start({ nodes: 2 });
  await using run = await cluster.deploy(ADDER, {
    args: ["1", "2"],
    env: { TITLE: "total" },
    stdin: "typed",
  });
  const { code, stdout, stderr, processes } = await run.ended;
  assertEquals({ code, stdout, stderr }, {
    code: 0,
    stdout: "total 3\ntyped\n",
    stderr: "got 1\ngot 2\n",
  });
  assertEquals(processes.map(({ name }) => name), ["adder.ts", "add 1", "add 2"]);
  const addresses = cluster.nodes.map(({ address }) => address);
  for (const { node } of processes) assert(node !== null && addresses.includes(node), `${node}`);
  assertEquals(run.processes, processes);
});

Deno.test("ProgramRun.output() gives lines that were written, and lines that come", async () => {
  await using cluster = await TestCluster.start({ nodes: 1 });
  await using run = await cluster.deploy(ADDER, { args: ["1", "20"] });
  const { pid, fd, match } = await run.output(/got (\d+)/g);
  assertEquals({ fd, line: match.input, number: match[1] }, {
    fd: 2,
    line: "got 1",
    number: "1",
  });
  assertEquals(run.processes.find((each) => each.pid === pid)?.name, "add 1");
  await run.output(/^sum 21$/);
  await run.output(/^got 20$/);
  await assertRejects(
    () => run.output(/never/),
    Error,
    "ended without a line that matches /never/",
  );
  await assertRejects(() => run.output(/never/), Error, "sum 21");
});

Deno.test("TestCluster: a program that does not build says so, and its code is 1", async () => {
  await using cluster = await TestCluster.start({ nodes: 1 });
  await using run = await cluster.deploy(new URL("./nothing.ts", import.meta.url));
  const { code, said, processes } = await run.ended;
  assertEquals({ code, processes }, { code: 1, processes: [] });
  assertMatch(said, /nothing\.ts/);
});

Deno.test("TestNode.kill() loses its processes; restart() gives an empty node", async () => {
  await using cluster = await TestCluster.start(NARROW);
  await using enough = await Enough.make();
  // The other member keeps its node until the restarted one has been used.
  await using run = await cluster.deploy(SURVIVOR, { args: ["2", "1", enough.file] });
  await run.output(/ready/);
  const node = nodeOfMember(cluster, run.processes.map(({ node }) => node));
  await node.kill();
  assertEquals(node.state, "killed");
  await run.output(/^ended \{"lost":/);
  await node.restart();
  assertEquals(node.state, "running");
  while (run.processes.length < 4) await new Promise((resolve) => setTimeout(resolve, 20));
  await enough.say();
  const { code, stdout, processes } = await run.ended;
  assertEquals(code, 0);
  assertMatch(stdout, /all have counted, 1 were lost\n$/);
  // Only there is room for its replacement.
  assertEquals(processes.length, 4);
  assertEquals(processes[3]?.node, node.address);
});

Deno.test("TestNode.freeze() for a moment loses nothing; for long, the node is lost", async () => {
  await using cluster = await TestCluster.start(NARROW);
  await using enough = await Enough.make();
  const args = ["2", "1", enough.file];
  await using run = await cluster.deploy(SURVIVOR, { args, timeoutMs: 120_000 });
  await run.output(/ready/);
  const node = nodeOfMember(cluster, run.processes.map(({ node }) => node));
  await node.freeze();
  assertEquals(node.state, "frozen");
  await node.thaw();
  assertEquals(run.processes.filter(({ status }) => status !== null), []);
  await node.freeze();
  await run.output(/^ended \{"lost":"node \S+ did not answer/);
  await node.thaw();
  await enough.say();
  const { code, stdout } = await run.ended;
  assertEquals(code, 0);
  assertMatch(stdout, /all have counted, 1 were lost\n$/);
});

Deno.test("TestCluster: chaos leaves a program that handles losses alone, and stops", async () => {
  await using cluster = await TestCluster.start(NARROW);
  // The first process is on one of the three; only the others may fail.
  await using enough = await Enough.make();
  const args = ["2", "1", enough.file];
  await using run = await cluster.deploy(SURVIVOR, { args, timeoutMs: 120_000 });
  await run.output(/ready/);
  const node = nodeOfMember(cluster, run.processes.map(({ node }) => node));
  await using chaos = cluster.chaos({ seed: 1, nodes: [node.index], pauseMs: 200, downMs: 200 });
  await run.output(/^ended \{"lost":/);
  await chaos.stop();
  await enough.say();
  assertEquals(node.state, "running");
  assert(chaos.faults.some(({ kind }) => kind === "kill"), JSON.stringify(chaos.faults));
  assertEquals((await run.ended).code, 0);
});

Deno.test("a run that is disposed of ends, and a process that is left fails the test", async () => {
  // From a control group, no process could get away.
  await using cluster = await TestCluster.start({ nodes: 1, env: { DEPLOY_ENFORCE: "0" } });
  {
    await using run = await cluster.deploy(SURVIVOR, { args: ["1", "1000000"] });
    await run.output(/ready/);
  }
  const run = await cluster.deploy(LEAVER, { args: ["process"] });
  await run.ended;
  await assertRejects(
    async () => await run[Symbol.asyncDispose](),
    LeftoverError,
    "left behind:\n  process ",
  );
});

Deno.test("a cluster fails the test for files that a program left on its nodes", async () => {
  const cluster = await TestCluster.start({ nodes: 2 });
  await using run = await cluster.deploy(LEAVER, { args: ["file"] });
  assertEquals((await run.ended).code, 0);
  const error = await assertRejects(
    async () => await cluster[Symbol.asyncDispose](),
    LeftoverError,
  );
  assertEquals(error.processes, []);
  assertMatch(error.files.join("\n"), /^\S+\/tmp-\d\/\S+-left$/);
});

Deno.test("a cluster that is disposed of ends its runs, frozen nodes and all", async () => {
  let folder = "";
  {
    await using cluster = await TestCluster.start(NARROW);
    folder = cluster.secretFile.replace(/\/[^/]*$/, "");
    const run = await cluster.deploy(SURVIVOR, { args: ["2", "1000000"] });
    await run.output(/ready/);
    const node = nodeOfMember(cluster, run.processes.map(({ node }) => node));
    await node.freeze();
  }
  await assertRejects(() => Deno.stat(folder), Deno.errors.NotFound);
  const left = await markedProcesses("");
  assertEquals(left.filter(({ command }) => command.includes(folder)), []);
});

Deno.test("node 0 takes no faults, and there are only the nodes that there are", async () => {
  await using cluster = await TestCluster.start({ nodes: 1 });
  await assertRejects(() => cluster.node(0).kill(), Error, "Cannot kill node 0: the master");
  await assertRejects(() => cluster.node(0).freeze(), Error, "Cannot freeze node 0: the master");
  assertThrows(() => cluster.node(1), RangeError, "There is no node 1: expected 0 to 0");
  assertThrows(() => cluster.chaos(), RangeError, "node 0 takes none");
});

Deno.test("TestCluster.start() refuses options that make no sense", async () => {
  await assertRejects(() => TestCluster.start({ nodes: 0 }), RangeError, "0 nodes");
  await assertRejects(() => TestCluster.start({ cpu: -1 }), RangeError, "-1 cores");
  await assertRejects(() => TestCluster.start({ mem: "much" }), SyntaxError);
});
