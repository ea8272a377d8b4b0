/** Reads one output stream of a child process until nothing more can be expected. */

import { KiB } from "../core/resources.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The most that is read at once, and so the most of a stream that is in flight to the terminal. */
const CHUNK_BYTES = 64 * KiB;

/** How often a stream is checked after its process has ended. */
const TICK_MS = 100;
/** A stream that is silent for this long after its process has ended is abandoned. */
const SILENT_TICKS = 10;
/**
 * A stream that is still open after this long is abandoned, too. Everything the process itself wrote was in
 * the pipe when it ended, and is read without waiting.
 */
const WAITING_TICKS = 30;

/**
 * Passes everything from `stream` to `take`, in order, one chunk at a time: the next is read when
 * `take` has resolved, into the same memory. New memory for each would cost more than everything else.
 *
 * Resolves at the end of the stream, or some time after `exited`: a child that outlived the process can
 * hold the pipe open forever.
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
