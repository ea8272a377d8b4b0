/** The files by which Linux shows and changes control groups. */

import { messageOf } from "../core/errors.ts";

/** Writes a value. @throws {Error} If there is none, or the system refuses. */
export async function writeGroupFile(
  folder: string,
  file: string,
  value: string | number,
): Promise<void> {
  try {
    await Deno.writeTextFile(`${folder}/${file}`, String(value), { create: false });
  } catch (cause) {
    throw new Error(`Cannot write ${value}: ${messageOf(cause)}`, { cause }); // which names the file
  }
}

/** Reads a file at once; `undefined` if there is none on this system, or any more. */
export function readGroupFile(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined; // a group is removed, or this is another system
  }
}
