/** Starts a process as the leader of its own session, without copying this process. */

import type { Program } from "./program.ts";

/** Of util-linux: creates a session and executes a command. */
const SETSID = "/usr/bin/setsid";

/** What to give to `Deno.Command`. */
export interface SessionCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly detached: boolean;
}

/**
 * The command that runs `program` in a session of its own. Its process id is the session's, too.
 *
 * With `detached`, Deno creates the session in a copy of this process, which blocks this process for 5 to
 * 10 ms each time, against 1 ms without. So the new process creates it itself, if `setsid` is available;
 * until then it is in the group of this process.
 */
export function inNewSession({ command, args }: Program): SessionCommand {
  // Deno reports a program that cannot be executed as an error; setsid would write it to the program's
  // stderr.
  if (!canSetsid() || !isExecutable(command)) return { command, args, detached: true };
  return { command: SETSID, args: [command, ...args], detached: false };
}

let found: boolean | undefined;

/** Whether `setsid` exists, as far as this process may check without prompting. */
function canSetsid(): boolean {
  return found ??= Deno.permissions.querySync({ name: "read" }).state === "granted" &&
    isExecutable(SETSID);
}

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
