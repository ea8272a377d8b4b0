/** What the two ends of a channel, and an Acceptor, have in common. */

import { MAX_NAME_BYTES } from "../wire/frame.ts";
import { isPid, type Pid, shortPid } from "../core/pid.ts";
import { atCaller, type Operation } from "../core/errors.ts";

/**
 * Checks whom a channel end is to be opened to.
 *
 * @throws {TypeError} If `remote` is no Pid, or `own`.
 */
export function checkRemote(
  end: "Sender" | "Receiver",
  remote: Pid,
  own: Pid,
  operation: Operation,
): void {
  const given: unknown = remote;
  if (!isPid(given)) {
    const shown = typeof given === "string" ? JSON.stringify(given) : String(given);
    throw atCaller(
      new TypeError(
        `Cannot create a ${end}: ${shown} is not a Pid; a Pid comes from spawn(), pid(), or as a ` +
          `spawned function's first argument`,
      ),
      operation,
    );
  }
  if (given === own) {
    throw atCaller(
      new TypeError(
        `Cannot create a ${end} to ${shortPid(own)}: a process cannot create a channel to itself`,
      ),
      operation,
    );
  }
}

/**
 * Checks the name of a channel.
 *
 * @throws {TypeError} If it is no text.
 * @throws {RangeError} If it is too long.
 */
export function checkName(
  end: "Sender" | "Receiver" | "Acceptor",
  name: unknown,
  operation: Operation,
): asserts name is string {
  const what = end === "Acceptor" ? "an Acceptor" : `a ${end}`;
  if (typeof name !== "string") {
    throw atCaller(
      new TypeError(`Cannot create ${what}: its name is ${String(name)}, not a string`),
      operation,
    );
  }
  // A text has at least as many bytes as it has units, and at most three times as many.
  if (3 * name.length <= MAX_NAME_BYTES) return;
  const { length } = new TextEncoder().encode(name);
  if (length <= MAX_NAME_BYTES) return;
  throw atCaller(
    new RangeError(
      `Cannot create ${what}: its name has ${length} bytes in UTF-8; at most ${MAX_NAME_BYTES} are allowed`,
    ),
    operation,
  );
}

/** `a Sender "results" to this pid`, as a message names it. */
export function describeEnd(end: "Sender" | "Receiver", name: string): string {
  return name === ""
    ? `a ${end} to this pid`
    : `a ${end} to this pid named ${JSON.stringify(name)}`;
}
