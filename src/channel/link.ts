/** One connection between two processes: writes the outbox, and reads frames. */

import type { FrameReader } from "./frame_reader.ts";
import type { Outbox } from "./outbox.ts";
import { closeQuietly, type Transport, writeAll } from "../net/transport.ts";
import { FrameType, HEADER_BYTES, writeHeader } from "../wire/frame.ts";
import { ProtocolError } from "../core/errors.ts";
import { makeReady } from "../codec/ready_buffer.ts";

/** The callbacks of a link to its connection. */
export interface LinkEvents {
  /** Bytes are about to be written: the last moment to add frames to them. */
  beforeWrite(): void;
  /** Frames have been passed on. */
  afterRead(): void;
  /** Something is to be written soon, so that the other side's next write does not wait for it. */
  answer(): void;
  /** The connection is over; `error` tells why if it did not end in order. Called once. */
  ended(error: Error | undefined): void;
}

/** A write of this size is worth its system call: nothing is gained by waiting for more. */
const FULL_WRITE_BYTES = 32 * 1024;

/** For how many microtasks the writer expects more data, and the reader an answer. */
const PATIENCE = 6;

/** After a read of more, more follows, usually, which the other side's system does not hold back. */
const SMALL_READ_BYTES = 16 * 1024;

/** Ends this direction. */
const FIN = new Uint8Array(HEADER_BYTES);
writeHeader(FIN, 0, FrameType.fin, 0);

export class Link {
  readonly #conn: Transport;
  readonly #outbox: Outbox;
  readonly #reader: FrameReader;
  readonly #events: LinkEvents;
  /** Nothing is written before the start. */
  #writing = true;
  /** The waiters for all data to be written. */
  #drained: (() => void)[] = [];
  #finished: Promise<void> | undefined;
  /** Whether this direction has ended. */
  #shut = false;
  #over = false;

  /** `conn` belongs to the link from now on; nothing happens before {@linkcode start}. */
  constructor(conn: Transport, outbox: Outbox, reader: FrameReader, events: LinkEvents) {
    this.#conn = conn;
    this.#outbox = outbox;
    this.#reader = reader;
    this.#events = events;
  }

  /** Whether {@linkcode finish} was called. */
  get finishing(): boolean {
    return this.#finished !== undefined;
  }

  /** Begins to read, and to write: `preamble`, if there is one, and then what is in the outbox. */
  start(preamble?: Uint8Array): void {
    this.#conn.unref();
    void this.#readAll();
    void this.#writeAll(preamble);
  }

  /** Writes what is in the outbox: at once if nothing is being written, else right after that. */
  kick(): void {
    if (this.#writing || this.#shut || this.#over) return;
    this.#writing = true;
    void this.#writeAll();
  }

  /**
   * Ends the connection in order: writes the outbox, ends this direction, and reads until the other side
   * has done the same. A connection that is closed with unread bytes in it destroys data that the
   * other side has not read yet. Resolves when everything is written.
   */
  finish(): Promise<void> {
    return this.#finished ??= this.#finish();
  }

  async #finish(): Promise<void> {
    this.kick();
    if (this.#writing && !this.#over) {
      await new Promise<void>((resolve) => this.#drained.push(resolve));
    }
    if (this.#over) return;
    this.#shut = true;
    try {
      await writeAll(this.#conn, FIN);
    } catch (error) {
      this.#end(toError(error));
    }
  }

  /** Drops the connection; no more callbacks follow. */
  drop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#close();
  }

  async #readAll(): Promise<void> {
    for (;;) {
      let count: number | null;
      try {
        count = await this.#conn.read(this.#reader.target());
      } catch (error) {
        return this.#end(toError(error));
      }
      if (this.#over) return;
      if (count === null) return this.#end(new Error("the connection ended early"));
      try {
        this.#reader.advance(count);
        if (this.#over) return;
        this.#events.afterRead();
        if (this.#reader.ended) return this.#end(undefined);
      } catch (error) {
        return this.#end(unusable(error));
      }
      // An answer comes first: the other side waits for it, and not for our next read.
      for (let idle = 0; idle < PATIENCE && !this.#writing; idle++) await null;
      if (this.#over) return;
      const isAnswered = this.#writing || this.#shut || count >= SMALL_READ_BYTES;
      if (this.#conn.answersAtOnce === true && !isAnswered) this.#events.answer();
      makeReady();
    }
  }

  async #writeAll(preamble?: Uint8Array): Promise<void> {
    const outbox = this.#outbox;
    try {
      if (preamble !== undefined) await writeAll(this.#conn, preamble);
      if (this.#over) return;
      for (;;) {
        this.#events.beforeWrite();
        const bytes = outbox.next();
        if (bytes === undefined) break;
        const count = await this.#conn.write(bytes);
        if (this.#over) return;
        outbox.wrote(count);
        // A program that sends in a loop does so in microtasks. Meanwhile, let it fill the buffer: a system
        // call for every few values would cost more than everything else.
        let end = outbox.end;
        for (let idle = 0; idle < PATIENCE; idle++) {
          if (outbox.unwritten === 0 || outbox.unwritten >= FULL_WRITE_BYTES) break;
          await null;
          if (outbox.end > end) {
            end = outbox.end;
            idle = 0;
          }
        }
        if (this.#over) return;
      }
      this.#writing = false;
      this.#settleDrained();
    } catch (error) {
      this.#end(toError(error));
    }
  }

  #end(error: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#close();
    this.#events.ended(error);
  }

  #close(): void {
    closeQuietly(this.#conn);
    this.#settleDrained();
  }

  #settleDrained(): void {
    const waiting = this.#drained;
    this.#drained = [];
    for (const resolve of waiting) resolve();
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** The data cannot be handled, and could not be if it were sent again on another connection. */
function unusable(error: unknown): ProtocolError {
  return error instanceof ProtocolError
    ? error
    : new ProtocolError(`it could not be handled: ${String(error)}`, { cause: error });
}
