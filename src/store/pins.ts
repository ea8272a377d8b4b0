/** Pins: the files of a store that are in use, which no process that shares the store removes. */

import { ownerFolders, removeIfThere } from "./owner.ts";

/** The files that this process uses. Each has a marker in the owner's folder, which other processes see. */
export class Pins {
  readonly #folder: string;
  readonly #locked: <T>(work: () => Promise<T>) => Promise<T>;
  readonly #pins = new Map<string, { count: number; marker: string; made: Promise<void> }>();
  #made = 0;

  /** `locked` runs work with the store locked. */
  constructor(ownerFolder: string, locked: <T>(work: () => Promise<T>) => Promise<T>) {
    this.#folder = `${ownerFolder}/pins`;
    this.#locked = locked;
  }

  /** Once it resolves, an existing file with that id is not removed before as many `release()`s. */
  async add(id: string): Promise<void> {
    let pin = this.#pins.get(id);
    if (pin === undefined) {
      // Each marker has a unique name, so that removing an old one cannot remove a new one.
      const marker = `${this.#folder}/${id}.${this.#made++}`;
      pin = { count: 0, marker, made: this.#make(marker) };
      this.#pins.set(id, pin);
    }
    pin.count++;
    try {
      await pin.made;
    } catch (error) {
      if (this.#pins.get(id) === pin) this.#pins.delete(id);
      throw error;
    }
  }

  async release(id: string): Promise<void> {
    const pin = this.#pins.get(id);
    if (pin === undefined || --pin.count > 0) return;
    this.#pins.delete(id);
    await removeIfThere(pin.marker);
  }

  /** No process removes files while the store is locked, and afterwards it sees the marker. */
  async #make(marker: string): Promise<void> {
    await Deno.mkdir(this.#folder, { recursive: true });
    await this.#locked(() => Deno.writeFile(marker, new Uint8Array()));
  }
}

/** The ids of all files in use by any process. The store must be locked. */
export async function pinnedIds(store: string): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const owner of await ownerFolders(store)) {
    try {
      for await (const { name } of Deno.readDir(`${owner}/pins`)) ids.add(name.split(".")[0] ?? "");
    } catch (error) {
      // The process uses no file, or has just ended.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return ids;
}
