/** A run as a trace, of this machine and of a cluster. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { SECRET_FILE } from "../secret.ts";
import { CLI, deploy, Project } from "./deploy_harness.ts";

const PROGRAM = `
import { init, type Pid, Receiver, Sender, spawn, wait } from "deploy";
async function worker(parent: Pid) {
  await using jobs = new Receiver<{ computeMs: number }>(parent, "jobs");
  const job = await jobs.recv();
  for (const start = Date.now(); Date.now() < start + job.computeMs;);
  console.log(job);
}
await init({ functions: { worker } });
const pid = await spawn(worker);
await new Promise((resolve) => setTimeout(resolve, 600));
await using jobs = new Sender<{ computeMs: number }>(pid, "jobs");
await jobs.send({ computeMs: Number(Deno.args[0]) });
await wait(pid);
`;

interface Entry {
  ph: string;
  name: string;
  cat: string;
  /** In microseconds. */
  ts: number;
  dur: number;
  tid: number;
  args?: { name?: string; status?: string; sampled?: boolean };
}

/** The names of the slices and arrows of a trace, in an order of their own. */
function namesOf(text: string, cat: string): string[] {
  const { traceEvents } = JSON.parse(text) as { traceEvents: Entry[] };
  return traceEvents.filter((entry) => entry.cat === cat).map(({ name }) => name).sort();
}

Deno.test("DEPLOY_TRACE writes a local run as a trace, with what its processes wait for", async () => {
  await using project = await Project.make({ "main.ts": PROGRAM });
  const file = `${project.folder}/trace.json`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", "0"],
    cwd: project.folder,
    env: { DEPLOY_TRACE: file, DEPLOY_FORMAT: "" },
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const text = await Deno.readTextFile(file);
  assertEquals(namesOf(text, "process"), ["main.ts", "worker"]);
  assertEquals(namesOf(text, "spawn").length, 2);
  const waits = namesOf(text, "waits");
  assert(waits.some((name) => /^recv from [0-9a-f]{7} main\.ts "jobs"$/.test(name)), `${waits}`);
});

Deno.test("deploy logs --format chrome-trace is the trace of a run of a cluster, by node", async () => {
  await using cluster = await startCluster({ nodes: [{ mem: "2GiB", cpu: 4 }] });
  await using project = await Project.make({ "main.ts": PROGRAM });
  const ran = await deploy([cluster.bridge, "main.ts", "--", "2000"], { cwd: project.folder });
  assertEquals(ran.code, 0, ran.stderr);
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", CLI, "logs", cluster.bridge, "main.ts", "--format", "chrome-trace"],
    env: { DEPLOY_SECRET_FILE: SECRET_FILE },
  }).output();
  assert(success);
  const text = new TextDecoder().decode(stdout);
  assertEquals(namesOf(text, "process"), ["main.ts", "worker"]);
  const { traceEvents } = JSON.parse(text) as { traceEvents: Entry[] };
  const nodes = traceEvents.filter(({ name }) => name === "process_name");
  assertEquals(nodes.map(({ args }) => args?.name), [...cluster.addresses]);

  // The worker waits for its job, then computes, while the first process waits for it.
  const slices = traceEvents.filter(({ args }) => args?.sampled === true);
  const [first, worker] = ["main.ts", "worker"].map((wanted) => {
    const life = traceEvents.find(({ cat, name }) => cat === "process" && name === wanted)!;
    const own = slices.filter(({ tid }) => tid === life.tid);
    for (const { ts, dur } of own) assert(ts >= life.ts && ts + dur <= life.ts + life.dur);
    return own;
  }) as [Entry[], Entry[]];
  const received = worker.find(({ name }) => /^recv from [0-9a-f]{7} main\.ts "jobs"$/.test(name));
  // It gives no answer, either, and on a very busy machine it hardly computes.
  const computed = worker.filter(({ cat }) => cat === "computes" || cat === "silent");
  assert(received !== undefined && computed.length > 0, JSON.stringify(worker));
  const after = computed.filter(({ ts }) => ts >= received.ts + received.dur);
  assert(after.reduce((sum, { dur }) => sum + dur, 0) >= 1_000_000, text);
  assert(first.some(({ name }) => /^wait [0-9a-f]{7} worker$/.test(name)), JSON.stringify(first));
});
