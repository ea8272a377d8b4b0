/** What the two ends of a channel have in common. */

import { isPid, type Pid, shortPid } from "../core/pid.ts";

/**
 * Checks whom a channel end is to be opened to.
 *
 * @throws {TypeError} If `remote` is no Pid, or `own`.
 */
export function checkRemote(end: "Sender" | "Receiver", remote: Pid, own: Pid): void {
  const given: unknown = remote;
  if (!isPid(given)) {
    const shown = typeof given === "string" ? JSON.stringify(given) : String(given);
    throw new TypeError(
      `Cannot create a ${end}: ${shown} is no Pid; a Pid comes from spawn(), pid(), or as a ` +
        `spawned function's first argument`,
    );
  }
  if (given === own) {
    throw new TypeError(
      `Cannot create a ${end} to ${shortPid(own)}: a process cannot create a channel to itself`,
    );
  }
}
