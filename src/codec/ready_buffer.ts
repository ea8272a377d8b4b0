/**
 * A small buffer that is allocated before it is needed.
 *
 * The bytes of a buffer are outside the engine's heap: allocating even a few takes
 * longer than everything else that is done with a small value. Programs that answer each other would wait
 * for that each time; but while one of them waits for its answer, it is idle.
 */

/** The maximum size, which bounds the waste if no buffer of that size is needed again. */
const MAX_BYTES = 1024;

let ready: ArrayBuffer | undefined;
let lastSize = 0;
/** The expected size of the next buffer: that of the last two, or 0 if they differed. */
let expectedSize = 0;

/** A new buffer with the bytes of `contents`. */
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

/** Allocates the buffer that is expected to be needed next; to be called when idle. */
export function makeReady(): void {
  if (expectedSize > 0 && ready?.byteLength !== expectedSize) ready = new ArrayBuffer(expectedSize);
}
