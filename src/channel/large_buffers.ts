/**
 * Buffers for large values: new ones, and spares, which have served and do so again.
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

/**
 * V8 marks its whole heap once buffers have grown by some 10 MiB, or by a tenth of all there are, if
 * that is more. It would find those that were received and let go of in a twentieth of the time, as
 * it looks through what is young, but does that only when they have 64 MiB. With so many bytes more,
 * a tenth is more than that. They are never touched, so that they, too, take no memory. (Programs in
 * Go have had such a ballast, for the same reason.)
 */
const BALLAST_BYTES = 1024 * 1024 * 1024;
/** What a process receives in large buffers before it is worth that. */
const BALLAST_FROM_BYTES = 64 * 1024 * 1024;

let ballast: ArrayBuffer | undefined;
/** How many bytes of large buffers there have been. */
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
  // Windows would set memory aside for it.
  if (Deno.build.os === "windows") return new ArrayBuffer(0);
  try {
    return new ArrayBuffer(BALLAST_BYTES);
  } catch {
    // The system promises no more memory than it has, or the process may not have so much.
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

/** Gives a buffer, of which nobody may use any part any more, to whoever needs one next. */
export function giveSpare({ buffer }: Bytes): void {
  const { byteLength } = buffer;
  if (byteLength < MIN_BYTES || byteLength > MAX_BYTES) return;
  // The newest are kept: they have the sizes that are needed now.
  if (spares.length === MAX_SPARES) spares.shift();
  spares.push(buffer);
}
