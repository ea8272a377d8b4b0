/** The write queue of a connection: in order, one write at a time. */

import { Fifo } from "../core/fifo.ts";
import { type ByteStream, writeAll } from "./transport.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The system takes a write of so many bytes whole, or not at all yet. */
const WHOLE_BYTES = 16 * 1024;

interface Begun {
  readonly bytes: Bytes;
  readonly written: Promise<number>;
}

/**
 * A queue in front of a connection. The rest of a short write has to follow it directly, so there is
 * one write in progress, and more only if none of them can be short.
 *
 * It is not bounded: callers that push a lot wait, with {@linkcode WriteQueue.drained}.
 */
export class WriteQueue {
  readonly #conn: Pick<ByteStream, "write">;
  readonly #broken: (cause: unknown) => void;
  readonly #queue = new Fifo<Bytes>();
  #bytes = 0;
  #writing = false;
  /** The writes that were begun behind the one that is awaited, first ones first. */
  readonly #behind = new Fifo<Begun>();
  /** The size of the last one that was begun. */
  #last = 0;
  #closed = false;
  /** Those who wait until at most so many bytes are unwritten: few numbers, however many wait. */
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();

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

  /**
   * As {@linkcode WriteQueue.push}, for a process that may end before its event loop turns: hands `bytes` to the system
   * before it returns, and what waits in front of them, where possible. The system has a write in progress, as a rule,
   * and only has not said so: another one is begun behind it if that one is so small that nothing of it can be left.
   */
  pushLast(bytes: Bytes): void {
    this.push(bytes);
    while (this.#last <= WHOLE_BYTES) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      const begun = this.#begin(next);
      begun.written.catch(() => {}); // awaited after those in front
      this.#behind.push(begun);
    }
  }

  /** Resolves when at most `atMost` bytes are unwritten, or the queue is closed. */
  drained(atMost: number): Promise<void> {
    if (this.#bytes <= atMost) return Promise.resolve();
    const waiting = this.#waiting.get(atMost) ?? Promise.withResolvers();
    this.#waiting.set(atMost, waiting);
    return waiting.promise;
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
      for (let begun = this.#next(); begun !== undefined; begun = this.#next()) {
        await this.#finish(begun);
        if (this.#closed) return;
        this.#bytes -= begun.bytes.length;
        if (this.#waiting.size > 0) this.#settle();
      }
    } catch (cause) {
      if (this.#closed) return;
      this.close();
      this.#broken(cause);
    }
    this.#writing = false;
  }

  #next(): Begun | undefined {
    const begun = this.#behind.shift();
    if (begun !== undefined) return begun;
    const bytes = this.#queue.shift();
    return bytes && this.#begin(bytes);
  }

  #begin(bytes: Bytes): Begun {
    this.#last = bytes.length;
    return { bytes, written: this.#conn.write(bytes) };
  }

  async #finish({ bytes, written }: Begun): Promise<void> {
    const count = await written;
    if (count === bytes.length) return;
    if (this.#behind.length > 0) throw new Error("a small write was cut short");
    this.#last = Infinity;
    await writeAll(this.#conn, bytes.subarray(count));
  }

  #settle(): void {
    for (const [atMost, { resolve }] of this.#waiting) {
      if (this.#bytes > atMost) continue;
      this.#waiting.delete(atMost);
      resolve();
    }
  }
}
