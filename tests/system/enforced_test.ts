/** Programs that use more memory or CPU than they asked for, on a cluster and on this machine. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { ControlGroups } from "../../src/host/control_groups.ts";
import { startCluster } from "../fabric/cluster.ts";
import { deploy, Project } from "./deploy_harness.ts";
import { runProgram } from "./helpers.ts";
import { way } from "./ways.ts";

/** Where there are no control groups, processes are looked at, by what Linux has in `/proc`. */
const onLinux = Deno.build.os === "linux";
const groups = await ControlGroups.open();
groups.close();
const sharesCpu = groups.version("cpu") !== undefined;

/** What a program says of the ends of its processes, each of which asks for 100 MiB. */
const GROWING = `
import { init, MiB, spawn, wait } from "deploy";
const grow = async (parent, mib) => {
  const held = [];
  for (let at = 0; at < mib; at += 10) {
    held.push(new Uint8Array(10 * MiB).fill(1));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  // A node that looks at it may come to that late, on a busy machine.
  if (mib > 300) await new Promise((resolve) => setTimeout(resolve, 1e6));
};
const start = async () => {
  await new Deno.Command("tail", { args: ["/dev/zero"] }).output();
  await new Promise((resolve) => setTimeout(resolve, 1e6)); // until the rest is killed, too
};
const leak = () => {
  const held = [];
  for (let at = 0;; at++) held.push(new Array(1000).fill(at));
};
await init({ functions: { grow, start, leak } });
const ends = { grow: await spawn(grow, 1000) };
ends.start = await spawn(start);
ends.leak = await spawn(leak);
for (const [name, pid] of Object.entries(ends)) ends[name] = await wait(pid);
ends.roomy = await wait(await spawn(grow, 150, { mem: 300 * MiB }));
console.log(JSON.stringify(ends));
`;

const OVER = /^memory: \S+ [MG]iB used, 100 MiB asked$/;

/** Checks what {@linkcode GROWING} prints, and what is said about it. */
function checkEnds(stdout: string, stderr: string): void {
  const ends = JSON.parse(stdout);
  assertMatch(ends.grow.killed, OVER);
  assertEquals(ends.roomy, { code: 0 });
  assertMatch(ends.start.killed, OVER);
  assertEquals(ends.leak, { signal: "SIGTRAP" }, stderr);
  assertMatch(
    stderr,
    /^deploy: [0-9a-f]{7} leak ran out of JavaScript heap \(limit 61 MiB, for 100 MiB asked\)$/m,
  );
}

/**
 * Says how much CPU time, in ms, a process that has asked for a core gets, and what others that have not get meanwhile.
 * They compute all the time, and it does until it has got enough.
 */
const BUSY = `
import { init, kill, Receiver, Sender, spawn } from "deploy";
const [TICK_MS, ENOUGH_MS] = [10, 700];
const cpuMs = (id) => {
  const fields = Deno.readTextFileSync("/proc/" + id + "/stat").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
};
const computes = async (parent) => {
  const sender = new Sender(parent);
  await sender.send(Deno.pid);
  await sender.close(); // so that it has arrived
  for (;;);
};
const compares = async (parent, others) => {
  const ids = ["self", ...others];
  const before = ids.map(cpuMs);
  while (cpuMs("self") - before[0] < ENOUGH_MS);
  await new Sender(parent).send(ids.map((id, index) => cpuMs(id) - before[index]));
};
await init({ functions: { computes, compares } });
const count = 4 * navigator.hardwareConcurrency;
const spawns = Array.from({ length: count }, () => spawn(computes, undefined, { cpu: 1 / 32 }));
const others = await Promise.all(spawns);
const ids = await Promise.all(others.map((pid) => new Receiver(pid).recv()));
const comparing = await spawn(compares, ids, { cpu: 1 });
const [asked, ...rest] = await new Receiver(comparing).recv();
await Promise.all(others.map((pid) => kill(pid)));
console.log(JSON.stringify({ asked, rest: rest.reduce((sum, each) => sum + each) / count }));
`;

Deno.test({
  name:
    "a node holds processes to what they asked for, and stays with its master while they compute",
  ignore: !onLinux,
  async fn() {
    const env = { DEPLOY_LIVENESS: "tests" };
    await using cluster = await startCluster({ nodes: [{ mem: "16GiB", cpu: 64 }], env });
    await using project = await Project.make({ "grow.ts": GROWING, "busy.ts": BUSY });
    const { folder: cwd } = project;
    const grown = await deploy([cluster.bridge, "grow.ts"], { cwd, env });
    assertEquals(grown.code, 0, grown.stderr);
    checkEnds(grown.stdout, grown.stderr);
    const busy = await deploy([cluster.bridge, "busy.ts"], { cwd, env });
    assertEquals(busy.code, 0, busy.stderr);
    const { asked, rest } = JSON.parse(busy.stdout);
    // Shared equally, all would have the same.
    if (sharesCpu) assert(asked > 2 * rest, busy.stdout);
  },
});

Deno.test({
  name: "so does a local run with DEPLOY_ENFORCE=1",
  ignore: !onLinux || way !== "run",
  async fn() {
    const options = { format: "human", env: { DEPLOY_ENFORCE: "1" } } as const;
    const { code, raw } = await runProgram(GROWING, options);
    assertEquals(code, 0, raw.stderr);
    checkEnds(raw.stdout, raw.stderr);
  },
});

Deno.test({
  name: "without it, a process of a local run may use more than it asked for",
  ignore: way === "deployed",
  async fn() {
    const program = GROWING
      .replace("spawn(grow, 1000)", "spawn(grow, 150)")
      .replace(/^ends\.(start|leak) = .*$/gm, "");
    const { code, stdout } = await runProgram(program);
    assertEquals([code, JSON.parse(stdout)], [0, { grow: { code: 0 }, roomy: { code: 0 } }]);
  },
});
