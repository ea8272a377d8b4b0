/** Which processes of a run a debugger may attach to. */

import { ProtocolError } from "./errors.ts";

/** What the user asks for with `--inspect` and `DEPLOY_INSPECT`. */
export interface Inspection {
  /**
   * The functions whose processes are meant, by name; the first process, by the name of the program's file. `null`
   * is all.
   */
  readonly names: readonly string[] | null;
  /** Whether each process waits for a debugger before its function runs. */
  readonly breaks: boolean;
}

/** What a process does: it opens its inspector, and goes on; or it also waits for a debugger. */
export type InspectMode = "open" | "break";

/** The most names, and the most characters of each. */
const MAX_NAMES = 256;
const MAX_NAME = 256;

/** Reads a list of names with commas; without any, all are meant. @throws {SyntaxError} If a name is missing. */
export function parseInspection(text: string, breaks: boolean): Inspection {
  if (text === "") return { names: null, breaks };
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("")) {
    throw new SyntaxError(`${JSON.stringify(text)} has an empty name; write names with commas`);
  }
  if (names.length > MAX_NAMES || names.some(({ length }) => length > MAX_NAME)) {
    throw new SyntaxError(`it has more than ${MAX_NAMES} names, or a name of that many characters`);
  }
  return { names, breaks };
}

/** Reads what is sent to another machine. @throws {ProtocolError} If it is malformed. */
export function checkInspection(value: unknown): Inspection {
  const { names, breaks } = value as Inspection;
  const isList = (list: unknown): list is string[] =>
    Array.isArray(list) && list.length <= MAX_NAMES &&
    list.every((name) => typeof name === "string" && name.length <= MAX_NAME);
  if (typeof breaks !== "boolean" || (names !== null && !isList(names))) {
    throw new ProtocolError("Cannot read which processes are inspected");
  }
  return { names, breaks };
}

/**
 * What a process does that is spawned for `function`, or, if that is `null`, the first process; `undefined` if no
 * debugger may attach to it.
 */
export function inspectMode(
  inspection: Inspection | undefined,
  process: { readonly function: string | null; readonly name: string },
): InspectMode | undefined {
  if (inspection === undefined) return undefined;
  const { names, breaks } = inspection;
  const isMeant = names === null || names.includes(process.function ?? process.name);
  return isMeant ? breaks ? "break" : "open" : undefined;
}
