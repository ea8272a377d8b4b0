/** Makes bytes fewer for a slow network, and gives them back: raw DEFLATE, RFC 1951. */

import { messageOf } from "../core/errors.ts";
import { ProtocolError } from "../core/protocol_error.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * How much is inflated at once: it may become a thousand times as much before anybody can say that it is
 * too much.
 */
const SLICE_BYTES = 4 * 1024;

/** Deflates `bytes`; `undefined` if they would not become fewer. */
export async function deflate(bytes: Bytes): Promise<Bytes | undefined> {
  return await collect([bytes], new CompressionStream("deflate-raw"), bytes.length - 1);
}

/**
 * Inflates what came from outside, to at most `maxBytes`. What was cut off is not noticed: whoever gets the
 * result knows its hash.
 *
 * @throws {ProtocolError} If it is nothing that {@linkcode deflate} gives, or becomes larger.
 */
export async function inflate(bytes: Bytes, maxBytes: number): Promise<Bytes> {
  if (bytes.length >= maxBytes) {
    throw new ProtocolError(
      `Cannot inflate ${bytes.length} bytes: the inflated size is at most ${maxBytes}`,
    );
  }
  let inflated: Bytes | undefined;
  try {
    inflated = await collect(slices(bytes), new DecompressionStream("deflate-raw"), maxBytes);
  } catch (cause) {
    throw new ProtocolError(`Cannot inflate ${bytes.length} bytes: ${messageOf(cause)}`, { cause });
  }
  if (inflated !== undefined) return inflated;
  throw new ProtocolError(
    `Cannot inflate ${bytes.length} bytes: they inflate to more than ${maxBytes}`,
  );
}

/** What a stream makes of `parts`; `undefined`, and it goes no further, if that is over `maxBytes`. */
async function collect(
  parts: Iterable<Bytes>,
  stream: CompressionStream | DecompressionStream,
  maxBytes: number,
): Promise<Bytes | undefined> {
  const result = new Uint8Array(Math.max(maxBytes, 0));
  let length = 0;
  for await (const part of ReadableStream.from(parts).pipeThrough(stream)) {
    if (length + part.length > maxBytes) return undefined;
    result.set(part, length);
    length += part.length;
  }
  return result.slice(0, length);
}

function* slices(bytes: Bytes): Generator<Bytes> {
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) {
    yield bytes.subarray(start, start + SLICE_BYTES);
  }
}
