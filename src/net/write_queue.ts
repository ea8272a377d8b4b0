/** The write queue of a connection: in order, one write at a time. */

import { Fifo } from "../core/fifo.ts";
import { type ByteStream, writeAll } from "./handshake.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The system takes a write of so many bytes whole, or not at all yet. */
const WHOLE_BYTES = 16 * 1024;

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
  /** The size of the write in progress. */
  #current = 0;
  /** A write that was begun behind that one. */
  #behind: { readonly bytes: Bytes; readonly written: Promise<number> } | undefined;
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
   * before it returns, where possible. The system has a write in progress, as a rule, and only has not said so: another
   * one is begun behind it if that one is so small that nothing of it can be left.
   */
  pushLast(bytes: Bytes): void {
    const isFree = this.#writing && this.#queue.length === 0 && this.#behind === undefined &&
      this.#current <= WHOLE_BYTES;
    if (!isFree || this.#closed) return this.push(bytes);
    this.#bytes += bytes.length;
    const written = this.#conn.write(bytes);
    written.catch(() => {}); // awaited after the write in progress
    this.#behind = { bytes, written };
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
      for (let bytes = this.#queue.shift(); bytes !== undefined; bytes = this.#queue.shift()) {
        await this.#writeOne(bytes);
        if (this.#closed) return;
        this.#bytes -= bytes.length;
        if (this.#waiting.size > 0) this.#settle();
        if (this.#behind !== undefined) await this.#writeBehind(this.#behind);
      }
    } catch (cause) {
      if (this.#closed) return;
      this.close();
      this.#broken(cause);
    }
    this.#writing = false;
  }

  async #writeOne(bytes: Bytes): Promise<void> {
    this.#current = bytes.length;
    const count = await this.#conn.write(bytes);
    if (count === bytes.length) return;
    if (this.#behind !== undefined) throw new Error("a small write was cut short");
    this.#current = Infinity;
    await writeAll(this.#conn, bytes.subarray(count));
  }

  /** Ends what {@linkcode WriteQueue.pushLast} has begun. */
  async #writeBehind(
    { bytes, written }: { bytes: Bytes; written: Promise<number> },
  ): Promise<void> {
    await writeAll(this.#conn, bytes.subarray(await written));
    this.#behind = undefined;
    if (this.#closed) return;
    this.#bytes -= bytes.length;
    this.#settle();
  }

  #settle(): void {
    for (const [atMost, { resolve }] of this.#waiting) {
      if (this.#bytes > atMost) continue;
      this.#waiting.delete(atMost);
      resolve();
    }
  }
}
