/** What Sender, Receiver and Acceptor share: the hub of this process, and the checks of their arguments. */

import type { Hub } from "./hub.ts";
import { atCaller, type Operation } from "../core/errors.ts";
import { isPid, type Pid, shortPid } from "../core/pid.ts";
import { MAX_NAME_BYTES } from "../wire/frame.ts";

let current: Hub | undefined;

/** Sets this process's hub. `init()` calls it once for good, and the rehearsal of a spare before that. */
export function setHub(hub: Hub | undefined): void {
  current = hub;
}

/**
 * This process's hub.
 *
 * @param action The action that needs it, for the error: `create a Sender`.
 * @param operation The function that the program called.
 * @throws {Error} Before `init()` has resolved.
 */
export function hub(action: string, operation: Operation): Hub {
  if (current !== undefined) return current;
  throw atCaller(new Error(`Cannot ${action}: await init() first`), operation);
}

/** This process's hub, or `undefined` before `init()` has resolved. */
export function hubIfAny(): Hub | undefined {
  return current;
}

/**
 * Checks the remote process of a channel end.
 *
 * @throws {TypeError} If `remote` is not a Pid, or is `own`.
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
 * @throws {TypeError} If it is not a string, or not well-formed: it has no UTF-8 then, by which channels are
 * told apart.
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
  if (!name.isWellFormed()) {
    throw atCaller(
      new TypeError(
        `Cannot create ${what}: its name is ${
          JSON.stringify(name)
        }, which contains a lone surrogate`,
      ),
      operation,
    );
  }
  // A string has at least as many bytes as code units, and at most three times as many.
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

/** `a Sender "results" to this pid`, as messages name it. */
export function describeEnd(end: "Sender" | "Receiver", name: string): string {
  return name === ""
    ? `a ${end} to this pid`
    : `a ${end} to this pid named ${JSON.stringify(name)}`;
}
