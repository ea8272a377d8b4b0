/** The loads, by their names. */

// @ts-types="../../types/std_streams.d.ts"
import { TextLineStream } from "@std/streams/text-line-stream";
import { TestCluster } from "deploy/testing";
import { Asked } from "../soak/asked.ts";
import { type Usage, usageOf } from "../soak/usage.ts";
import { AskedCluster, partIds } from "./asked_cluster.ts";
import { type Load, type LoadResult, Progress, rate, shown } from "./load.ts";
import { waiting } from "./waiting.ts";
import { Watched } from "./watched.ts";

/** More than any load asks for: what is measured is not how spawns wait for room. */
const ROOM = { mem: "100GiB", cpu: 1_000 };

const GB = 1e9;
const LINE_BYTES = 1_000;

/** Samples what the parts of a cluster use, without their garbage where they are asked. */
class Sampler {
  readonly usages: Record<string, Usage[]> = {};
  readonly #ids: ReadonlyMap<string, number>;
  readonly #asked: Asked | undefined;

  constructor(ids: ReadonlyMap<string, number>, asked?: Asked) {
    this.#ids = ids;
    this.#asked = asked;
  }

  static async of(cluster: TestCluster, more: Record<string, number> = {}): Promise<Sampler> {
    const parts = await partIds(cluster);
    return new Sampler(new Map([...parts, ...Object.entries(more)]));
  }

  /** So much is done. */
  async sample(done: number): Promise<void> {
    for (const [name, id] of this.#ids) {
      const usage = this.#asked?.usageOf(id, done) ?? usageOf(id, done);
      (this.usages[name] ??= []).push(await usage);
    }
  }
}

/** The time that `work` takes, in ms. */
async function timed(work: () => Promise<void>): Promise<number> {
  const beginMs = performance.now();
  await work();
  return performance.now() - beginMs;
}

/** Many processes at the same time on one node. */
const processes: Load = {
  count: 500,
  describe: (count) => `${shown(count)} processes at the same time on one node`,
  async run(count) {
    await using cluster = await TestCluster.start({ nodes: 1, ...ROOM });
    const args = ["processes", String(count)];
    await using run = await cluster.deploy(new URL("./program.ts", import.meta.url), {
      args,
      timeoutMs: 1_800_000,
    });
    const sampler = await Sampler.of(cluster);
    const upMs = await timed(async () => void await run.output(/^all are there$/));
    await sampler.sample(count);
    let ended = 0;
    const endMs = await timed(async () => {
      const result = await run.ended;
      if (result.code !== 0) throw new Error(`the run ended with ${result.code}: ${result.said}`);
      ended = result.processes.length - 1;
    });
    if (ended !== count) throw new Error(`${ended} of ${count} processes were reported`);
    const figures = [`there: ${rate(count, "processes", upMs)}`, `ended: ${endMs.toFixed(0)} ms`];
    return { figures, usages: sampler.usages };
  },
};

/** Many deployments at the same moment. */
const deployments: Load = {
  count: 50,
  describe: (count) => `${shown(count)} deployments at the same moment`,
  async run(count) {
    await using cluster = await TestCluster.start({ nodes: 2, ...ROOM });
    const sampler = await Sampler.of(cluster);
    let done = 0;
    const deploy = async (): Promise<void> => {
      await using run = await cluster.deploy(new URL("./program.ts", import.meta.url), {
        args: ["deployments"],
        timeoutMs: 600_000,
      });
      const { code, stdout, said } = await run.ended;
      if (code !== 0 || stdout !== "deployed\n") throw new Error(`it ended with ${code}: ${said}`);
      await sampler.sample(++done);
    };
    const ms = await timed(async () => {
      await Promise.all(Array.from({ length: count }, deploy));
    });
    return { figures: [rate(count, "deployments", ms)], usages: sampler.usages };
  },
};

