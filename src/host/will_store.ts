/** The will files, in which processes leave undelivered data when they end. */

import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { randomId } from "../core/pid.ts";
import { formatMem, GiB, KiB } from "../core/resources.ts";

/** The largest will: a window and a message per channel. */
const MAX_WILL_BYTES: number = 1 * GiB;

/** The folder for short-lived files. */
export function temporaryFolder(): string {
  return (Deno.env.get("TMPDIR") || "/tmp").replace(/(?<=.)\/+$/, "");
}

/** How much is written to find out whether a folder has room. */
const PROBE_BYTES = 4 * KiB;

/** A path for a will in `folder`, such as no other run or user can have, or guess. */
export function newWillPath(folder: string): string {
  return `${folder}/deploy-${Deno.pid}-${randomId()}.will`;
}

/**
 * The folder for wills: that for short-lived files, if files can be written there. Otherwise `null`, and one
 * warning. Where this process has no permission to try, its processes have none either, and know it.
 */
export function willFolder(logger: Logger): string | null {
  const folder = temporaryFolder();
  const path = newWillPath(folder);
  if (Deno.permissions.querySync({ name: "write", path }).state !== "granted") return folder;
  try {
    tryToWrite(path);
    return folder;
  } catch (error) {
    logger.warn(
      `cannot write to ${folder}, the folder for temporary files: ${reasonOf(error)}; so ` +
        "Deno.exit() throws while values are under way, and the process ends when they have arrived",
    );
    return null;
  }
}

/** The system's message, without the path, which has a random name. */
function reasonOf(error: unknown): string {
  return messageOf(error).replace(/: open '.*$/, "");
}

function tryToWrite(path: string): void {
  const file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  try {
    file.writeSync(new Uint8Array(PROBE_BYTES));
  } finally {
    file.close();
    Deno.removeSync(path);
  }
}

/**
 * Reads and removes a will file. Returns `undefined` if there is none.
 *
 * @throws {Error} If the file is not a will; it is removed nevertheless.
 */
export async function takeWill(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(path);
  } catch {
    // NotFound, in nearly all cases; or this process may not read there, and then no process writes there.
    return undefined;
  }
  try {
    if (!info.isFile) throw new Error(`Cannot read the will ${path}: it is not a regular file`);
    if (info.size > MAX_WILL_BYTES) {
      throw new Error(
        `Cannot read the will ${path}: it is larger than ${formatMem(MAX_WILL_BYTES)}`,
      );
    }
    const will = await Deno.readFile(path);
    if (will.length === 0) throw new Error("the process could not write them to a file");
    return will;
  } finally {
    await Deno.remove(path);
  }
}
