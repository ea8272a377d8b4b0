/** The node's end of the control link to one process. */

import { KiB, MiB } from "../core/resources.ts";
import {
  ControlDecoder,
  decodeProcessMessage,
  encodeControl,
  MAX_CONTROL_BYTES,
  MAX_HELLO_BYTES,
  type NodeMessage,
  type ProcessMessage,
} from "../wire/control.ts";
import { writeAll } from "../net/handshake.ts";

/** How much of the link is read at once; there is one such buffer a process. */
const READ_BYTES = 16 * KiB;

/** With more than this to send, no further questions are read. */
const MAX_QUEUED_BYTES = 1 * MiB;

/**
 * Messages to and from one process.
 *
 * The first message may be no larger than a hello; {@linkcode ControlLink.trust} lifts that.
 */
export class ControlLink {
  readonly #conn: Deno.TcpConn;
  readonly #decoder = new ControlDecoder(MAX_HELLO_BYTES);
  #queue: Uint8Array<ArrayBuffer>[] = [];
  #queuedBytes = 0;
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    conn.setNoDelay(true);
  }

  /** Allows messages of any size that the protocol has: the peer has shown who it is. */
  trust(): void {
    this.#decoder.maxBytes = MAX_CONTROL_BYTES;
  }

  /**
   * Gives the messages of the process as they come; ends when the link does, for whatever reason.
   *
   * Reads no further while the process leaves a lot of answers unread.
   *
   * @throws {ProtocolError} If the peer sends what is no message.
   */
  async *messages(): AsyncGenerator<ProcessMessage, undefined> {
    const buffer = new Uint8Array(READ_BYTES);
    while (true) {
      const count = await this.#read(buffer);
      if (count === null) return;
      for (const body of this.#decoder.push(buffer.subarray(0, count))) {
        yield decodeProcessMessage(body);
      }
      if (this.#queuedBytes > MAX_QUEUED_BYTES) await this.#writing;
    }
  }

  /**
   * Sends a message, after those sent before. Nothing happens if the link is broken, which
   * {@linkcode ControlLink.messages} shows.
   *
   * @throws {RangeError} If the message is too large.
   */
  send(message: NodeMessage): void {
    const bytes = encodeControl(message);
    if (this.#closed) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#writing ??= this.#write();
  }

  /** Closes the link. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#conn.close();
  }

  async #read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null> {
    try {
      return await this.#conn.read(buffer);
    } catch {
      // Reset by a peer that died, or closed at this end: either way, nothing more comes.
      return null;
    }
  }

  /** Writes all that is queued, one write at a time: the rest of a short one has to follow it. */
  async #write(): Promise<void> {
    try {
      for (let bytes = this.#queue.shift(); bytes !== undefined; bytes = this.#queue.shift()) {
        await writeAll(this.#conn, bytes);
        this.#queuedBytes -= bytes.length;
      }
    } catch {
      // The process is gone, and whoever reads the link learns it from there.
      this.close();
    }
    this.#writing = undefined;
  }
}
