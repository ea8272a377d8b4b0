/** When a process asks for stdin: nothing is read for it before, so that it is left for others. */

import type { StartTimer } from "../core/timer.ts";
import { KiB } from "../core/resources.ts";

/** The process is looked at so long after it has got something, and then after twice the time each. */
const FIRST_LOOK_MS = 5;
const LAST_LOOK_MS = 320;

/** A process that has taken so much is taken to want all of it: from then on it need not ask. */
const STREAM_BYTES = 256 * KiB;

/** What is needed to find out what a process asks for. */
export interface StdinDemandOptions {
  /** Whether it waits for stdin; `undefined` if that cannot be known. */
  readonly isReading: () => boolean | undefined;
  /** Called when it asks for more; with `always`, once for all that there will be. */
  readonly wanted: (always: boolean) => void;
  readonly startTimer: StartTimer;
}

/** Watches one process. */
export class StdinDemand {
  readonly #options: StdinDemandOptions;
  /** Given to the process, and not yet taken. */
  #givenBytes = 0;
  #takenBytes = 0;
  #cancel: (() => void) | undefined;
  #over = false;

  /** Begins to watch. */
  constructor(options: StdinDemandOptions) {
    this.#options = options;
    this.#look(FIRST_LOOK_MS);
  }

  /** The process is being given so much. */
  given(bytes: number): void {
    this.#givenBytes += bytes;
  }

  /** It has taken so much, or the system has for it. */
  taken(bytes: number): void {
    this.#givenBytes -= bytes;
    this.#takenBytes += bytes;
    if (this.#takenBytes >= STREAM_BYTES) this.#want(true);
    else if (this.#givenBytes === 0) this.#look(FIRST_LOOK_MS);
  }

  /** Watches no longer. */
  end(): void {
    this.#over = true;
    this.#cancel?.();
  }

  #look(ms: number): void {
    if (this.#over) return;
    this.#cancel?.();
    this.#cancel = this.#options.startTimer(ms, () => {
      const reading = this.#options.isReading();
      if (reading === false) this.#look(Math.min(2 * ms, LAST_LOOK_MS));
      else this.#want(reading === undefined);
    });
  }

  #want(always: boolean): void {
    if (this.#over) return;
    if (always) this.end();
    this.#options.wanted(always);
  }
}
