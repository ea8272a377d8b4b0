/** Reads one output stream of a child process until nothing more is to be expected of it. */

import { KiB } from "../core/resources.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The most that is read at once, and so the most of a stream that is on its way to the terminal. */
const CHUNK_BYTES = 64 * KiB;

/** How often a stream is looked at after its process has ended. */
const TICK_MS = 100;
/** A stream that is silent for this long after its process has ended is given up. */
const SILENT_TICKS = 10;
/**
 * One that is still waited for after this long is given up, too. What the process itself wrote lay in
 * the pipe when it ended, and is read without waiting.
 */
const WAITING_TICKS = 30;

/**
 * Gives all that comes out of `stream` to `take`, in order, one chunk at a time: the next is read when
 * `take` has resolved, into the same memory. New memory for each would cost more than all the rest.
 *
 * Resolves at the end of the stream, or some time after `exited`: something that the process started
 * and that outlived it can hold the pipe open for ever.
 */
export async function pumpOutput(
  stream: ReadableStream<Bytes>,
  exited: Promise<unknown>,
  take: (bytes: Bytes) => Promise<void>,
): Promise<void> {
  const reader = stream.getReader({ mode: "byob" });
  let reading = false;
  let chunks = 0;
  let ticker: ReturnType<typeof setInterval> | undefined;
  let ended = false;

  const watch = (): void => {
    if (ended) return;
    let seen = -1;
    let silent = 0;
    let waited = 0;
    ticker = setInterval(() => {
      if (!reading) return;
      waited++;
      silent = chunks === seen ? silent + 1 : 0;
      seen = chunks;
      // Cancelling ends the pending read, as the end of the stream does.
      if (silent >= SILENT_TICKS || waited >= WAITING_TICKS) void reader.cancel();
    }, TICK_MS);
  };
  void exited.then(watch);

  try {
    let buffer = new ArrayBuffer(CHUNK_BYTES);
    while (true) {
      reading = true;
      const { value } = await reader.read(new Uint8Array(buffer));
      reading = false;
      if (value === undefined || value.length === 0) return;
      chunks++;
      await take(value);
      buffer = value.buffer;
    }
  } finally {
    ended = true;
    clearInterval(ticker);
  }
}
