/** A run at the terminal of a viewer: its events are shown, and its state follows them. */

import { messageOf } from "../core/errors.ts";
import type { RunEvent } from "../core/events.ts";
import { FirstFailure } from "../run/first_failure.ts";
import { NEW_RUN, runningProcesses, type RunState, step } from "../run/run_state.ts";
import { createTerminal, type Terminal } from "../terminal/terminal.ts";
import type { OutputFormat } from "../terminal/formats.ts";

/** Shows one run. */
export class RunDisplay {
  readonly terminal: Terminal;
  readonly #format: OutputFormat;
  readonly #failure = new FirstFailure();
  #state: RunState = NEW_RUN;
  #isWhole = true;

  constructor(format: OutputFormat, { raw }: { readonly raw: boolean }) {
    this.#format = format;
    this.terminal = createTerminal({ format, raw });
  }

  /** The state of the run, as far as it has been shown; `undefined` if events are missing. */
  get state(): RunState | undefined {
    return this.#isWhole ? this.#state : undefined;
  }

  /**
   * Shows the next event.
   *
   * @throws {Error} If it cannot be written.
   */
  async show(event: RunEvent): Promise<void> {
    if (this.#isWhole) {
      this.#failure.took(this.#state, event);
      this.#state = step(this.#state, event);
    }
    try {
      await this.terminal.sink(event);
    } catch (cause) {
      const why = messageOf(cause);
      throw new Error(`Cannot show the output of this program: ${why}`, { cause });
    }
  }

  /** The run of that id is over, with that exit code: says what failed first, to people. */
  async over(code: number, run: string): Promise<void> {
    if (this.#format !== "human" || !this.#isWhole) return;
    const text = this.#failure.text(this.#state, code, run);
    if (text !== undefined) await this.terminal.remark(`deploy: ${text}`);
  }

  /** So many events before the next one are not known. */
  async missing(events: number): Promise<void> {
    this.#isWhole = false;
    await this.terminal.missing(events);
  }

  /** What began is ended: each process that still runs is shown as lost. */
  async lose(why: string): Promise<void> {
    if (!this.#isWhole) return;
    for (const { pid, open } of runningProcesses(this.#state)) {
      for (const fd of open) await this.show({ event: "eof", pid, fd });
      await this.show({ event: "exit", pid, status: { lost: why }, time: Date.now() });
    }
  }
}
