/** The time and the bytes to deploy a changed program again, and a program with many files. */

import { parseMem } from "../../../src/core/resources.ts";
import { ChangingProgram, DevCluster, projectPath } from "../cluster.ts";
import { CountingRelay } from "../counting_relay.ts";
import { openRow } from "../open.ts";
import { ownCache } from "../own_cache.ts";
import { LeftOut, type OpenRow, type Row } from "../row.ts";
import { run } from "../tools.ts";
import { PLAIN_VARIABLES, untilOutput } from "../until_output.ts";

export const REDEPLOY: Row = {
  name: "redeploy",
  title: "deploy, after a one-line change, to first output",
  unit: "ms",
  goal: { judges: "difference", better: "less", must: 250, stretch: 120 },
  rounds: 7,
  async open(): Promise<OpenRow> {
    await using held = new AsyncDisposableStack();
    const cluster = held.use(await DevCluster.start());
    const program = held.use(await ChangingProgram.create());
    const deploy = ["run", "-A", projectPath("cli.ts"), cluster.bridge, "main.ts"];
    const measure = async (args: readonly string[]) => {
      await program.change();
      return await untilOutput(args, program.folder);
    };
    await measure(deploy); // the first run fetches what deno bundle needs
    return openRow([
      { name: "deploy to a cluster, bundle", measure: () => measure(deploy) },
      { name: "deno run here", measure: () => measure(["run", "-A", "main.ts"]) },
    ], [held.move()]);
  },
};

const FILES = 10_000;

export const MANY_FILES: Row = {
  name: "files",
  title: "deploy with 10,000 new small files, to first output",
  unit: "ms",
  goal: { judges: "ratio", better: "less", must: 4, stretch: 2.5 },
  rounds: 3,
  async open(): Promise<OpenRow> {
    await using held = new AsyncDisposableStack();
    const cluster = held.use(await DevCluster.start());
    const program = held.use(await ChangingProgram.create());
    const paths = Array.from({ length: FILES }, (_, index) => `${index % 100}/${index}`);
    for (let index = 0; index < 100; index++) {
      await Deno.mkdir(`${program.folder}/data/${index}`, { recursive: true });
    }
    let round = 0;
    /** Nothing of the files is known to the cluster. */
    const change = () => {
      round++;
      for (const path of paths) {
        Deno.writeTextFileSync(`${program.folder}/data/${path}`, `${path} ${round}\n`);
      }
    };
    const deploy = ["run", "-A", projectPath("cli.ts"), "--include", "data"];
    change();
    return openRow([
      {
        name: "deploy to a cluster",
        measure: () => {
          change();
          return untilOutput([...deploy, cluster.bridge, "main.ts"], program.folder);
        },
      },
      {
        name: "deno run of a program that copies them",
        measure: async () => {
          const script = projectPath("scripts/bench/programs/copy.ts");
          const ms = await untilOutput(["run", "-A", script, "data", "copy"], program.folder);
          await Deno.remove(`${program.folder}/copy`, { recursive: true });
          return ms;
        },
      },
    ], [held.move()]);
  },
};

export const RELEASE: Row = {
  name: "release",
  title: "bytes sent by a deploy --release, after a one-line change",
  unit: "kB",
  goal: { judges: "ratio", better: "less", must: 0.003, stretch: 0.001 },
  rounds: 3,
  async open(): Promise<OpenRow> {
    const deno = Deno.env.get("COMPILE_DENO");
    if (deno === undefined || Deno.env.get("DENORT_BIN") === undefined) {
      throw new LeftOut("COMPILE_DENO and DENORT_BIN do not name a deno that compiles");
    }
    await using held = new AsyncDisposableStack();
    const cache = held.use(await ownCache()); // it is another version
    const env = { ...PLAIN_VARIABLES, DENO_DIR: cache.folder };
    const cluster = held.use(await DevCluster.start());
    const relay = held.use(new CountingRelay(cluster.bridge));
    const program = held.use(await ChangingProgram.create());
    let size = NaN;
    const measure = async () => {
      await program.change();
      const before = relay.bytes;
      const args = ["run", "-A", projectPath("cli.ts"), "--release", relay.address, "main.ts"];
      const { stderr } = await run(deno, args, { cwd: program.folder, env });
      size = parseMem(/^deploy: built main\.ts: (.*),/m.exec(stderr)?.[1] ?? "") / 1e3;
      return (relay.bytes - before) / 1e3;
    };
    await measure(); // everything is sent, once
    return openRow([
      { name: "sent", measure },
      { name: "size of the executable", measure: () => Promise.resolve(size) },
    ], [held.move()]);
  },
};
