/**
 * Keeps programs from the memory and the environment of a fabric that runs as the same user, in which the secret is.
 * It does not keep them from files of that user.
 */

import type { Logger } from "../core/logger.ts";
import { withLibc } from "./libc.ts";

/** `PR_SET_DUMPABLE` of Linux. */
const SET_DUMPABLE = 4;

/**
 * Makes this process one that others of its user can neither trace nor look into by `/proc/<pid>/environ`, `mem`, `fd`
 * and their kin, and that leaves no core dump. Root still can. What it starts is not affected.
 *
 * @returns Why that is not possible, in one line; `undefined` if it is done.
 */
export function hideMemory(): string | undefined {
  return withLibc(({ prctl }) =>
    prctl(SET_DUMPABLE, 0n, 0n, 0n, 0n) === 0 ? undefined : "the system refuses it"
  );
}

/** As {@linkcode hideMemory}; says so in the log if that is not possible. */
export function hideMemoryOrSay(logger: Logger): void {
  const why = hideMemory();
  if (why === undefined) return;
  logger.info(`other processes of this user can read the memory of this one: ${why}`);
}
