/** The will file, in which an ending process leaves undelivered data. */

import { MAX_WILL_BYTES } from "../wire/window_sizes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Keeps a file at `path` up to date with the data that would be lost if the process ended now.
 *
 * The node reads the file once the process is gone. There is no file as long as there is nothing to leave.
 * All operations are synchronous, since the process can no longer wait.
 */
export class WillFile {
  readonly #path: string;
  #written = false;
  #abandoned = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether this process may write a file there. */
  static isAllowed(path: string): boolean {
    return Deno.permissions.querySync({ name: "write", path }).state === "granted";
  }

  /**
   * Replaces the contents of the file by the parts of `will`; `undefined` removes the file.
   *
   * @throws {Error} If that fails, or it would be too large. The file is empty then, or there is none.
   */
  write(will: readonly Bytes[] | undefined): void {
    if (this.#abandoned) return;
    if (will === undefined) this.#remove();
    else this.#save(will);
  }

  /** Leaves no file, now or later: for when the node that would read it is gone. */
  abandon(): void {
    this.write(undefined);
    this.#abandoned = true;
  }

  #save(will: readonly Bytes[]): void {
    const size = will.reduce((sum, { length }) => sum + length, 0);
    // A file of another user is not written to: its owner could read the values.
    const options = this.#written ? { truncate: true } : { createNew: true, mode: 0o600 };
    using file = Deno.openSync(this.#path, { ...options, write: true });
    this.#written = true;
    try {
      if (size > MAX_WILL_BYTES) throw new RangeError(`it is larger than ${MAX_WILL_BYTES} bytes`);
      for (const part of will) {
        for (let rest = part; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
      }
    } catch (error) {
      // A part of a will is of no use; an empty file tells the node that something is lost.
      file.truncateSync(0);
      throw error;
    }
  }

  #remove(): void {
    if (!this.#written) return;
    Deno.removeSync(this.#path);
    this.#written = false;
  }
}
