/** The files by which Linux shows and changes control groups. */

import { messageOf } from "../core/errors.ts";

/** What is done with control groups. */
export interface GroupFiles {
  /** Makes a group. @throws {Error} If it exists, or the system refuses. */
  make(folder: string): Promise<void>;
  /** Writes a value. @throws {Error} If there is no such file, or the system refuses. */
  write(folder: string, file: string, value: string | number): Promise<void>;
  /** Reads a file at once; `undefined` if there is none on this system, or any more. */
  read(path: string): string | undefined;
  /** The names of the groups in a group; none if there is no such group. */
  list(folder: string): Promise<string[]>;
  /** Removes a group. @throws {Error} If processes or groups are in it, or there is none. */
  remove(folder: string): Promise<void>;
  /** Removes a group before it returns, as far as it can be. */
  removeNow(folder: string): void;
}

/** The groups of this system. */
export const SYSTEM_GROUPS: GroupFiles = {
  make: (folder) => Deno.mkdir(folder),
  async write(folder, file, value) {
    try {
      await Deno.writeTextFile(`${folder}/${file}`, String(value), { create: false });
    } catch (cause) {
      throw new Error(`Cannot write ${value}: ${messageOf(cause)}`, { cause }); // which names the file
    }
  },
  read(path) {
    try {
      return Deno.readTextFileSync(path);
    } catch {
      return undefined; // a group is removed, or this is another system
    }
  },
  async list(folder) {
    const all = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
    return all.flatMap(({ name, isDirectory }) => isDirectory ? [name] : []);
  },
  remove: (folder) => Deno.remove(folder),
  removeNow(folder) {
    try {
      Deno.removeSync(folder);
    } catch {
      // Processes of others are left in it.
    }
  },
};
