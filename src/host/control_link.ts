/** The node's end of the control link to one process. */

import { KiB, MiB } from "../core/resources.ts";
import type { NodeMessage, ProcessMessage } from "../wire/control.ts";
import {
  decodeProcessMessage,
  MAX_HELLO_BYTES,
  PROCESS_MESSAGES,
} from "../wire/process_messages.ts";
import { MAX_MESSAGE_BYTES, MessageDecoder, messageParts } from "../wire/message.ts";
import type { Transport } from "../net/transport.ts";
import { WriteQueue } from "../net/write_queue.ts";

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
  readonly #conn: Transport;
  readonly #decoder = new MessageDecoder({ messages: PROCESS_MESSAGES, maxBytes: MAX_HELLO_BYTES });
  readonly #queue: WriteQueue;
  #closed = false;

  constructor(conn: Transport) {
    this.#conn = conn;
    // The process is gone, which the reader of the link will notice, after what the process has said last.
    this.#queue = new WriteQueue(conn, () => {});
  }

  /** Allows messages up to the protocol's limit, after the peer has authenticated. */
  trust(): void {
    this.#decoder.maxBytes = MAX_MESSAGE_BYTES;
  }

  /**
   * Yields the messages of the process as they come; ends when the link does, for any reason.
   *
   * Stops reading while the process leaves many answers unread.
   *
   * @throws {ProtocolError} If the peer sends an invalid message.
   */
  async *messages(): AsyncGenerator<ProcessMessage, undefined> {
    const buffer = new Uint8Array(READ_BYTES);
    while (true) {
      const count = await this.#read(buffer);
      if (count === null) return;
      for (const body of this.#decoder.push(buffer.subarray(0, count))) {
        yield decodeProcessMessage(body);
      }
      await this.#queue.drained(MAX_QUEUED_BYTES);
    }
  }

  /**
   * Sends a message, after those sent before; a large argument in it must not be modified. Does nothing if the
   * link is broken, which {@linkcode
   * ControlLink.messages} shows.
   *
   * @throws {RangeError} If the message is too large.
   */
  send(message: NodeMessage): void {
    for (const part of messageParts(message)) this.#queue.push(part);
  }

  /** Closes the link. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.close();
    this.#conn.close();
  }

  async #read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null> {
    try {
      return await this.#conn.read(buffer);
    } catch {
      // Reset by a dead peer, or closed on this side: either way, nothing more follows.
      return null;
    }
  }
}
