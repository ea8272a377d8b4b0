/**
 * Buffers for large values: new ones, and spares, which are reused.
 *
 * A new buffer costs more than all its uses: the system provides its pages one by one, zeroed. The spares
 * are the process's, not a channel's, so that many idle channels keep no more.
 */

type Bytes = Uint8Array<ArrayBuffer>;

/** How many are kept: one that is being sent from, and one that is being received into. */
const MAX_SPARES = 2;
/** The common sizes that are cheap to keep. */
const MIN_BYTES = 64 * 1024;
const MAX_BYTES = 2 * 1024 * 1024;

const spares: ArrayBuffer[] = [];

/**
 * The C library gives the memory of a buffer of more than 128 KiB back to the system when it is freed, and
 * gets new memory for the next one, page by page, which takes longer than filling it. It adapts: once it
 * has freed a larger one, of at most 32 MiB, it keeps those up to that size (`mallopt(3)`,
 * M_MMAP_THRESHOLD). This one is never touched, so that it takes no memory.
 */
const LESSON_BYTES = 32 * 1024 * 1024 - 64 * 1024;

/**
 * V8 marks its whole heap once buffers have grown by about 10 MiB, or by a tenth of the total, if that is
 * more. A scavenge would find released buffers in a twentieth of the time, but runs only at 64 MiB. With
 * this many bytes more, a tenth exceeds that. They are never touched, so they take no memory either. (Go
 * programs have used such a ballast for the same reason.)
 */
const BALLAST_BYTES = 1024 * 1024 * 1024;
/** How much a process receives in large buffers before this is worthwhile. */
const BALLAST_FROM_BYTES = 64 * 1024 * 1024;

let ballast: ArrayBuffer | undefined;
/** The total bytes of large buffers so far. */
let allocated = 0;

/** A new buffer for `length` bytes of a value. */
export function allocate(length: number): Bytes {
  if (length >= MIN_BYTES) {
    if (allocated === 0) new ArrayBuffer(LESSON_BYTES).transfer(0);
    allocated += length;
    if (allocated > BALLAST_FROM_BYTES) ballast ??= makeBallast();
  }
  return new Uint8Array(length);
}

function makeBallast(): ArrayBuffer {
  // Windows would commit memory for it.
  if (Deno.build.os === "windows") return new ArrayBuffer(0);
  try {
    return new ArrayBuffer(BALLAST_BYTES);
  } catch {
    // The system does not overcommit, or the process has a memory limit.
    return new ArrayBuffer(0);
  }
}

/** A spare buffer of at least `length` bytes, all of it; `undefined` if there is none. */
export function takeSpare(length: number): Bytes | undefined {
  const index = spares.findIndex((buffer) => buffer.byteLength >= length);
  if (index < 0) return undefined;
  const [buffer] = spares.splice(index, 1);
  return new Uint8Array(buffer!);
}

/** Returns a buffer, of which no part may be in use any more, for reuse. */
export function giveSpare({ buffer }: Bytes): void {
  const { byteLength } = buffer;
  if (byteLength < MIN_BYTES || byteLength > MAX_BYTES) return;
  // The newest are kept: they have the currently needed sizes.
  if (spares.length === MAX_SPARES) spares.shift();
  spares.push(buffer);
}
