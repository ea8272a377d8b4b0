/**
 * The WebSocket of a page, on a connection whose request has been read.
 *
 * Deno's own belong to `Deno.serve`, which takes every connection that comes, from any user of the machine, and cannot be
 * given one that was looked at.
 */

import type { StartTimer } from "../core/timer.ts";
import { closeQuietly, isBroken } from "../net/transport.ts";
import { WriteQueue } from "../net/write_queue.ts";
import { MAX_PAGE_MESSAGE } from "./messages.ts";
import {
  closeFrame,
  NO_MESSAGE,
  NORMAL,
  pingFrame,
  pongFrame,
  type Received,
  textFrame,
  WebSocketError,
  WebSocketReader,
} from "./web_socket_frames.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The longest message that a page may send, in bytes: a UTF-16 code unit has at most 3 of them. */
const MAX_BYTES = 3 * MAX_PAGE_MESSAGE;

/** After so long without a word, the page is asked whether it is there; after as long again, it is not. */
const QUIET_MS = 30_000;

/** How long the other side may take to close the connection, too. */
const CLOSE_MS = 1_000;

const READ_BYTES = 4 * 1024;

/** When so much is unwritten, what is answered has to wait. */
const MAX_UNWRITTEN = 64 * 1024;

/** The part of a connection that is used. */
export type PageConnection = Pick<Deno.TcpConn, "read" | "write" | "closeWrite" | "close">;

/** What it begins with, and where its messages go. */
export interface PageSocketOptions {
  /** The answer to the request, which begins it. */
  readonly answer: Bytes;
  /** What has come behind the request. */
  readonly rest: Bytes;
  readonly startTimer: StartTimer;
  /** Takes a message; returns whether it is one. If not, the socket is closed. */
  readonly took: (text: string) => boolean;
}

export class PageSocket {
  /** Resolves when the connection is closed. */
  readonly over: Promise<void>;
  readonly #conn: PageConnection;
  readonly #options: PageSocketOptions;
  readonly #queue: WriteQueue;
  readonly #reader = new WebSocketReader(MAX_BYTES);
  #isClosing = false;
  #cancel: () => void = () => {};

  /** Owns `conn` from now on. */
  constructor(conn: PageConnection, options: PageSocketOptions) {
    this.#conn = conn;
    this.#options = options;
    this.#queue = new WriteQueue(conn, () => closeQuietly(conn));
    this.#queue.push(options.answer);
    this.over = this.#run();
  }

  /** Sends a message. Nothing bounds what waits to be sent, but whoever sends. */
  send(text: string): void {
    if (!this.#isClosing) this.#queue.push(textFrame(text));
  }

  /** Says that it ends, and why; the connection is closed when the page has read that, or soon. */
  close(code = NORMAL): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#queue.push(closeFrame(code));
    this.#wait(CLOSE_MS, () => closeQuietly(this.#conn));
    void this.#queue.drained(0).then(() => this.#conn.closeWrite()).catch(() => {}); // it has gone
  }

  async #run(): Promise<void> {
    try {
      await this.#takeAll(this.#options.rest);
      const buffer = new Uint8Array(READ_BYTES);
      for (let count; (count = await this.#conn.read(buffer)) !== null;) {
        await this.#takeAll(buffer.subarray(0, count));
      }
    } catch (error) {
      if (!isBroken(error)) throw error;
    } finally {
      this.#isClosing = true;
      this.#cancel();
      this.#queue.close();
      closeQuietly(this.#conn);
    }
  }

  async #takeAll(bytes: Uint8Array): Promise<void> {
    if (this.#isClosing) return;
    this.#wait(QUIET_MS, () => {
      this.#queue.push(pingFrame());
      this.#wait(QUIET_MS, () => closeQuietly(this.#conn));
    });
    try {
      for (const received of this.#reader.push(bytes)) {
        await this.#take(received);
        if (this.#isClosing) return;
      }
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.close(error.code);
    }
  }

  async #take(received: Received): Promise<void> {
    switch (received.type) {
      case "text":
        if (!this.#options.took(received.text)) this.close(NO_MESSAGE);
        return;
      case "ping":
        this.#queue.push(pongFrame(received.payload));
        // Who asks again and again, and does not read, is not read.
        return await this.#queue.drained(MAX_UNWRITTEN);
      case "pong":
        return;
      case "close":
        return this.close();
    }
  }

  /** Calls `then` after `ms`, in place of what was to be called before. */
  #wait(ms: number, then: () => void): void {
    this.#cancel();
    this.#cancel = this.#options.startTimer(ms, then);
  }
}
