/** `DEPLOY_TRACE`: a local run as a trace in a file. */

import { messageOf } from "../core/errors.ts";
import type { RunEvent } from "../core/events.ts";
import type { StartTimer } from "../core/timer.ts";
import type { RunContext } from "../host/run_context.ts";
import { ChromeTrace, type TraceEntry, TraceText } from "../run/chrome_trace.ts";

/** How often a process is looked at. It takes it less than a tenth of a millisecond. */
const LOOK_MS = 100;

/** How much text is kept until it is written, and for how long. */
const BUFFER = 64 * 1024;
const KEPT_MS = 1_000;

/**
 * Writes the trace as the run goes on, at least once a second, and its end when this process exits: if it is killed,
 * the file has what was before, without an end. It writes synchronously, so that nothing is under way then: whoever
 * traces a run accepts that.
 */
export class TraceFile {
  readonly #path: string;
  readonly #say: (text: string) => void;
  readonly #startTimer: StartTimer;
  readonly #trace = new ChromeTrace();
  readonly #text = new TraceText();
  readonly #encoder = new TextEncoder();
  /** How its processes are looked at. */
  readonly looks: Pick<Required<RunContext>, "does" | "lookMs"> = {
    lookMs: LOOK_MS,
    does: (seen) => Promise.resolve(this.#add(this.#trace.does(seen))),
  };
  #file: Deno.FsFile | undefined;
  #unwritten = "";
  #stopTimer: (() => void) | undefined;

  /**
   * @param say Takes a line for the user, if the file cannot be written any more.
   * @throws {Error} If the file cannot be opened.
   */
  constructor(path: string, say: (text: string) => void, startTimer: StartTimer) {
    this.#path = path;
    this.#say = say;
    this.#startTimer = startTimer;
    this.#file = Deno.openSync(path, { write: true, create: true, truncate: true });
  }

  /** Writes the end of the trace, and closes the file. */
  end(): void {
    this.#write(this.#text.end(this.#trace.end()));
    this.#file?.close();
  }

  took(event: RunEvent): void {
    this.#add(this.#trace.took(event));
  }

  #add(entries: readonly TraceEntry[]): void {
    if (entries.length === 0) return;
    this.#unwritten += this.#text.add(entries);
    if (this.#unwritten.length >= BUFFER) this.#write("");
    else this.#stopTimer ??= this.#startTimer(KEPT_MS, () => this.#write(""));
  }

  #write(more: string): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    const bytes = this.#encoder.encode(this.#unwritten + more);
    this.#unwritten = "";
    try {
      for (let at = 0; this.#file !== undefined && at < bytes.length;) {
        at += this.#file.writeSync(bytes.subarray(at));
      }
    } catch (error) {
      this.#file?.close();
      this.#file = undefined;
      this.#say(`deploy: cannot write the trace ${this.#path} any more: ${messageOf(error)}\n`);
    }
  }
}
