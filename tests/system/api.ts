/** Tables of programs with their expected output: one row for each promise of the API. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { type RunOptions, runProgram, withoutNotices } from "./helpers.ts";

/** The first lines of every program in a table. */
export const IMPORTS =
  `import { Acceptor, after, ChannelError, DEFAULT_RESOURCES, GiB, init, isPid, kill,
  KiB, MiB, parseMem, pid, Receiver, resources, run, select, Sender, shortPid, spawn, SpawnError,
  spawnable, selectableWait, success, trySpawn, wait } from "deploy";
const say = (...values) => console.log(...values.map((value) =>
  typeof value === "string" ? value : JSON.stringify(value)));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const failure = async (attempt) => {
  try { await attempt(); } catch (error) { return error; }
  return new Error("it did not fail");
};
`;

/** One program, and its expected result. */
export interface Row extends RunOptions {
  /** The promise. */
  readonly name: string;
  /** The program, after {@linkcode IMPORTS}. */
  readonly source: string;
  /** The stdout of its first process. */
  readonly says: string;
  /** The stdout of each other process, in any order. @default nothing */
  readonly others?: readonly string[];
  /** The exit code of the run. @default 0 */
  readonly code?: number;
  /** The stderr. @default nothing, if the exit code is 0 */
  readonly stderr?: RegExp;
}

/** Defines a test for each row. */
export function testRows(rows: readonly Row[]): void {
  for (const row of rows) Deno.test(row.name, () => check(row));
}

async function check({ source, says, others, code = 0, stderr, ...options }: Row): Promise<void> {
  const run = await runProgram(IMPORTS + source, options);
  const [first, ...rest] = run.processes;
  const shown = JSON.stringify(run.raw).slice(0, 4000);
  assertEquals(first?.stdout, says, shown);
  assertEquals(
    rest.map(({ stdout }) => stdout).filter((text) => text !== "").toSorted(),
    (others ?? []).toSorted(),
    shown,
  );
  assertEquals(run.code, code, shown);
  const said = run.stderr + withoutNotices(run.raw.stderr);
  if (stderr !== undefined) assertMatch(said, stderr, shown);
  else if (code === 0) assertEquals(said, "", shown);
}
