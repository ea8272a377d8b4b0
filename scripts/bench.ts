/**
 * Measures deploy against its cost goals: `deno task bench [options]`
 *
 * - `--only NAME` measures that row (repeatable)
 * - `--rounds N` measures each side N times, instead of its row's number
 * - `--json FILE` writes all measurements to a file
 * - `--table FILE` measures nothing, and prints such a file as the table of docs/performance.md
 *
 * Each row runs its baseline beside it, in turn. Its last line gives the judged value, its median and
 * quartiles, and its two limits. See docs/performance.md.
 */

import config from "../deno.json" with { type: "json" };
import { refuseMore, type Scanned } from "../src/cli/arguments.ts";
import type { Executable } from "../src/cli/executable.ts";
import { runExecutable } from "../src/cli/run_executable.ts";
import { countArgument, lastValue, wordArgument } from "../src/cli/values.ts";
import { thisMachine } from "./bench/machine.ts";
import { measureRow, type RowResult } from "./bench/measure.ts";
import { ownCache } from "./bench/own_cache.ts";
import { describeRow, summaryLine } from "./bench/report.ts";
import { LeftOut, type Row } from "./bench/row.ts";
import { LARGE, ROUND_TRIP, SMALL } from "./bench/rows/channels.ts";
import { HOSTS_ARRAYS, HOSTS_FIRST, HOSTS_ROUND_TRIP } from "./bench/rows/hosts.ts";
import { MANY_FILES, REDEPLOY, RELEASE } from "./bench/rows/deploying.ts";
import { CHANNELS, MEMORY } from "./bench/rows/memory.ts";
import { OUTPUT } from "./bench/rows/output.ts";
import { PLACEMENT } from "./bench/rows/placement.ts";
import { CALL, UNDER_WAY } from "./bench/rows/pool.ts";
import { type BenchRecord, tableOf } from "./bench/table.ts";
import { BURST, COLD, FIRST, LOOP, RUN, SPARE } from "./bench/rows/spawning.ts";

const ROWS: readonly Row[] = [
  ...[RUN, COLD, SPARE, FIRST, LOOP, ROUND_TRIP, SMALL, LARGE, OUTPUT],
  ...[HOSTS_ROUND_TRIP, HOSTS_ARRAYS, HOSTS_FIRST],
  ...[CALL, ...UNDER_WAY],
  ...[REDEPLOY, RELEASE, MANY_FILES, MEMORY, PLACEMENT, BURST, CHANNELS],
];

const NAMES = ROWS.map(({ name }) => name);

const BENCH: Executable = {
  name: "deno task bench",
  version: config.version,
  main: {
    name: "",
    summary: "Measure what deploy costs, each row beside its baseline",
    usage: [
      { form: "[--only NAME]… [--rounds N] [--json FILE]" },
      { form: "--table FILE", means: "print measurements as docs/performance.md has them" },
    ],
    options: {
      "only": { value: "NAME", summary: "measure that row (repeatable)", completes: NAMES },
      "rounds": { value: "N", summary: "measure each side N times, instead of its row's number" },
      "table": { value: "FILE", summary: "print measurements as a table", completes: "file" },
      "json": { value: "FILE", summary: "write all measurements", completes: "file" },
    },
    examples: ["deno task bench --only cold --rounds 5"],
    exitStatus: "0; 1 if a row failed; 2 for a bad argument",
  },
  commands: [],
};

interface Options {
  readonly rows: readonly Row[];
  readonly rounds: number | undefined;
  readonly json: string | undefined;
}

/** Reads the arguments. @throws {UsageError} If they are wrong. */
function readOptions(scanned: Scanned): Options {
  refuseMore(scanned.operands, 0, "options only");
  const names = scanned.options.get("only")?.map((name) => wordArgument(name, "--only", NAMES));
  const rounds = lastValue(scanned, "rounds");
  return {
    rows: names === undefined ? ROWS : ROWS.filter(({ name }) => names.includes(name)),
    rounds: rounds === undefined ? undefined : countArgument(rounds, "--rounds"),
    json: lastValue(scanned, "json"),
  };
}

/** Measures and shows the rows; false if one of them failed. */
async function bench({ rows, rounds, json }: Options): Promise<boolean> {
  await using cache = await ownCache();
  Deno.env.set("DENO_DIR", cache.folder);
  const machine = thisMachine();
  const { cpu, cores, memoryGib, os, deno, load } = machine;
  console.log(
    `${cores} cores (${cpu}), ${memoryGib} GiB, ${os}, Deno ${deno}, load ${load.toFixed(1)}\n`,
  );
  const [begun, start] = [new Date().toISOString(), performance.now()];
  const results: RowResult[] = [];
  const leftOut: { name: string; why: string }[] = [];
  let failed = false;
  for (const row of rows) {
    try {
      const result = await measureRow(row, rounds ?? row.rounds);
      results.push(result);
      console.log(`${describeRow(result)}\n`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      leftOut.push({ name: row.name, why });
      const outcome = error instanceof LeftOut ? "left out" : "failed";
      failed ||= outcome === "failed";
      console.log(`${row.name}: ${row.title}\n  ${outcome}: ${why}\n`);
    }
  }
  const seconds = Math.round((performance.now() - start) / 1e3);
  console.log(`${summaryLine(results)}\n${seconds} s, load ${thisMachine().load.toFixed(1)}`);
  if (json !== undefined) {
    const record = { begun, seconds, machine, rows: results, leftOut };
    await Deno.writeTextFile(json, `${JSON.stringify(record, null, 2)}\n`);
  }
  return !failed;
}

/** Prints a file that {@linkcode bench} has written. */
async function printTable(file: string): Promise<void> {
  console.log(tableOf(JSON.parse(await Deno.readTextFile(file)) as BenchRecord));
}

const output = { out: console.log, error: console.error };
Deno.exit(
  await runExecutable(
    BENCH,
    Deno.args,
    output,
    async (scanned) => {
      const file = lastValue(scanned, "table");
      if (file === undefined) return await bench(readOptions(scanned)) ? 0 : 1;
      await printTable(file);
      return 0;
    },
  ),
);
