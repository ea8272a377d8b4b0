/** The error for a program that could not be booted on trial, to learn what it needs. */

import type { OutputFd } from "./events.ts";

/** A program did not come to say what its first process needs. The message is one line. */
export class TrialBootError extends Error {
  /** What the program wrote, in order. */
  readonly output: readonly { readonly fd: OutputFd; readonly bytes: Uint8Array<ArrayBuffer> }[];

  constructor(message: string, output: TrialBootError["output"]) {
    super(message);
    this.name = "TrialBootError";
    this.output = output;
  }

  /** What the program wrote, to either stream, one chunk after the other. */
  written(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.output.reduce((sum, { bytes }) => sum + bytes.length, 0));
    let at = 0;
    for (const { bytes } of this.output) {
      all.set(bytes, at);
      at += bytes.length;
    }
    return all;
  }
}
