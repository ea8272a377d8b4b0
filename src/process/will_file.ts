/** The file in which a process that is about to end leaves what could not be delivered before. */

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Keeps a file at `path` up to date with what would be lost if the process ended now.
 *
 * The node reads the file once the process is gone. There is none as long as there is nothing to
 * leave. All of it is synchronous, since it happens where a process cannot wait any more.
 */
export class WillFile {
  readonly #path: string;
  #written = false;
  #abandoned = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Replaces what is in the file by `will`; `undefined` removes the file. */
  write(will: Bytes | undefined): void {
    if (this.#abandoned) return;
    if (will !== undefined) this.#save(will);
    else if (this.#written) this.#remove();
  }

  /** Leaves no file, now or later: for when there is no node any more that would read it. */
  abandon(): void {
    this.write(undefined);
    this.#abandoned = true;
  }

  #save(will: Bytes): void {
    // A file that someone else put there is not written to: its owner could read the values.
    const options = this.#written ? { truncate: true } : { createNew: true, mode: 0o600 };
    using file = Deno.openSync(this.#path, { ...options, write: true });
    this.#written = true;
    for (let written = 0; written < will.length;) {
      written += file.writeSync(will.subarray(written));
    }
  }

  #remove(): void {
    Deno.removeSync(this.#path);
    this.#written = false;
  }
}
