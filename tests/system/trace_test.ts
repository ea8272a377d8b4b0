/** A run as a trace, of this machine and of a cluster. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import { startCluster } from "../fabric/cluster.ts";
import { SECRET_FILE } from "../secret.ts";
import { CLI, deploy, Project } from "./deploy_harness.ts";

/** The maximum time for a program, on a machine that does much else. */
const LIMIT_MS = 120_000;

/**
 * The worker waits for jobs, and computes each; the first process waits for it. That goes on until there is a file of
 * the name in the arguments: what processes do is looked at now and then, and a busy machine may be late with that.
 */
const PROGRAM = `
import { init, type Pid, Receiver, Sender, spawn, wait } from "deploy";
const [enough] = Deno.args;
const isThere = () => Deno.stat(enough!).then(() => true, () => false);
async function feeder(_parent: Pid, worker: Pid) {
  await using jobs = new Sender<{ computeMs: number }>(worker, "jobs");
  await using done = new Receiver<boolean>(worker, "done");
  do {
    await new Promise((resolve) => setTimeout(resolve, 400));
    await jobs.send({ computeMs: 800 });
    await done.recv();
  } while (!(await isThere()));
}
async function worker(parent: Pid) {
  await using introduction = new Receiver<Pid>(parent);
  const feeder = await introduction.recv();
  await using jobs = new Receiver<{ computeMs: number }>(feeder, "jobs");
  await using done = new Sender<boolean>(feeder, "done");
  for await (const { computeMs } of jobs) {
    for (const start = Date.now(); Date.now() < start + computeMs;);
    await done.send(true);
  }
}
await init({ functions: { feeder, worker } });
const pid = await spawn(worker);
await new Sender<Pid>(pid).send(await spawn(feeder, pid));
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

/** What the worker does when it waits for a job. */
const RECEIVES = /^recv from [0-9a-f]{7} feeder "jobs"$/;

Deno.test("DEPLOY_TRACE writes a local run as a trace, with what its processes wait for", async () => {
  await using project = await Project.make({ "main.ts": PROGRAM });
  const [file, enough] = ["trace.json", "enough"].map((name) => `${project.folder}/${name}`);
  const running = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", enough!],
    cwd: project.folder,
    env: { DEPLOY_TRACE: file!, DEPLOY_FORMAT: "" },
    signal: AbortSignal.timeout(LIMIT_MS),
  }).output();
  const isOver = overOf(running);
  // It is written as it goes on.
  const written = () => Deno.readTextFile(file!).catch(() => ""); // not yet there
  while (!isOver() && !(await written()).includes(String.raw`feeder \"jobs\"`)) await delay(50);
  await Deno.writeTextFile(enough!, "");
  const { success, stderr } = await running;
  assert(success, new TextDecoder().decode(stderr));
  const text = await Deno.readTextFile(file!);
  assertEquals(namesOf(text, "process"), ["feeder", "main.ts", "worker"]);
  assertEquals(namesOf(text, "spawn").length, 4);
  const waits = namesOf(text, "waits");
  assert(waits.some((name) => RECEIVES.test(name)), `${waits}`);
});

/** The row of a process. */
function lifeOf(entries: readonly Entry[], wanted: string): Entry | undefined {
  return entries.find(({ cat, name }) => cat === "process" && name === wanted);
}

/** What was seen of a process. */
function slicesOf(entries: readonly Entry[], wanted: string): Entry[] {
  const life = lifeOf(entries, wanted);
  return entries.filter(({ tid, args }) => tid === life?.tid && args?.sampled === true);
}

/** How long the worker has been seen to compute after it was seen to wait for a job, in microseconds. */
function computedAfterWaiting(entries: readonly Entry[]): number {
  const worker = slicesOf(entries, "worker");
  const received = worker.find(({ name }) => RECEIVES.test(name));
  if (received === undefined) return 0;
  // It gives no answer, either, and on a very busy machine it hardly computes.
  const computed = worker.filter(({ cat }) => cat === "computes" || cat === "silent");
  const after = computed.filter(({ ts }) => ts >= received.ts + received.dur);
  return after.reduce((sum, { dur }) => sum + dur, 0);
}

Deno.test("deploy logs --format chrome-trace is the trace of a run of a cluster, by node", async () => {
  await using cluster = await startCluster({ nodes: [{ mem: "2GiB", cpu: 4 }] });
  await using project = await Project.make({ "main.ts": PROGRAM });
  const enough = `${project.folder}/enough`;
  const running = deploy([cluster.bridge, "main.ts", "--", enough], { cwd: project.folder });
  const isOver = overOf(running);
  const trace = async (): Promise<string> => {
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", CLI, "logs", cluster.bridge, "main.ts", "--format", "chrome-trace"],
      env: { DEPLOY_SECRET_FILE: SECRET_FILE },
    }).output();
    return success ? new TextDecoder().decode(stdout) : '{"traceEvents":[]}'; // it has yet to begin
  };
  const entriesOf = (text: string) => (JSON.parse(text) as { traceEvents: Entry[] }).traceEvents;
  while (!isOver() && computedAfterWaiting(entriesOf(await trace())) < 1_000_000);
  await Deno.writeTextFile(enough, "");
  const ran = await running;
  assertEquals(ran.code, 0, ran.stderr);

  const text = await trace();
  assertEquals(namesOf(text, "process"), ["feeder", "main.ts", "worker"]);
  const entries = entriesOf(text);
  const nodes = entries.filter(({ name }) => name === "process_name");
  assertEquals(nodes.map(({ args }) => args?.name), [...cluster.addresses]);
  // The worker waits for its job, then computes, while the first process waits for it.
  assert(computedAfterWaiting(entries) >= 1_000_000, text);
  for (const name of ["main.ts", "worker"]) {
    const life = lifeOf(entries, name)!;
    for (const { ts, dur } of slicesOf(entries, name)) {
      assert(ts >= life.ts && ts + dur <= life.ts + life.dur);
    }
  }
  const first = slicesOf(entries, "main.ts");
  assert(first.some(({ name }) => /^wait [0-9a-f]{7} worker$/.test(name)), JSON.stringify(first));
});

/** Whether it has ended, or failed. */
function overOf(running: Promise<unknown>): () => boolean {
  let isOver = false;
  const end = () => isOver = true;
  running.then(end, end);
  return () => isOver;
}
