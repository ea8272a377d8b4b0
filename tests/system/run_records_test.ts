/** What is kept of a run, and known of its processes, where something did not go as planned. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
// @ts-types="../../types/std_async.d.ts"
import { deadline } from "@std/async/deadline";
// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import { canListProcesses, descendantsOf, signalProcess } from "../../src/testing/os_processes.ts";
import { startCluster } from "../fabric/cluster.ts";
import { SECRET_FILE } from "../secret.ts";
import { CLI, deploy, type DeployResult, Project } from "./deploy_harness.ts";

/** Children that end with values of "jobs" that nobody has taken; how, they are told. */
const LEAVES = `
import { init, kill, Receiver, Sender, spawn, wait } from "deploy";
async function leaves(parent, how) {
  const jobs = how === "takes" ? new Receiver(parent, "jobs") : undefined;
  const more = new Receiver(parent, "more");
  if (await new Receiver(parent, "go").recv() !== "go") Deno.exit(9);
  if (jobs !== undefined) for (let count = 0; count < 3; count++) await jobs.recv();
  await more.recv();
  if (how === "exits") Deno.exit(0);
  if (how === "throws") throw new Error("on purpose");
  if (how === "stays") await new Promise(() => setInterval(() => {}, 1_000));
}
await init({ functions: { leaves } });
for (const how of ["returns", "exits", "throws", "takes", "stays"]) {
  const pid = await spawn(leaves, how, { name: how });
  const [jobs, more, go] = ["jobs", "more", "go"].map((name) => new Sender(pid, name));
  for (let count = 0; count < 3; count++) await jobs.send({ count, rest: "x".repeat(1_000) });
  await jobs.close();
  await more.send(new Uint8Array(40_000));
  await more.send(new Uint8Array(300_000));
  await more.send(1);
  await more.close(); // so that all have arrived
  await go.send("go");
  if (how === "stays") await kill(pid);
  await wait(pid);
}
`;

/** The first process and its child run on two nodes, and wait. */
const WAITS = `
import { init, Receiver, spawn } from "deploy";
const waits = (parent) => new Receiver(parent).recv();
await init({ functions: { waits }, resources: { cpu: 1 } });
const pid = await spawn(waits, undefined, { cpu: 1 });
console.log("spawned");
await new Receiver(pid).recv();
`;

/** A heartbeat every three seconds: a node may be frozen for 30 s. */
const PATIENT = { DEPLOY_LIVENESS: "wide" };

interface Shown {
  readonly name: string;
  readonly node: string;
  readonly unread: { from: string; name: string; values: number; bytes: number }[] | null;
}

