/** Compresses bytes for slow networks, and decompresses them: raw DEFLATE, RFC 1951. */

import { messageOf, ProtocolError } from "../core/errors.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * How much is inflated at once: the result may be a thousand times as large before its size can be checked.
 */
const SLICE_BYTES = 4 * 1024;

/** Deflates `bytes`; `undefined` if the result would not be smaller. */
export async function deflate(bytes: Bytes): Promise<Bytes | undefined> {
  return await collect([bytes], new CompressionStream("deflate-raw"), bytes.length - 1);
}

/**
 * Inflates untrusted bytes to at most `maxBytes`. Truncated input is not detected: the caller checks the
 * hash of the result.
 *
 * @throws {ProtocolError} If the bytes are not the output of {@linkcode deflate}, or the result is larger.
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

/** The output of a stream for `parts`; `undefined`, with an early end, if that exceeds `maxBytes`. */
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
