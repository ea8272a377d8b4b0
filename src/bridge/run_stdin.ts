/** Who feeds the first process of a run: the deploy that started it, else the first who attached. */

import { ProtocolError } from "../core/errors.ts";
import { STDIN_WINDOW_BYTES, type StdinMessage, type StdinWanted } from "../wire/run_messages.ts";
import type { StdinAnswer } from "./bridged_run.ts";

/** Somebody who may feed the first process. */
export interface StdinGiver {
  /** Tells it what the first process has taken of its stdin, and asks for. */
  answerStdin(answer: StdinAnswer): void;
}

/** What has come of a giver's stdin: see the message `resumed`. */
export interface StdinPosition {
  readonly received: number;
  readonly taken: number;
  readonly ended: boolean;
  readonly wanted: StdinWanted;
}

/** A giver, and how many bytes have come from it, and have been taken. */
interface Account {
  readonly giver: StdinGiver;
  received: number;
  taken: number;
}

/** How the stdin of a run is passed on. */
export interface RunStdinOptions {
  /** Passes stdin on to the first process. */
  readonly pass: (message: StdinMessage) => void;
  /** Called, once, when the first process asks for stdin and there is nobody to give it any. */
  readonly awaited: () => void;
}

/**
 * The stdin of a run. Of all who may give it, in the order in which they came, the first one does, until it
 * leaves; then the next one goes on where it stopped. When the stdin of one has ended, it has ended.
 */
export class RunStdin {
  readonly #options: RunStdinOptions;
  #accounts: Account[] = [];
  /** Bytes from givers who have left that the process has yet to take. */
  #leftBytes = 0;
  #wanted: StdinWanted = "no";
  #ended = false;
  #said = false;

  constructor(options: RunStdinOptions) {
    this.#options = options;
  }

  add(giver: StdinGiver): void {
    this.#accounts.push({ giver, received: 0, taken: 0 });
    this.#ask();
  }

  /** Idempotent. */
  remove(giver: StdinGiver): void {
    const at = this.#accounts.findIndex((account) => account.giver === giver);
    if (at === -1) return;
    const [{ received, taken }] = this.#accounts.splice(at, 1) as [Account];
    this.#leftBytes += received - taken;
    if (at === 0) this.#ask();
  }

  /** Stdin has come from `giver`. @throws {ProtocolError} If it is not its turn, or it is too much. */
  give(giver: StdinGiver, message: StdinMessage): void {
    const account = this.#accounts[0];
    if (account?.giver !== giver) throw new ProtocolError("stdin that was not asked for");
    if (this.#ended) throw new ProtocolError("stdin sent after its end");
    if (message.type === "stdin-end") this.#ended = true;
    else {
      account.received += message.bytes.length;
      if (account.received - account.taken > STDIN_WINDOW_BYTES) {
        throw new ProtocolError(
          `${account.received - account.taken} unacknowledged bytes of stdin`,
        );
      }
      if (this.#wanted === "some") this.#wanted = "no";
    }
    this.#options.pass(message);
  }

  /** Stdin ends, without a giver. */
  end(): void {
    this.#ended = true;
    this.#options.pass({ type: "stdin-end" });
  }

  /** Takes what the first process has taken, and asks for. */
  answer(answer: StdinAnswer): void {
    if (answer.type === "stdin-taken") return this.#take(answer.bytes);
    if (this.#wanted !== "all") this.#wanted = answer.always ? "all" : "some";
    this.#ask();
  }

  /** What has come of the stdin of `giver`. */
  position(giver: StdinGiver): StdinPosition {
    const account = this.#accounts.find((account) => account.giver === giver);
    const { received, taken } = account ?? { received: 0, taken: 0 };
    return { received, taken, ended: this.#ended, wanted: this.#wantedOf(giver) };
  }

  #take(bytes: number): void {
    // What came first is taken first.
    const left = Math.min(bytes, this.#leftBytes);
    this.#leftBytes -= left;
    const [account] = this.#accounts;
    if (account !== undefined && bytes > left) {
      account.taken += bytes - left;
      account.giver.answerStdin({ type: "stdin-taken", bytes: bytes - left });
    }
    if (left > 0) this.#ask();
  }

  /** Asks whose turn it is for stdin, if some is wanted. */
  #ask(): void {
    if (this.#wanted === "no" || this.#ended) return;
    const [account] = this.#accounts;
    if (account === undefined) {
      if (!this.#said) this.#options.awaited();
      this.#said = true;
    } else if (this.#wantedOf(account.giver) !== "no") {
      const always = this.#wanted === "all";
      account.giver.answerStdin({ type: "stdin-wanted", always });
    }
  }

  /** Until all from earlier givers is taken, there may be no room for more. */
  #wantedOf(giver: StdinGiver): StdinWanted {
    const isNext = this.#accounts[0]?.giver === giver && this.#leftBytes === 0;
    return isNext && !this.#ended ? this.#wanted : "no";
  }
}
