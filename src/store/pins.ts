/** Pins: the files of a store that are in use, which no process that shares the store removes. */

import { makeUnlessThere } from "./private_folder.ts";
import { removeTree } from "../core/remove_tree.ts";
import { ownerFolders } from "./owner.ts";

/** A pin on some files. */
export interface Pin {
  /** Ends the use of the files. Idempotent. */
  release(): Promise<void>;
}

/** The pins of one process. Each has a marker in the owner's folder, which other processes see. */
export class Pins {
  readonly #folder: string;
  readonly #locked: <T>(work: () => Promise<T>) => Promise<T>;
  #made = 0;

  /** `locked` runs work with the store locked. */
  constructor(ownerFolder: string, locked: <T>(work: () => Promise<T>) => Promise<T>) {
    this.#folder = `${ownerFolder}/pins`;
    this.#locked = locked;
  }

  /** Once it resolves, existing files with these ids are not removed before the pin is released. */
  async add(ids: readonly string[]): Promise<Pin> {
    const marker = `${this.#folder}/${this.#made++}`;
    await makeUnlessThere(this.#folder);
    // No process removes files while the store is locked, and afterwards it sees the marker.
    await this.#locked(() => Deno.writeTextFile(marker, ids.join("\n")));
    let released: Promise<void> | undefined;
    return { release: () => released ??= removeTree(marker) };
  }
}

/** The ids of all files in use by any process. The store must be locked. */
export async function pinnedIds(store: string): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const owner of await ownerFolders(store)) {
    try {
      for await (const { name } of Deno.readDir(`${owner}/pins`)) {
        const marker = await readIfThere(`${owner}/pins/${name}`);
        for (const id of marker.split("\n")) ids.add(id);
      }
    } catch (error) {
      // The process uses no file, or has just ended.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return ids;
}

/** The text of a marker, empty if it has just been removed. */
async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
