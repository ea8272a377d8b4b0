/**
 * The memory of an outgoing stream: chunks of bytes, oldest first, of which the last one is being filled. They stay
 * where they are until the peer has them, and one is kept then, to be filled again.
 */

import type { StoredPart } from "../core/stored_bytes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes that follow each other in the stream. */
export interface Chunk {
  readonly bytes: Bytes;
  /** The offset in the stream of the chunk's first byte. */
  readonly start: number;
  /** How many of its bytes are frames. */
  used: number;
  /** Whether it may be filled again: its bytes are the outbox's own, and of the usual size. */
  readonly reusable: boolean;
  /** Called when its bytes are no longer needed. */
  readonly release?: (() => void) | undefined;
}

/** A connection's first chunk; quiet connections need no more. */
const FIRST_CHUNK_BYTES = 4 * 1024;
/** All other chunks: a good size for one write. */
const CHUNK_BYTES = 64 * 1024;
/** Stored frames are read, and written, in pieces of this size. */
const STORED_BYTES = 256 * 1024;
/** A chunk for the header between two pieces of a large value: nothing else fits in between. */
const HEADER_CHUNK_BYTES = 64;

/** The chunks of one stream. `end` is always the offset after its last frame, where a new chunk starts. */
export class Chunks {
  #chunks: Chunk[] = [];
  /** A chunk that was acknowledged whole, to be filled again. */
  #spare: Bytes | undefined;

  /** The one that is being filled; `undefined` if there is none. */
  get last(): Chunk | undefined {
    return this.#chunks[this.#chunks.length - 1];
  }

  /** The one with room for so many bytes: the last one, or a new one. */
  room(count: number, end: number): Chunk {
    const { last } = this;
    return last !== undefined && last.bytes.length - last.used >= count
      ? last
      : this.add(count, end);
  }

  /** Room for so many bytes, when what comes after them has a chunk of its own. */
  roomBefore(count: number, end: number): Chunk {
    const { last } = this;
    return last !== undefined && last.bytes.length - last.used >= count
      ? last
      : this.#push(new Uint8Array(HEADER_CHUNK_BYTES), end, false);
  }

  /** A new one, with room for so many bytes. */
  add(count: number, end: number): Chunk {
    if (count <= CHUNK_BYTES && this.#spare !== undefined) {
      const bytes = this.#spare;
      this.#spare = undefined;
      return this.#push(bytes, end, true);
    }
    const usual = end === 0 ? FIRST_CHUNK_BYTES : CHUNK_BYTES;
    return this.#push(new Uint8Array(Math.max(usual, count)), end, count <= CHUNK_BYTES);
  }

  /** Adds frames as they are; `release` is called when they are no longer needed. */
  addOwned(bytes: Bytes, end: number, release: (() => void) | undefined): void {
    this.#chunks.push({ bytes, start: end, used: bytes.length, reusable: false, release });
  }

  /** Adds frames that are read each time that they are written, and not kept. */
  addStored(frames: StoredPart, end: number): void {
    let start = end;
    for (const part of frames.split(STORED_BYTES)) {
      this.#chunks.push({
        get bytes() {
          return part.read();
        },
        start,
        used: part.size,
        reusable: false,
      });
      start += part.size;
    }
    // What is appended goes here: there is no room in the others.
    if (start > end) this.#push(new Uint8Array(FIRST_CHUNK_BYTES), start, false);
  }

  /** The one with the byte at that offset, which is before the end. */
  at(offset: number): Chunk {
    // It is nearly always the last or the one before.
    let index = this.#chunks.length - 1;
    while (this.#chunks[index]!.start > offset) index--;
    return this.#chunks[index]!;
  }

  /** A copy of all bytes from that offset on. */
  copyFrom(offset: number, end: number): Bytes {
    const copy = new Uint8Array(end - offset);
    for (const chunk of this.#chunks) {
      const from = Math.max(offset - chunk.start, 0);
      if (from >= chunk.used) continue;
      copy.set(chunk.bytes.subarray(from, chunk.used), chunk.start + from - offset);
    }
    return copy;
  }

  /** The bytes before that offset are not needed any more. */
  release(offset: number, end: number): void {
    const last = this.#chunks.length - 1;
    let passed = 0;
    for (; passed < last; passed++) {
      const chunk = this.#chunks[passed]!;
      if (chunk.start + chunk.used > offset) break;
      if (chunk.reusable && chunk.bytes.length === CHUNK_BYTES) this.#spare = chunk.bytes;
      chunk.release?.();
    }
    if (passed > 0) this.#chunks.splice(0, passed);
    // Filled from its beginning again, a quiet connection needs no more than one chunk.
    if (offset === end) {
      const { reusable, bytes, release } = this.#chunks[0]!;
      release?.();
      this.#chunks = reusable ? [{ bytes, start: offset, used: 0, reusable }] : [];
    }
  }

  #push(bytes: Bytes, start: number, reusable: boolean): Chunk {
    const chunk = { bytes, start, used: 0, reusable };
    const { last } = this;
    // An empty chunk in the list would have no bytes to find by offset.
    if (last !== undefined && last.used === 0) {
      this.#chunks.pop();
      if (last.reusable && last.bytes.length === CHUNK_BYTES) this.#spare ??= last.bytes;
    }
    this.#chunks.push(chunk);
    return chunk;
  }
}
