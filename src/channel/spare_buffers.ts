/**
 * Buffers of large values that have served, for the next ones.
 *
 * A new buffer costs more than all that is done with it: the system gives its pages one by one, and
 * zeroed. The spares are the process's, not a channel's, so that many idle channels keep no more.
 */

type Bytes = Uint8Array<ArrayBuffer>;

/** How many are kept: one that is being sent from, and one that is being received into. */
const MAX_SPARES = 2;
/** Only buffers of sizes that are common and easily kept. */
const MIN_BYTES = 64 * 1024;
const MAX_BYTES = 2 * 1024 * 1024;

const spares: ArrayBuffer[] = [];

/**
 * The C library gives the memory of a buffer of more than 128 KiB back to the system when it is freed,
 * and gets new memory for the next one, page by page, which takes longer than to fill it. It learns:
 * once it has freed a larger one, of at most 32 MiB, it keeps those up to that size (`mallopt(3)`,
 * M_MMAP_THRESHOLD). This one is never touched, so that it takes no memory.
 */
const LESSON_BYTES = 32 * 1024 * 1024 - 64 * 1024;

let learned = false;

/** A new buffer for `length` bytes of a value. */
export function allocate(length: number): Bytes {
  if (!learned && length >= MIN_BYTES) {
    learned = true;
    new ArrayBuffer(LESSON_BYTES).transfer(0);
  }
  return new Uint8Array(length);
}

/** A spare buffer of at least `length` bytes, all of it; `undefined` if there is none. */
export function takeSpare(length: number): Bytes | undefined {
  const index = spares.findIndex((buffer) => buffer.byteLength >= length);
  if (index < 0) return undefined;
  const [buffer] = spares.splice(index, 1);
  return new Uint8Array(buffer!);
}

/** Gives a buffer, of which nobody may use any part any more, to whoever needs one next. */
export function giveSpare({ buffer }: Bytes): void {
  const { byteLength } = buffer;
  if (byteLength < MIN_BYTES || byteLength > MAX_BYTES) return;
  // The newest are kept: they have the sizes that are needed now.
  if (spares.length === MAX_SPARES) spares.shift();
  spares.push(buffer);
}
