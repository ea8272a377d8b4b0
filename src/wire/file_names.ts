/** The allowed names of a run's files, which come from another machine. */

import { ProtocolError } from "../core/protocol_error.ts";

/** No file system allows longer ones. */
const MAX_NAME_LENGTH = 1024;

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
  const parts = name.split("/");
  const isNone = name.length > MAX_NAME_LENGTH || /[\0\\]/.test(name) ||
    parts.some((part) => part === "" || part === "." || part === "..");
  if (isNone) throw new ProtocolError(`Cannot use ${JSON.stringify(name)} as the name of a file`);
}
