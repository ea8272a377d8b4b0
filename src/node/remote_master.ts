/** The master, as a node of a cluster uses it for the processes of one run: questions on a connection. */

import { SpawnError } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { MasterPort, SpawnRequest, SpawnWaiting } from "../core/roles.ts";
import { KILL, type Kill } from "../core/signals.ts";
import type { MasterToNode, NodeToMaster } from "../wire/node_messages.ts";
import { ProtocolError } from "../wire/protocol_error.ts";

/** The master's answers to questions of the node. */
export type MasterAnswer = Extract<
  MasterToNode,
  { type: "spawned" | "ended" | "killed" | "failed" }
>;

type Question = Extract<NodeToMaster, { type: "spawn" | "wait" | "kill" }>;
type Unnumbered<Message> = Message extends unknown ? Omit<Message, "request"> : never;

/** Which message answers which question, when it does not fail. */
interface Answers {
  spawn: Extract<MasterAnswer, { type: "spawned" }>;
  wait: Extract<MasterAnswer, { type: "ended" }>;
  kill: Extract<MasterAnswer, { type: "killed" }>;
}

const ANSWERS = { spawn: "spawned", wait: "ended", kill: "killed" } as const;

interface Pending {
  readonly answer: string;
  resolve(answer: MasterAnswer): void;
  reject(error: Error): void;
}

/** The questions of a node to its master, of all runs. */
export class MasterQuestions {
  readonly #send: (message: NodeToMaster) => unknown;
  readonly #pending = new Map<number, Pending>();
  #requests = 0;
  #lost = false;

  constructor(send: (message: NodeToMaster) => unknown) {
    this.#send = send;
  }

  /**
   * Asks; resolves with an answer that is no failure.
   *
   * @param signal Only for a spawn: when it is aborted, the master is told that nobody waits any more. It
   * answers all the same.
   * @throws {SpawnError} If a spawn fails, or the master is lost.
   * @throws {Error} If something else fails.
   */
  async ask<Type extends Question["type"]>(
    question: Unnumbered<Extract<Question, { type: Type }>> & { type: Type },
    signal?: AbortSignal,
  ): Promise<Answers[Type]> {
    if (this.#lost) throw masterLost();
    const request = this.#requests++;
    const { promise, resolve, reject } = Promise.withResolvers<MasterAnswer>();
    this.#pending.set(request, { answer: ANSWERS[question.type], resolve, reject });
    this.#send({ ...question, request } as unknown as NodeToMaster);
    const cancel = (): void => void this.#send({ type: "cancel", request });
    if (signal?.aborted === true) cancel();
    signal?.addEventListener("abort", cancel);
    try {
      return await promise as Answers[Type];
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Takes an answer. @throws {ProtocolError} If nobody asked for it. */
  take(answer: MasterAnswer): void {
    const pending = this.#pending.get(answer.request);
    this.#pending.delete(answer.request);
    if (pending === undefined || (answer.type !== "failed" && answer.type !== pending.answer)) {
      throw new ProtocolError(`a "${answer.type}" message that nobody asked for`);
    }
    if (answer.type !== "failed") return pending.resolve(answer);
    const { reason, message } = answer;
    pending.reject(reason === "unknown" ? new Error(message) : new SpawnError(reason, message));
  }

  /** The master is gone, and answers nothing any more. */
  lose(): void {
    this.#lost = true;
    for (const { reject } of this.#pending.values()) reject(masterLost());
    this.#pending.clear();
  }
}

/** What the processes of one run ask of the master. */
export class RemoteMaster implements MasterPort {
  readonly #run: string;
  readonly #questions: MasterQuestions;
  /** Every process that has to do with another one asks, and there is one answer for all of them. */
  readonly #waits = new Map<Pid, Promise<ExitStatus>>();

  constructor(run: string, questions: MasterQuestions) {
    this.#run = run;
    this.#questions = questions;
  }

  async spawn(request: SpawnRequest, { wait, signal }: SpawnWaiting): Promise<Pid> {
    const { resources, ...rest } = request;
    const { mem, cpu } = resources;
    const question = { type: "spawn" as const, run: this.#run, wait, ...rest, mem, cpu };
    return (await this.#questions.ask(question, signal)).pid;
  }

  wait(pid: Pid): Promise<ExitStatus> {
    let waiting = this.#waits.get(pid);
    if (waiting === undefined) {
      waiting = this.#wait(pid);
      this.#waits.set(pid, waiting);
      // It may be that nobody has it yet.
      waiting.catch(() => this.#waits.delete(pid));
    }
    return waiting;
  }

  async kill(pid: Pid, { signal, graceMs, descendants }: Kill = KILL): Promise<void> {
    const how = { signal, graceMs, descendants };
    await this.#questions.ask({ type: "kill", run: this.#run, pid, ...how });
  }

  async #wait(pid: Pid): Promise<ExitStatus> {
    return (await this.#questions.ask({ type: "wait", run: this.#run, pid })).status;
  }
}

function masterLost(): SpawnError {
  return new SpawnError("lost", "Cannot ask the master: it is gone");
}
