/** `DEPLOY_TRACE`: a local run as a trace in a file. */

import { messageOf } from "../core/errors.ts";
import type { RunEvent } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";
import type { StartTimer } from "../core/timer.ts";
import type { WaitState } from "../core/waits.ts";
import { ChromeTrace, type TraceEntry, TraceText } from "../run/chrome_trace.ts";

/** How often processes are asked what they wait for. It takes each less than a tenth of a millisecond. */
const SAMPLE_MS = 100;

/** What a trace needs of the run. */
export interface TracedRun {
  readonly waits: () => Promise<ReadonlyMap<Pid, WaitState>>;
  readonly startTimer: StartTimer;
}

/** How much text is kept until it is written. */
const BUFFER = 64 * 1024;

/**
 * Writes the trace as the run goes on, and its end when this process exits. It writes synchronously, so that
 * nothing is under way then: whoever traces a run accepts that.
 */
export class TraceFile {
  readonly #path: string;
  readonly #say: (text: string) => void;
  readonly #trace = new ChromeTrace();
  readonly #text = new TraceText();
  readonly #encoder = new TextEncoder();
  #file: Deno.FsFile | undefined;
  #unwritten = "";

  /**
   * @param say Takes a line for the user, if the file cannot be written any more.
   * @throws {Error} If the file cannot be opened.
   */
  constructor(path: string, say: (text: string) => void) {
    this.#path = path;
    this.#say = say;
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

  /** Asks now and then what the processes wait for. */
  sample(run: TracedRun): void {
    run.startTimer(SAMPLE_MS, async () => {
      this.#add(this.#trace.states(Date.now(), await run.waits()));
      this.sample(run);
    });
  }

  #add(entries: readonly TraceEntry[]): void {
    this.#unwritten += this.#text.add(entries);
    if (this.#unwritten.length >= BUFFER) this.#write("");
  }

  #write(more: string): void {
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
