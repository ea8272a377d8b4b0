/**
 * The bytes of the messages of control links and cluster links.
 *
 * A message is a 4-byte big-endian length and a body of that many bytes of the value codec: one object,
 * whose `type` says which message it is. Every message is checked field by field before it is believed.
 */

import { ProtocolError } from "../core/protocol_error.ts";
import { MiB } from "../core/resources.ts";
import { decodeInPlace } from "../codec/value_decoder.ts";
import { encodeViews } from "../codec/value_encoder.ts";
import { checkMessage, type Schema } from "./schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The largest message. Only a spawn's argument gets anywhere near it. */
export const MAX_MESSAGE_BYTES = 256 * MiB;

const LENGTH_BYTES = 4;

/** Gives the bytes of one message, its length in front. Of views, only what they show is written. */
export function encodeMessage<Message extends { readonly type: string }>(message: Message): Bytes {
  return framed(encodeBody(message));
}

/** Gives the body of a message, with room for its length in front of it: see {@linkcode framed}. */
export function encodeBody<Message extends { readonly type: string }>(message: Message): Bytes {
  const body = encodeViews(message, LENGTH_BYTES);
  if (body.length > MAX_MESSAGE_BYTES) {
    throw new RangeError(
      `Cannot send a message of ${body.length} bytes: ` +
        `at most ${MAX_MESSAGE_BYTES} are allowed; send large values over a channel`,
    );
  }
  return body;
}

/**
 * Gives the bytes of the message of that body, its length in front, without a copy. `body` is what
 * {@linkcode encodeBody} made, or {@linkcode MessageDecoder}.
 */
export function framed(body: Bytes): Bytes {
  const start = body.byteOffset - LENGTH_BYTES;
  new DataView(body.buffer).setUint32(start, body.length);
  return new Uint8Array(body.buffer, start, LENGTH_BYTES + body.length);
}

/**
 * Gives the message of `schema` that a body is. Bytes in it are parts of `body`, which they keep alive.
 *
 * @throws {ProtocolError} If it is none.
 */
export function decodeMessage<Message extends { type: string }>(
  schema: Schema<Message>,
  body: Bytes,
): Message {
  return checkMessage(schema, decodeInPlace(body));
}

/** Cuts a stream of bytes, in whatever pieces it comes, into the bodies of messages. */
export class MessageDecoder {
  #header = new Uint8Array(LENGTH_BYTES);
  #headerFilled = 0;
  #body: Bytes | undefined;
  #bodyFilled = 0;
  /** The largest body that is accepted; a larger one is refused before anything is allocated. */
  maxBytes: number;

  constructor(maxBytes: number = MAX_MESSAGE_BYTES) {
    this.maxBytes = maxBytes;
  }

  /**
   * Takes the next bytes of the stream; yields each body that they complete. A body is in memory of its
   * own, where there is room for its length in front of it.
   *
   * @throws {ProtocolError} If a message is larger than `maxBytes`.
   */
  *push(chunk: Uint8Array): Generator<Bytes> {
    let position = 0;
    while (position < chunk.length || this.#body?.length === this.#bodyFilled) {
      if (this.#body === undefined) {
        const part = chunk.subarray(position, position + LENGTH_BYTES - this.#headerFilled);
        this.#header.set(part, this.#headerFilled);
        this.#headerFilled += part.length;
        position += part.length;
        if (this.#headerFilled < LENGTH_BYTES) return;
        const length = new DataView(this.#header.buffer).getUint32(0);
        if (length > this.maxBytes) {
          throw new ProtocolError(
            `a message of ${length} bytes; the limit is ${this.maxBytes}`,
          );
        }
        // With its length in front, so that it can be sent on as it is.
        this.#body = new Uint8Array(LENGTH_BYTES + length).subarray(LENGTH_BYTES);
        this.#bodyFilled = 0;
      }
      const part = chunk.subarray(position, position + this.#body.length - this.#bodyFilled);
      this.#body.set(part, this.#bodyFilled);
      this.#bodyFilled += part.length;
      position += part.length;
      if (this.#bodyFilled < this.#body.length) return;
      const body = this.#body;
      this.#body = undefined;
      this.#headerFilled = 0;
      yield body;
    }
  }
}
