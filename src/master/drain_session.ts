/** Tells somebody who drains a node what is left there. */

import type { MessageLink } from "../net/message_link.ts";
import type { DrainToMaster, MasterToDrain } from "../wire/drain_messages.ts";

/** The connection to them. */
export type DrainLink = MessageLink<MasterToDrain, DrainToMaster>;

/** One `fabric drain`. */
export class DrainSession {
  readonly #link: DrainLink;
  readonly #left: () => MasterToDrain;
  #isStale = false;
  #telling = false;

  /** `left` tells what is left, or why that is no longer known. */
  constructor(link: DrainLink, left: () => MasterToDrain) {
    this.#link = link;
    this.#left = left;
  }

  /**
   * Something has changed: tells what is left. Changes that come while the connection is full are told as one.
   */
  async tell(): Promise<void> {
    this.#isStale = true;
    if (this.#telling) return;
    this.#telling = true;
    while (this.#isStale) {
      this.#isStale = false;
      await this.#link.send(this.#left());
    }
    this.#telling = false;
  }
}
