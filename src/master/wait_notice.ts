/** Says of the spawns of a run that they have waited long for room. */

import type { StartTimer } from "../core/timer.ts";

/** So long a spawn waits before it is said. */
const NOTICE_MS = 10_000;

/**
 * Tells of one spawn that has waited long, and then of no other one until none waits any more: of a
 * thousand that wait at the same time there is one line.
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
   * @param text Gives the line, when there is something to say.
   * @returns To be called once, when it waits no longer.
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
