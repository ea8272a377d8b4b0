/** Stdin on its way from here to the first process of a run, over links that may be lost. */

import {
  type BridgeToDeploy,
  STDIN_WINDOW_BYTES,
  type StdinMessage,
  type StdinWanted,
} from "../wire/run_messages.ts";
import { StdinOutbox } from "./stdin_outbox.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What the bridge says has come of it. */
type Position = Omit<Extract<BridgeToDeploy, { type: "resumed" }>, "type">;

/** Sends stdin as it is wanted, keeps what is not taken yet, and sends that again on another link. */
export class StdinSender {
  readonly #send: (message: StdinMessage) => void;
  readonly #outbox = new StdinOutbox();
  #hasEnded = false;
  #wanted: StdinWanted = "no";
  /** Some was wanted, and is being read. */
  #isReading = false;
  #isClosed = false;
  #wake: () => void = () => {};

  /** `send` sends on the present link, if there is one. */
  constructor(send: (message: StdinMessage) => void) {
    this.#send = send;
  }

  /** Resolves when the first process asks for stdin, so that some of it may be read. */
  async wanted(): Promise<void> {
    while (this.#wanted === "no") await this.#change();
    if (this.#wanted === "some") this.#wanted = "no";
    this.#isReading = true;
  }

  /** Sends some; resolves when more may be sent. */
  async write(bytes: Bytes): Promise<void> {
    this.#isReading = false;
    if (bytes.length === 0) return;
    this.#outbox.push(bytes);
    this.#send({ type: "stdin", bytes });
    while (this.#outbox.bytes >= STDIN_WINDOW_BYTES / 2 && !this.#isClosed) await this.#change();
  }

  /** Stdin has ended. */
  end(): void {
    this.#hasEnded = true;
    this.#send({ type: "stdin-end" });
  }

  /** The first process has taken so much. */
  taken(bytes: number): void {
    this.#outbox.taken(bytes);
    this.#wake();
  }

  /** The first process asks for some, or for all. */
  want(wanted: StdinWanted): void {
    this.#wanted = wanted;
    this.#wake();
  }

  /** Another link replaces a lost one: sends again on it what has not been received. */
  resume({ received, taken, ended, wanted }: Position): void {
    this.#outbox.takenTo(taken);
    const again = this.#outbox.from(received);
    for (const bytes of again) this.#send({ type: "stdin", bytes });
    if (this.#hasEnded && !ended) this.#send({ type: "stdin-end" });
    // What is sent again, or being read, is what was wanted.
    const isMet = wanted === "no" || (wanted === "some" && (again.length > 0 || this.#isReading));
    if (!isMet) this.#wanted = wanted;
    this.#wake();
  }

  /** Nothing more is sent. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** Waits for a change. One side reads and writes, so only one waits. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }
}
