/** The files in which processes leave what they could not deliver before they ended. */

import { formatMem, GiB } from "../core/resources.ts";

/** What a process leaves is what its channels hold: a window and a message each. More is nonsense. */
const MAX_WILL_BYTES: number = 1 * GiB;

/** The folder for files that live only a moment. */
export function temporaryFolder(): string {
  return (Deno.env.get("TMPDIR") || "/tmp").replace(/(?<=.)\/+$/, "");
}

/**
 * Takes the will out of its file: reads it and removes it. Gives `undefined` if none was left.
 *
 * @throws {Error} If there is something, but no will; it is removed all the same.
 */
export async function takeWill(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(path);
  } catch {
    // NotFound, as nearly always; or this process may not read there, and then none writes there.
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
