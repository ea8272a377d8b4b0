/** The error of a failed trial boot, which determines what a program needs. */

import type { OutputFd } from "./events.ts";

/** A program did not report the needs of its first process. The message is one line. */
export class TrialBootError extends Error {
  /** What the program wrote, in order. */
  readonly output: readonly { readonly fd: OutputFd; readonly bytes: Uint8Array<ArrayBuffer> }[];

  /** What the machine lacked, and what to do, if that is why; `undefined` if it is the program's fault. */
  readonly fault: string | undefined;

  constructor(message: string, output: TrialBootError["output"], fault?: string) {
    super(message);
    this.name = "TrialBootError";
    this.output = output;
    this.fault = fault;
  }

  /** What the program wrote, both streams together. */
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
