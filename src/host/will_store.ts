/** The will files, in which processes leave undelivered data when they end. */

import { formatMem, GiB } from "../core/resources.ts";

/** The largest will: a window and a message per channel. */
const MAX_WILL_BYTES: number = 1 * GiB;

/** The folder for short-lived files. */
export function temporaryFolder(): string {
  return (Deno.env.get("TMPDIR") || "/tmp").replace(/(?<=.)\/+$/, "");
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
    return await Deno.readFile(path);
  } finally {
    await Deno.remove(path);
  }
}
