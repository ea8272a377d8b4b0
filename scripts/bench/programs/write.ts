/** Writes a lot to stdout. Its first line says when it began, on the clock of the machine. */

import { WRITE_BYTES, WRITES } from "./sizes.ts";

const LINE_BYTES = 64;

/** Makes all the writes, each of them of whole lines. */
export function writeAll(): void {
  const chunk = new Uint8Array(WRITE_BYTES).fill(0x61);
  for (let end = LINE_BYTES - 1; end < WRITE_BYTES; end += LINE_BYTES) chunk[end] = 0x0a;
  const stamp = String(performance.timeOrigin + performance.now()).padEnd(LINE_BYTES - 1);
  writeSync(new TextEncoder().encode(`${stamp}\n`));
  for (let count = 0; count < WRITES; count++) writeSync(chunk);
}

function writeSync(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

if (import.meta.main) writeAll();
