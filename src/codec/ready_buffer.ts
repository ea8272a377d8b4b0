/**
 * A small buffer that is made before it is needed.
 *
 * The bytes of a buffer do not lie in the engine's heap: to find memory for them, however few, takes
 * longer than all else that is done with a small value. Programs that answer each other would wait for
 * that each time; but while one of them waits for its answer, it has nothing to do.
 */

/** What is kept for nothing, if no buffer of that size is needed again, is no more than this. */
const MAX_BYTES = 1024;

let ready: ArrayBuffer | undefined;
let lastSize = 0;
/** The size of the next buffer, most likely: that of the last two. 0 if they differed. */
let expectedSize = 0;

/** A buffer of its own with the bytes of `contents`. */
export function bufferOf(contents: Uint8Array<ArrayBuffer>): ArrayBuffer {
  const size = contents.length;
  expectedSize = size === lastSize && size <= MAX_BYTES ? size : 0;
  lastSize = size;
  // Unlike `slice()`, this does not clear the memory first.
  if (ready?.byteLength !== size) return new Uint8Array(contents).buffer;
  const buffer = ready;
  ready = undefined;
  new Uint8Array(buffer).set(contents);
  return buffer;
}

/** Makes the buffer that is expected to be needed next; to be called when nobody waits. */
export function makeReady(): void {
  if (expectedSize > 0 && ready?.byteLength !== expectedSize) ready = new ArrayBuffer(expectedSize);
}
