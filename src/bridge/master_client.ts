/** A bridge's link to its master: questions and answers, and news of runs. */

import { SpawnError } from "../core/errors.ts";
import type { Pid } from "../core/pid.ts";
import type { Termination } from "../core/signals.ts";
import type { Resources } from "../core/resources.ts";
import { TrialBootError } from "../core/trial_boot_error.ts";
import { orThrow } from "../wire/control.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import {
  type BridgeToMaster,
  type LostProcess,
  MASTER_TO_BRIDGE,
  type MasterToBridge,
} from "../wire/bridge_messages.ts";
import { Conversation } from "../net/conversation.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { type LinkConnection, MessageLink } from "../net/message_link.ts";

/** What is told of a run. */
export interface RunNews {
  lost(process: LostProcess, why: string): void;
  /** A line for whoever looks at it. */
  said(text: string): void;
  /** No process of it is left; so many there have been. */
  ended(processes: number): void;
}

/** Where a process would be placed. */
export interface Fit {
  readonly node: string | null;
  readonly message: string;
}

/** What a bridge asks its master. */
type Question = Extract<BridgeToMaster, { request: number }>;

/** What answers it. */
interface Answers {
  try: Extract<MasterToBridge, { type: "needs" | "unfit" }>;
  first: Extract<MasterToBridge, { type: "launched" }>;
  where: Extract<MasterToBridge, { type: "fits" }>;
}

export class MasterClient {
  /** Resolves with the reason, for a person, when the link has ended. */
  readonly ended: Promise<Error>;
  readonly #link: MessageLink<BridgeToMaster, MasterToBridge>;
  readonly #questions: Conversation<Question, Answers>;
  readonly #runs = new Map<string, RunNews>();

  /** Without a word from the master, the bridge ends, to be started anew. */
  constructor(conn: LinkConnection, liveness?: LivenessOptions) {
    this.#link = new MessageLink(conn, { schema: MASTER_TO_BRIDGE, liveness, works: true });
    this.ended = this.#link.ended;
    this.#questions = new Conversation<Question, Answers>(
      { try: ["needs", "unfit"], first: ["launched"], where: ["fits"] },
      (question) => void this.#link.send(question),
    );
    void this.#read();
  }

  /** Tells where the bridge listens, for nodes. It comes before anything else. */
  announce(address: string): void {
    void this.#link.send({ type: "bridge", address });
  }

  /** A run begins, and `news` are told of it until it is over. */
  open(run: string, key: Uint8Array<ArrayBuffer>, news: RunNews): void {
    this.#runs.set(run, news);
    void this.#link.send({ type: "open", run, key });
  }

  /**
   * Has the first process of a run, which is probably of that size, booted where it would be placed; gives
   * what it says that it needs. Calls `onWait` if there is no node.
   *
   * @throws {TrialBootError} If it does not say so.
   * @throws {SpawnError} If it cannot be tried.
   */
  async try(run: string, resources: Resources, onWait: () => void): Promise<Resources> {
    const question = { type: "try", run, resources } as const;
    const answer = orThrow(await this.#questions.ask(question, { onNews: onWait }));
    if (answer.type === "needs") return answer.resources;
    throw new TrialBootError(answer.why, [{ fd: 2, bytes: answer.output }]);
  }

  /**
   * Starts the first process of a run, which is called `name` where people see it, when there is room for it; calls `onWait` if there is none yet.
   *
   * @throws {SpawnError} If it could not be started.
   */
  async first(
    run: string,
    name: string,
    resources: Resources,
    onWait: () => void,
  ): Promise<Pid> {
    const question = { type: "first", run, name, resources } as const;
    return orThrow(await this.#questions.ask(question, { onNews: onWait })).pid;
  }

  /** Asks where a process of that size would be placed. */
  async where(resources: Resources): Promise<Fit> {
    return orThrow(await this.#questions.ask({ type: "where", resources }));
  }

  /** Ends every process of a run as `how` says; its news tell when that is done. */
  end(run: string, { signal, graceMs }: Termination): void {
    void this.#link.send({ type: "end", run, signal, graceMs });
  }

  close(): void {
    this.#link.drop();
  }

  async #read(): Promise<void> {
    try {
      for await (const message of this.#link.messages()) this.#take(message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#link.drop(error);
    }
    const { message } = await this.#link.ended;
    this.#questions.end(new SpawnError("lost", `the master: ${message}`));
  }

  #take(message: MasterToBridge): void {
    switch (message.type) {
      case "lost":
        return this.#runs.get(message.run)?.lost(message, message.why);
      case "said":
        return this.#runs.get(message.run)?.said(message.text);
      case "over": {
        const news = this.#runs.get(message.run);
        this.#runs.delete(message.run);
        return news?.ended(message.processes);
      }
      case "waits":
        return this.#questions.news(message);
      default:
        return this.#questions.answer(message);
    }
  }
}
