/** How a process is started as the leader of a session of its own, without a copy of this one. */

import type { Program } from "./program.ts";

/** Of util-linux: makes a session, and becomes the command that it is given. */
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
 * With `detached`, Deno makes the session in a copy of this process, which it is then held up by: 5 to
 * 10 ms each time, against 1 ms without. So the process itself makes it where there is a program that
 * can; for its first moments, it then is still in the group of this process.
 */
export function inNewSession({ command, args }: Program): SessionCommand {
  // What cannot be executed, Deno says as an error; setsid would say it on the program's stderr.
  if (!canSetsid() || !isExecutable(command)) return { command, args, detached: true };
  return { command: SETSID, args: [command, ...args], detached: false };
}

let found: boolean | undefined;

/** Whether there is a `setsid` here, as far as this process may look without asking the user. */
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
