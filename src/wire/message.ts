/**
 * The bytes of the messages of control links and cluster links.
 *
 * A message is a 4-byte big-endian length and a body of that many bytes of the value codec: one object,
 * whose `type` says which message it is. Every message is checked field by field before it is used.
 */

import { ProtocolError } from "../core/protocol_error.ts";
import { MiB } from "../core/resources.ts";
import { decodeInPlace } from "../codec/value_decoder.ts";
import { encodeViews } from "../codec/value_encoder.ts";
import { checkMessage, type Schema } from "./schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The largest message. Only a spawn's argument comes close to it. */
export const MAX_MESSAGE_BYTES = 256 * MiB;

const LENGTH_BYTES = 4;

/** Returns the bytes of one message, preceded by its length. Of views, only the viewed bytes are written. */
export function encodeMessage<Message extends { readonly type: string }>(message: Message): Bytes {
  return framed(encodeBody(message));
}

/** Returns the body of a message, with room for its length in front of it: see {@linkcode framed}. */
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
 * Returns the bytes of the message with that body, preceded by its length, without a copy. `body` comes
 * from {@linkcode encodeBody} or {@linkcode MessageDecoder}.
 */
export function framed(body: Bytes): Bytes {
  const start = body.byteOffset - LENGTH_BYTES;
  new DataView(body.buffer).setUint32(start, body.length);
  return new Uint8Array(body.buffer, start, LENGTH_BYTES + body.length);
}

/**
 * Decodes a body as a message of `schema`. Bytes in it are views of `body`, which they keep alive.
 *
 * @throws {ProtocolError} If it is not one.
 */
export function decodeMessage<Message extends { type: string }>(
  schema: Schema<Message>,
  body: Bytes,
): Message {
  return checkMessage(schema, decodeInPlace(body));
}

/** Splits a stream of bytes, received in any pieces, into the bodies of messages. */
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
   * Takes the next bytes of the stream; yields each body that they complete. Each body has its own memory,
   * with room for its length in front of it.
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
        // With its length in front, so that it can be forwarded unchanged.
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
