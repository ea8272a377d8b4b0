/** Reports that spawns of a run have waited long. */

import type { StartTimer } from "./timer.ts";

/** How long a spawn waits before it is reported. */
const NOTICE_MS = 10_000;

/**
 * Reports one spawn that has waited long, and then no other until none waits: a
 * thousand that wait at the same time give one line.
 */
export class WaitNotice {
  readonly #startTimer: StartTimer;
  readonly #say: (text: string) => void;
  #waiting = 0;
  #said = false;

  constructor(startTimer: StartTimer, say: (text: string) => void) {
    this.#startTimer = startTimer;
    this.#say = say;
  }

  /**
   * A spawn begins to wait.
   *
   * @param text Gives the line when it is to be reported.
   * @returns A function to call once, when it no longer waits.
   */
  begin(text: () => string): () => void {
    this.#waiting++;
    const stopTimer = this.#startTimer(NOTICE_MS, () => {
      if (this.#said) return;
      this.#said = true;
      this.#say(text());
    });
    return () => {
      stopTimer();
      if (--this.#waiting === 0) this.#said = false;
    };
  }
}
