/** Which files of a store are in use, so that all processes that share the store leave them there. */

import { ownerFolders, removeIfThere } from "./owner.ts";

/** The files that this process uses. Each has a marker in the owner's folder, seen by the others. */
export class Pins {
  readonly #folder: string;
  readonly #locked: <T>(work: () => Promise<T>) => Promise<T>;
  readonly #pins = new Map<string, { count: number; marker: string; made: Promise<void> }>();
  #made = 0;

  /** `locked` runs work while the store is locked. */
  constructor(ownerFolder: string, locked: <T>(work: () => Promise<T>) => Promise<T>) {
    this.#folder = `${ownerFolder}/pins`;
    this.#locked = locked;
  }

  /** Once it resolves, a file with that id that is there stays there, until as many `release()`s. */
  async add(id: string): Promise<void> {
    let pin = this.#pins.get(id);
    if (pin === undefined) {
      // Each has a name of its own, so that the removal of the last one cannot hit the next one.
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

  /** Nobody removes files while the store is locked, and afterwards the marker is seen. */
  async #make(marker: string): Promise<void> {
    await Deno.mkdir(this.#folder, { recursive: true });
    await this.#locked(() => Deno.writeFile(marker, new Uint8Array()));
  }
}

/** The ids of all files in use, by whichever process. The store is to be locked meanwhile. */
export async function pinnedIds(store: string): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const owner of await ownerFolders(store)) {
    try {
      for await (const { name } of Deno.readDir(`${owner}/pins`)) ids.add(name.split(".")[0] ?? "");
    } catch (error) {
      // It uses no file, or has just ended.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return ids;
}
