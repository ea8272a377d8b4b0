/** Keeps a store within its limit, and makes room on its disk: files that were not used for long are removed. */

import { removeTree } from "../core/remove_tree.ts";
import { formatMem } from "../core/resources.ts";
import { diskOf } from "./disk.ts";
import { evict } from "./kept_files.ts";
import { pinnedIds } from "./pins.ts";
import { StoreError } from "./store_error.ts";
import type { StoreLock } from "./store_lock.ts";

/** How much is kept free on the disk beyond what is expected, for folders, manifests and markers. */
const SPARE_BYTES = 1024 ** 2;

/** The store, and where what is removed goes first. */
export interface StoreRoomOptions {
  readonly folder: string;
  readonly lock: StoreLock;
  readonly limitBytes: number;
  /** A folder of this process on the same disk. */
  readonly ownFolder: string;
  /** Called when a file has been taken out of the store. */
  readonly evicted: (id: string) => void;
}

export class StoreRoom {
  readonly #options: StoreRoomOptions;
  /** The size of what is being written, together. */
  #expectedBytes = 0;
  #evictions = 0;

  constructor(options: StoreRoomOptions) {
    this.#options = options;
  }

  /** Does something that writes that many bytes: meanwhile, room is made for anything else besides them. */
  async whileWriting(bytes: number, work: () => Promise<void>): Promise<void> {
    this.#expectedBytes += bytes;
    try {
      await work();
    } finally {
      this.#expectedBytes -= bytes;
    }
  }

  /** Removes files that are not in use, if the disk has no room for `bytes` besides what is being written. */
  async make(bytes: number): Promise<void> {
    const disk = await diskOf(this.#options.folder);
    const lackBytes = this.#expectedBytes + bytes + SPARE_BYTES - (disk?.freeBytes ?? Infinity);
    if (lackBytes > 0) await this.evict(lackBytes);
  }

  /**
   * Says that files of so many bytes do not fit on the disk, whatever is removed, before they fill it for others.
   *
   * @throws {StoreError} If they do not.
   */
  async check(bytes: number): Promise<void> {
    const { folder } = this.#options;
    const { freeBytes = Infinity } = await diskOf(folder) ?? {};
    if (bytes <= freeBytes) return;
    throw new StoreError(
      `Cannot store files in ${folder}: they have ${formatMem(bytes)}, and its disk has ` +
        `${formatMem(freeBytes)} free; free some space there, or name another folder: --store DIR`,
    );
  }

  /** Does something small, which fails only if the disk is full: once more when files that are not in use are gone. */
  async onFullDisk<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ENOSPC") throw error;
      await this.make(0);
      return await work();
    }
  }

  /**
   * Removes files that were not used for long, if the store is too large, or `lackBytes` are needed on the disk.
   * Makes no file or folder, which a full disk may not allow.
   */
  async evict(lackBytes = 0): Promise<void> {
    const { folder, lock, limitBytes, ownFolder, evicted } = this.#options;
    const trash = `${ownFolder}/trash-${this.#evictions++}-`;
    const victims = await lock.run(async () => {
      const pinned = await pinnedIds(folder);
      const victims = await evict(folder, { limitBytes, lackBytes }, pinned, trash);
      for (const victim of victims) evicted(victim);
      return victims;
    });
    for (const victim of victims) await removeTree(`${trash}${victim}`);
  }
}
