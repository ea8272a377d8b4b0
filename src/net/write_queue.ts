/** The write queue of a connection: in order, one write at a time. */

import { Fifo } from "../core/fifo.ts";
import { type ByteStream, writeAll } from "./handshake.ts";

type Bytes = Uint8Array<ArrayBuffer>;

interface Waiting {
  readonly atMost: number;
  readonly resolve: () => void;
}

/**
 * A queue in front of a connection. The rest of a short write has to follow it directly, so there is never
 * more than one write in progress.
 *
 * It is not bounded: callers that push a lot wait, with {@linkcode WriteQueue.drained}.
 */
export class WriteQueue {
  readonly #conn: Pick<ByteStream, "write">;
  readonly #broken: (cause: unknown) => void;
  readonly #queue = new Fifo<Bytes>();
  #bytes = 0;
  #writing = false;
  #closed = false;
  #waiting: Waiting[] = [];

  /** `broken` is called, once, when a write fails, unless the queue was closed before. */
  constructor(conn: Pick<ByteStream, "write">, broken: (cause: unknown) => void) {
    this.#conn = conn;
    this.#broken = broken;
  }

  /** The number of unwritten bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends `bytes`, which must not be changed afterwards. */
  push(bytes: Bytes): void {
    if (this.#closed) return;
    this.#queue.push(bytes);
    this.#bytes += bytes.length;
    if (!this.#writing) void this.#write();
  }

  /** Resolves when at most `atMost` bytes are unwritten, or the queue is closed. */
  drained(atMost: number): Promise<void> {
    if (this.#bytes <= atMost) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ atMost, resolve }));
  }

  /** Drops unwritten bytes, and takes nothing more. The connection is unaffected. */
  close(): void {
    this.#closed = true;
    this.#queue.clear();
    this.#bytes = 0;
    this.#settle();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    try {
      for (let bytes = this.#queue.shift(); bytes !== undefined; bytes = this.#queue.shift()) {
        await writeAll(this.#conn, bytes);
        if (this.#closed) return;
        this.#bytes -= bytes.length;
        if (this.#waiting.length > 0) this.#settle();
      }
    } catch (cause) {
      if (this.#closed) return;
      this.close();
      this.#broken(cause);
    }
    this.#writing = false;
  }

  #settle(): void {
    const ready = this.#waiting.filter(({ atMost }) => this.#bytes <= atMost);
    this.#waiting = this.#waiting.filter(({ atMost }) => this.#bytes > atMost);
    for (const { resolve } of ready) resolve();
  }
}
