/** Asks one process what it waits for, and concludes from its silence that it computes, or is blocked. */

import type { StartTimer } from "../core/timer.ts";
import type { PeerTraffic, WaitState } from "../core/waits.ts";
import { Conversation } from "../net/conversation.ts";
import { type NodeMessage, orThrow, type ProcessMessage } from "../wire/control.ts";
import { readsStdin } from "./stdin_reader.ts";
import { type OsProcess, readOsProcess } from "./os_process.ts";
import { type Moment, silenceOf } from "./silence.ts";

/** An answer takes a millisecond; a process that has not answered for this long computes, or is blocked. */
const ANSWER_MS = 500;

type Question = Extract<NodeMessage, { type: "why" }>;
type Answer = Extract<ProcessMessage, { type: "waits" }>;

/** How to reach a process. */
export interface WaitInquiryOptions {
  /** Its OS process id. */
  readonly osPid: number;
  readonly send: (question: Question) => void;
  readonly startTimer: StartTimer;
  /** Whether a debugger may attach to it. */
  readonly inspected: () => boolean;
  /** @default by `/proc` */
  readonly read?: (osPid: number) => OsProcess | undefined;
  /** The time in ms, which only grows. @default performance.now */
  readonly now?: () => number;
}

/** What is known of a process that was asked. */
export interface Inquired {
  readonly state: WaitState;
  /** What it had sent to others when it last answered. */
  readonly traffic: readonly PeerTraffic[];
}

/** The inquiries to one process. */
export class WaitInquiry {
  readonly #options: WaitInquiryOptions;
  readonly #conversation: Conversation<Question, { why: Answer }>;
  /** The pending callers. */
  readonly #askers = new Set<(state: WaitState | undefined) => void>();
  /** Whether a question is unanswered. */
  #asking = false;
  /** Of the last answer. */
  #traffic: readonly PeerTraffic[] = [];
  readonly #read: (osPid: number) => OsProcess | undefined;
  readonly #now: () => number;
  /** When the process last sent a message. */
  #heardMs: number;

  constructor(options: WaitInquiryOptions) {
    this.#options = options;
    this.#read = options.read ?? readOsProcess;
    this.#now = options.now ?? (() => performance.now());
    this.#heardMs = this.#now();
    this.#conversation = new Conversation<Question, { why: Answer }>(
      { why: ["waits"] },
      options.send,
    );
  }

  /** Records that the process has sent a message. */
  heard(): void {
    this.#heardMs = this.#now();
  }

  /**
   * Takes an answer.
   *
   * @throws {ProtocolError} If no question is pending.
   */
  answer(message: Answer): void {
    this.#conversation.answer(message);
  }

  /** No more answers follow. */
  end(): void {
    this.#conversation.end(new Error("the process closed its control link"));
  }

  /**
   * Asks. A process that does not answer for half a second is computing, if it uses the CPU meanwhile: since its
   * last message, or for as long as it has used the CPU, whichever is shorter.
   *
   * @returns `undefined` if its link ends before it has answered.
   */
  async ask(): Promise<Inquired | undefined> {
    const { promise, resolve } = Promise.withResolvers<WaitState | undefined>();
    this.#askers.add(resolve);
    const { startTimer } = this.#options;
    let cancel = startTimer(ANSWER_MS / 2, () => {
      const before = this.#moment();
      cancel = startTimer(ANSWER_MS / 2, () => resolve(this.#silence(before, this.#moment())));
    });
    // One question at a time is enough for a process that does not answer.
    if (!this.#asking) void this.#question();
    try {
      const state = await promise;
      return state && { state, traffic: this.#traffic };
    } finally {
      cancel();
      this.#askers.delete(resolve);
    }
  }

  async #question(): Promise<void> {
    this.#asking = true;
    let state: WaitState | undefined;
    try {
      const { waits, count, progress, mayWake, traffic } = orThrow(
        await this.#conversation.ask({ type: "why" }),
      );
      this.#traffic = traffic;
      // Input may wake it, but Deno does not tell of a pending read of stdin.
      const wakes = mayWake || readsStdin(this.#options.osPid) === true;
      state = { state: "waits", report: { waits, count, progress, mayWake: wakes } };
    } catch {
      // Its link has ended, and it will end, too.
    }
    this.#asking = false;
    for (const resolve of this.#askers) resolve(state);
  }

  #moment(): Moment {
    return { timeMs: this.#now(), seen: this.#read(this.#options.osPid) };
  }

  /** The reason for its silence, which has lasted since before the first moment. */
  #silence(before: Moment, now: Moment): WaitState {
    if (now.seen?.state === "T") return { state: "stopped" };
    if (silenceOf(before, now) === "silent") {
      return { state: "silent", inspected: this.#options.inspected() };
    }
    const silentMs = now.timeMs - this.#heardMs;
    return { state: "computes", forMs: Math.min(silentMs, now.seen?.cpuMs ?? Infinity) };
  }
}
