/**
 * The bytes of an event in a log on disk, which a crash may have cut off anywhere.
 *
 * A record is a header of 12 bytes and the body of the event's message, as it went over the network.
 * All numbers are little-endian u32:
 *
 * | bytes | what                                                  |
 * | ----- | ----------------------------------------------------- |
 * | 4     | the length of the body                                |
 * | 4     | the checksum of the body                              |
 * | 4     | the checksum of these two                             |
 * | n     | the body                                              |
 * | 0–3   | zeros, so that each record begins at a multiple of 4  |
 *
 * The checksum is FNV-1a over 32-bit words instead of bytes. Body of 64 KiB: 25 µs; CRC-32 takes 180.
 *
 * The body is of the value codec, which took 2 µs for a short line, where MessagePack (`@std/msgpack`)
 * took 26; for 64 KiB both took 18. Nodes send that encoding anyway, so most records are not encoded.
 */

type Bytes = Uint8Array<ArrayBuffer>;

export const HEADER_BYTES = 12;

/** The largest body: an output of 64 KiB, or the longest of names and texts. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** How many bytes the record of a body of `length` takes. */
export function recordBytes(length: number): number {
  return HEADER_BYTES + Math.ceil(length / 4) * 4;
}

/** Writes the record of `body` into `target` at `at`, a multiple of 4; gives where it ends. */
export function writeRecord(body: Bytes, target: Bytes, at: number): number {
  const end = at + recordBytes(body.length);
  const start = at + HEADER_BYTES;
  target.fill(0, start + body.length, end);
  target.set(body, start);
  const view = new DataView(target.buffer, target.byteOffset);
  view.setUint32(at, body.length, true);
  view.setUint32(at + 4, checksum(target.subarray(start, end)), true);
  view.setUint32(at + 8, checksum(target.subarray(at, at + 8)), true);
  return end;
}

/** The content at one position of a log. */
export type ReadRecord =
  /** A record, and where the next one begins. */
  | { readonly kind: "record"; readonly body: Bytes; readonly end: number }
  /** The record is incomplete: it extends to `end`, or its header is cut off. */
  | { readonly kind: "cut"; readonly end: number }
  /** The bytes were never written completely. */
  | { readonly kind: "damaged" };

/** Reads the record that begins in `bytes` at `at`, a multiple of 4. The body is a part of `bytes`. */
export function readRecord(bytes: Bytes, at: number): ReadRecord {
  const start = at + HEADER_BYTES;
  if (start > bytes.length) return { kind: "cut", end: start };
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = view.getUint32(at, true);
  if (view.getUint32(at + 8, true) !== checksum(bytes.subarray(at, at + 8))) {
    return { kind: "damaged" };
  }
  if (length > MAX_BODY_BYTES) return { kind: "damaged" };
  const end = at + recordBytes(length);
  if (end > bytes.length) return { kind: "cut", end };
  if (view.getUint32(at + 4, true) !== checksum(bytes.subarray(start, end))) {
    return { kind: "damaged" };
  }
  return { kind: "record", body: bytes.subarray(start, start + length), end };
}

/** FNV-1a over 32-bit words. `bytes` are a multiple of 4 of them. */
function checksum(bytes: Bytes): number {
  let hash = 0x811c9dc5;
  if (bytes.byteOffset % 4 === 0) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    for (let at = 0; at < words.length; at++) hash = Math.imul(hash ^ words[at]!, 0x01000193);
  } else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < bytes.length; at += 4) {
      hash = Math.imul(hash ^ view.getUint32(at, true), 0x01000193);
    }
  }
  return hash >>> 0;
}
