/** What this process knows of the files of a store, which other processes change, too: their pieces, and which are intact. */

import type { Manifest } from "../core/manifest.ts";
import { dataPath, keptIds, keptManifest, statIfThere } from "./kept_files.ts";
import { isIntact } from "./piece_file.ts";
import { PieceIndex } from "./piece_index.ts";

export class KnownFiles {
  /** Where pieces are: in the files of the store, as far as is known, and in sources that were added. */
  readonly index = new PieceIndex();
  /** The folder of the store. */
  readonly #folder: string;
  /** By id, the file's fingerprint when it was last found to be intact. */
  readonly #intact = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Looks at which files other processes have added and removed. */
  async refresh(): Promise<void> {
    const ids = new Set(await keptIds(this.#folder));
    for (const id of ids) {
      const path = dataPath(this.#folder, id);
      if (this.index.includes(path)) continue;
      const manifest = await keptManifest(this.#folder, id);
      if (manifest !== undefined) this.index.add(path, manifest);
    }
    const prefix = `${this.#folder}/files/`;
    for (const path of this.index.paths()) {
      const id = path.startsWith(prefix) ? path.slice(prefix.length).split("/")[0] : undefined;
      if (id !== undefined && !ids.has(id)) this.forget(id);
    }
  }

  /** Whether a file is there, and intact: it is read once by this process, and again if it has been written to. */
  async isIntact(id: string, manifest: Manifest): Promise<boolean> {
    const path = dataPath(this.#folder, id);
    const found = await identity(path);
    if (found === undefined) return false;
    if (this.#intact.get(id) === found) return true;
    if (await keptManifest(this.#folder, id) === undefined) return false;
    if (!await isIntact(path, manifest)) return false;
    this.#intact.set(id, found);
    return true;
  }

  /** A file was put into the store, whose pieces were checked. */
  async added(id: string, manifest: Manifest): Promise<void> {
    const path = dataPath(this.#folder, id);
    this.index.add(path, manifest);
    this.#intact.set(id, await identity(path) ?? "");
  }

  /** A file is no longer in the store. */
  forget(id: string): void {
    this.#intact.delete(id);
    this.index.delete(dataPath(this.#folder, id));
  }
}

/**
 * A fingerprint that changes when the file is written to; `undefined` if it does not exist. A program can set the time
 * of the last write of a file, but not that of the last change to it.
 */
async function identity(path: string): Promise<string | undefined> {
  const info = await statIfThere(path);
  return info && `${info.size} ${info.mtime?.getTime()} ${info.ctime?.getTime()} ${info.ino}`;
}