/** Many small values from one process to another one. */
const messages: Load = {
  count: 1e8,
  describe: (count) => `${shown(count)} small values from one process to another one`,
  async run(count) {
    const run = Watched.local(["messages", String(count)], "human");
    const usages: Usage[] = [];
    const ms = await timed(async () => {
      const lines = run.stdout.pipeThrough(new TextDecoderStream())
        .pipeThrough(new TextLineStream());
      for await (const line of lines) {
        const found = /(\d+) (\d+)$/.exec(line);
        if (found === null) continue;
        const memMiB = Math.round(Number(found[2]) / 2 ** 20);
        usages.push({ ended: Number(found[1]), memMiB, files: 0 });
      }
      await run.ended();
    });
    return { figures: [rate(count, "values", ms)], usages: { reader: usages } };
  },
};

/** The events of a run of spawns, until it has ended. */
async function runSpawns(run: Watched, count: number, sampler: Sampler): Promise<void> {
  const progress = new Progress(count, (done) => sampler.sample(done));
  let ended = 0;
  const lines = run.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines) {
    // The last one is the first process's.
    if (JSON.parse(line).event === "exit" && ++ended <= count) await progress.reached(ended);
  }
  await run.ended();
  if (ended !== count + 1) throw new Error(`${ended - 1} of ${count} processes were reported`);
}

/** Many processes, so many at a time, in a local run. */
function localSpawns(atOnce: number): Load {
  return {
    count: 25_000,
    describe: (count) => `${shown(count)} spawns in a local run, ${atOnce} at a time`,
    async run(count) {
      await using asked = await Asked.start();
      const run = Watched.local(["spawns", String(count), String(atOnce)], "json", asked);
      const sampler = new Sampler(new Map([["launcher", run.pid]]), asked);
      const ms = await timed(() => runSpawns(run, count, sampler));
      return { figures: [rate(count, "spawns", ms)], usages: sampler.usages };
    },
  };
}

/** Many processes, so many at a time, on a cluster. */
function clusterSpawns(atOnce: number): Load {
  return {
    count: 25_000,
    describe: (count) => `${shown(count)} spawns on a cluster, ${atOnce} at a time`,
    async run(count) {
      await using asked = await Asked.start();
      await using cluster = await AskedCluster.start(asked);
      const args = ["spawns", String(count), String(atOnce)];
      const run = Watched.deployed(cluster, args, "json");
      const sampler = new Sampler(await partIds(cluster), asked);
      const ms = await timed(() => runSpawns(run, count, sampler));
      return { figures: [rate(count, "spawns", ms)], usages: sampler.usages };
    },
  };
}

/** A program on a cluster that prints without end, as fast as it can. */
const output: Load = {
  count: 10 * GB / LINE_BYTES,
  describe: (count) => `a program on a cluster that prints ${count * LINE_BYTES / GB} GB`,
  async run(count): Promise<LoadResult> {
    await using cluster = await TestCluster.start({ nodes: 2, ...ROOM });
    const run = Watched.deployed(cluster, ["output", String(count)], "human");
    const sampler = await Sampler.of(cluster, { deploy: run.pid });
    const progress = new Progress(count, (done) => sampler.sample(done));
    let lines = 0;
    const ms = await timed(async () => {
      for await (const bytes of run.stdout) {
        for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
        // At the end, deploy is about to end.
        if (lines < count) await progress.reached(lines);
      }
      await run.ended();
    });
    if (lines !== count) throw new Error(`${lines} of ${count} lines were shown`);
    return {
      figures: [rate(count * LINE_BYTES / 1e6, "MB", ms)],
      usages: sampler.usages,
    };
  },
};

/** All loads. */
export const LOADS: Readonly<Record<string, Load>> = {
  processes,
  deployments,
  messages,
  "spawns-local-1": localSpawns(1),
  "spawns-local-20": localSpawns(20),
  "spawns-cluster-1": clusterSpawns(1),
  "spawns-cluster-20": clusterSpawns(20),
  output,
  waiting,
};
