/** The speed of showing output: 100 MB of one process, in reads of 64 KiB, to a file. */

import type { OutputFormat } from "../../src/terminal/formats.ts";
import { createTerminal } from "../../src/terminal/terminal.ts";
import { FIRST, spawned, wrote } from "./events.ts";

const CHUNK_BYTES = 64 * 1024;
const CHUNKS = Math.ceil(100e6 / CHUNK_BYTES);

/** A read of lines of `length` bytes, newlines included. */
function linesOf(length: number): Uint8Array<ArrayBuffer> {
  const chunk = new Uint8Array(CHUNK_BYTES).fill(0x61);
  for (let index = length - 1; index < chunk.length; index += length) chunk[index] = 0x0a;
  return chunk;
}

async function show(
  lineBytes: number,
  format: OutputFormat,
  interleaved: boolean,
): Promise<void> {
  const paths = [await Deno.makeTempFile(), await Deno.makeTempFile()] as const;
  using stdout = await Deno.open(paths[0], { write: true, truncate: true });
  using stderr = await Deno.open(paths[1], { write: true, truncate: true });
  const terminal = createTerminal({ format, colors: true, interleaved, stdout, stderr });
  const chunk = linesOf(lineBytes);
  await terminal.sink(spawned(null, FIRST));
  for (let count = 0; count < CHUNKS; count++) await terminal.sink(wrote(FIRST, 1, chunk));
  for (const path of paths) await Deno.remove(path);
}

Deno.bench("baseline: 100 MB written to a file", { n: 3, warmup: 1 }, async () => {
  const path = await Deno.makeTempFile();
  const file = await Deno.open(path, { write: true, truncate: true });
  const chunk = linesOf(80);
  for (let count = 0; count < CHUNKS; count++) await file.write(chunk);
  file.close();
  await Deno.remove(path);
});

for (const lineBytes of [8, 80, CHUNK_BYTES]) {
  for (const interleaved of [false, true]) {
    const name = `human, ${interleaved ? "one place" : "two places"}, lines of ${lineBytes} B`;
    // Only async functions are awaited.
    Deno.bench(name, { n: 3, warmup: 1 }, async () => {
      await show(lineBytes, "human", interleaved);
    });
  }
  Deno.bench(`json, lines of ${lineBytes} B`, { n: 3, warmup: 1 }, async () => {
    await show(lineBytes, "json", false);
  });
}
