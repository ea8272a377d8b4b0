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
