/** A run of the chaos, and its end. */

import { LeftoverError, type ProgramRun } from "deploy/testing";
import { type OsProcess, processesNaming } from "../../src/testing/os_processes.ts";
import type { Happened } from "./seen.ts";

/**
 * What is left of a run for so long is an orphan. A run whose deploy was killed has 30 s, its grace and 5 s
 * (docs/reliability.md), and what a frozen node hosts ends when that goes on; and a busy machine may need as
 * long again. What nobody ends is left for ever.
 */
const ORPHAN_MS = 120_000;

const LOOK_EVERY_MS = 100;

/** A run under way. */
export interface ActiveRun {
  /** It is in the command lines of its processes. */
  readonly id: string;
  readonly run: ProgramRun;
  readonly happened: Set<Happened>;
  /** Its deploy was killed, so that nobody is told how it ends. */
  deployKilled: boolean;
}

/** The processes of a run on its nodes: not its `deploy`, which is a child of this process. */
export async function processesOf({ id }: ActiveRun): Promise<OsProcess[]> {
  return (await processesNaming(id)).filter(({ parent }) => parent !== Deno.pid);
}

/**
 * Resolves when no process is left of a run whose deploy has ended.
 *
 * @throws {Error} If some are left for too long.
 */
export async function noneLeft(active: ActiveRun): Promise<void> {
  const endMs = performance.now() + ORPHAN_MS;
  for (;;) {
    const left = await processesOf(active);
    if (left.length === 0) return;
    if (performance.now() > endMs) {
      const list = left.map(({ id, command }) => `${id} ${command}`).join(" | ");
      throw new Error(`orphaned, ${ORPHAN_MS} ms after its deploy has ended: ${list}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/**
 * Looks for what is left of a run that is over. A killed deploy cannot remove its own temporary files.
 *
 * @throws {LeftoverError} If there is something.
 */
export async function checkLeft({ run, deployKilled }: ActiveRun): Promise<void> {
  try {
    await run[Symbol.asyncDispose]();
  } catch (error) {
    const isOwnFiles = error instanceof LeftoverError && error.processes.length === 0;
    if (!(deployKilled && isOwnFiles)) throw error;
  }
}