Deno.test({
  name:
    "a run whose processes left values, whose node is frozen, whose build is stopped, whose bridge was killed",
  ignore: !canListProcesses,
  async fn(t) {
    const node = { mem: "1GiB", cpu: 1 };
    await using cluster = await startCluster({ nodes: [node, node], env: PATIENT });
    await using project = await Project.make({ "leaves.ts": LEAVES, "waits.ts": WAITS });
    const run = (...args: string[]): Promise<DeployResult> =>
      deploy(args, {
        cwd: project.folder,
        env: { ...PATIENT, DEPLOY_BRIDGE: cluster.bridge, DEPLOY_FORMAT: "human" },
      });
    const data = async (...args: string[]) =>
      (await run(...args, "--format", "json")).stdout.trimEnd().split("\n").map((line) =>
        JSON.parse(line)
      );
    let id = "";
    const processes = (): Promise<Shown[]> => data("ps", id);

    await t.step("a record has what the channels of a process still held", async () => {
      assertEquals((await run("--name", "leaves", "leaves.ts")).code, 0);
      id = "leaves";
      const [first, ...others] = await processes() as [Shown, ...Shown[]];
      const held = others.map(({ name, unread }) => [
        name,
        unread?.map(({ name, values }) => `${values} of ${name}`) ?? null,
      ]);
      assertEquals(held, [
        ["returns", ["3 of jobs", "2 of more"]],
        ["exits", ["3 of jobs", "2 of more"]],
        ["throws", ["3 of jobs", "2 of more"]],
        ["takes", ["2 of more"]],
        // It did not end by itself, so nobody knows.
        ["stays", null],
      ]);
      assertEquals(first.unread, []);
      const [jobs, more] = others[0]!.unread!;
      assert(jobs!.bytes > 3_000 && jobs!.bytes < 4_000, `${jobs!.bytes}`);
      assert(more!.bytes > 300_000 && more!.bytes < 301_000, `${more!.bytes}`);
      const { stdout, stderr } = await run("ps", id);
      assertMatch(stdout, /^PID .*\n(\w{7} .*\n){6}$/);
      const lines = stderr.trimEnd().split("\n");
      assertEquals(lines.length, 7, stderr);
      assertMatch(
        lines[0]!,
        /^deploy: \w{7} returns ended without taking 3 values \(3(\.\d)? KiB\) from \w{7} leaves\.ts "jobs"$/,
      );
    });

    await t.step("why says which processes are on a node that does not answer", async () => {
      const { code, stdout } = await run("--detach", "--name", "waits", "waits.ts");
      assertEquals(code, 0);
      id = stdout.trim();
      while (!(await run("logs", id)).stdout.includes("spawned"));
      const [first, child] = await processes() as [Shown, Shown];
      assert(first.node !== child.node);
      // The master's own node is part of the master, and so is not frozen here.
      const [frozen, other] = first.node === cluster.addresses[0] ? [child, first] : [first, child];
      cluster.nodes[0]!.kill("SIGSTOP");
      try {
        const silent = `^\\w{7} ${frozen.name} +its node ${frozen.node} does not answer$`;
        const waits = `^\\w{7} ${other.name} +recv from \\w{7} ${frozen.name}$`;
        const lines = [silent.replaceAll(".", "\\."), waits].map((line) => new RegExp(line, "m"));
        // The other one may be late with its answer, too.
        let said = "";
        while (!lines.every((line) => line.test(said))) said = (await run("why", id)).stdout;
        assertEquals(said.trimEnd().split("\n").length, 2);
      } finally {
        cluster.nodes[0]!.kill("SIGCONT");
      }
    });

    await t.step(
      "a second signal to a deploy whose build has yet to stop leaves no folder",
      async () => {
        const folder = await Deno.makeTempDir({ dir: "/tmp" });
        const [temporary, building, told, hold] = ["temporary", "building", "told", "hold"]
          .map((name) => `${folder}/${name}`);
        try {
          await Promise.all([Deno.mkdir(temporary!), Deno.mkdir(hold!)]);
          // A deno that says that it builds, and does not stop before the test does, or for a minute.
          const script = `trap ": > ${told}" TERM; : > ${building}; i=0; ` +
            `while [ -d ${hold} ] && [ $i -lt 1200 ]; do i=$((i+1)); sleep 0.05; done`;
          await Deno.writeTextFile(`${folder}/deno`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
          const stopped = new Deno.Command(Deno.execPath(), {
            args: ["run", "-A", CLI, cluster.bridge, "waits.ts"],
            cwd: project.folder,
            env: {
              ...{ ...PATIENT, DEPLOY_SECRET_FILE: SECRET_FILE },
              ...{ DEPLOY_DENO: `${folder}/deno`, TMPDIR: temporary! },
            },
            ...{ stdin: "null", stdout: "null", stderr: "null" },
          }).spawn();
          while (!await exists(building!)) await delay(20);
          assertEquals(Array.from(Deno.readDirSync(temporary!)).length, 1);
          stopped.kill("SIGTERM");
          // Two that come before it has taken the first one are one.
          while (!await exists(told!)) await delay(20);
          stopped.kill("SIGTERM");
          const { code, signal } = await deadline(stopped.status, 30_000);
          assertEquals([code, signal], [143, null]);
          assertEquals(Array.from(Deno.readDirSync(temporary!)), []);
        } finally {
          await Deno.remove(folder, { recursive: true });
        }
      },
    );

    await t.step("a run that ended with its bridge is listed with its processes", async () => {
      const from = cluster.master.out.length;
      const bridge = (await descendantsOf(cluster.master.pid)).find(({ parent, command }) =>
        parent === cluster.master.pid && command.includes("fabric.ts")
      );
      signalProcess(bridge!.id, "SIGKILL");
      await cluster.master.ready("bridge", { from });
      const runs = await data("ps");
      const { state, spawned, running, code } = runs.find(({ run }) => run === id);
      assertEquals({ state, spawned, running, code }, {
        ...{ state: "ended", spawned: 2, running: 0, code: 1 },
      });
    });
  },
});

const exists = (path: string): Promise<boolean> => Deno.stat(path).then(() => true, () => false);
