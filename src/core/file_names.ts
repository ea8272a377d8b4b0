/** The allowed names of a run's files, which come from another machine. */

import { ProtocolError } from "./errors.ts";

/**
 * The longest path in UTF-8. Together with the path of the folder of a run, it stays within the 4,096 bytes
 * that Linux allows.
 */
const MAX_PATH_BYTES = 3_800;

/** The most parts of a path. */
const MAX_DEPTH = 256;

/** The form of the name of a module beside the main file. */
const BESIDE = /^[A-Za-z0-9_-]{1,64}\.js$/;

/** Checks the name of a module beside the main file of a run. @throws {ProtocolError} If it is invalid. */
export function checkNameBeside(name: string): void {
  if (!BESIDE.test(name)) {
    throw new ProtocolError(`Cannot use ${JSON.stringify(name)} as the name of a module`);
  }
}

/**
 * Checks the name of a file below a run's folder, with `/` between its parts.
 *
 * @throws {ProtocolError} If it is invalid, or leads out of the folder.
 */
export function checkName(name: string): void {
  const why = problemOfPath(name);
  if (why !== undefined) {
    throw new ProtocolError(`Cannot use ${JSON.stringify(name)} as the name of a file: ${why}`);
  }
}

/** Why a path cannot be used below a folder of a run, in a few words; `undefined` if it can. */
export function problemOfPath(path: string): string | undefined {
  if (utf8Length(path) > MAX_PATH_BYTES) return `it is longer than ${MAX_PATH_BYTES} bytes`;
  if (path.includes("\0")) return "it contains a NUL byte";
  if (path.includes("\\")) return "it contains a backslash";
  if (!path.isWellFormed()) return "it is not Unicode";
  const parts = path.split("/");
  if (parts.length > MAX_DEPTH) return `it has more than ${MAX_DEPTH} parts`;
  for (const part of parts) {
    if (part === "") return "a part of it is empty";
    if (part === "." || part === "..") return `a part of it is "${part}"`;
  }
  return undefined;
}

/** The length in UTF-8; a text that is too long in any case is not encoded. */
function utf8Length(text: string): number {
  return text.length > MAX_PATH_BYTES ? text.length : new TextEncoder().encode(text).length;
}

/** A path as it is shown to a person, on one line: quoted if it contains a line end, or the like. */
export function onOneLine(path: string): string {
  return /\p{Cc}/u.test(path) ? JSON.stringify(path) : path;
}
