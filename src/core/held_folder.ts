/** A folder that is found again under another name: a program of the same user may move it elsewhere. */

import { removeTree } from "./remove_tree.ts";

/** Where Linux lists what this process has open, with the names that it has now. */
const OPEN_FILES = "/proc/self/fd";

/**
 * A folder of this user that stays open, so that the system tells where it is, on Linux. Elsewhere, and where this
 * process may not look, it is only known by its first name.
 */
export class HeldFolder implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  /** What leads to it in {@linkcode OPEN_FILES}, once that was needed. */
  #link: string | undefined;
  #closed = false;

  /** @throws {Error} If it is not there. */
  constructor(path: string) {
    this.#path = path;
    this.#file = Deno.openSync(path);
  }

  /** Where it is now; `undefined` if it is removed, or cannot be found. */
  where(): string | undefined {
    if (this.#closed || this.#isAt(this.#path)) return this.#path;
    try {
      this.#link ??= this.#findLink();
      const path = this.#link && Deno.readLinkSync(this.#link);
      return path !== undefined && this.#isAt(path) ? path : undefined;
    } catch {
      // This process has not the permission, or this system has no such files.
      return undefined;
    }
  }

  /**
   * Removes it with its contents, wherever it is, and whatever has been put in its place, and closes it.
   *
   * @throws {Error} If something cannot be removed; it is still open then. The message is one line.
   */
  async remove(): Promise<void> {
    const moved = this.where();
    await removeTree(this.#path);
    if (moved !== undefined && moved !== this.#path) await removeTree(moved);
    this[Symbol.dispose]();
  }

  /** Lets go of it. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
  }

  #isAt(path: string): boolean {
    try {
      return this.#isIt(Deno.lstatSync(path));
    } catch {
      return false;
    }
  }

  #isIt({ ino, dev, isDirectory }: Deno.FileInfo): boolean {
    const own = this.#file.statSync();
    return isDirectory && ino === own.ino && dev === own.dev;
  }

  #findLink(): string | undefined {
    for (const { name } of Deno.readDirSync(OPEN_FILES)) {
      const link = `${OPEN_FILES}/${name}`;
      try {
        if (this.#isIt(Deno.statSync(link))) return link;
      } catch {
        // That of the list itself, which is closed already, or of what cannot be looked at.
      }
    }
    return undefined;
  }
}
