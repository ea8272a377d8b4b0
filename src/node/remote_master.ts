/** The master, as a node of a cluster uses it for the processes of one run: questions on a connection. */

import { SpawnError } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { MasterPort, SpawnRequest, SpawnWaiting } from "../core/roles.ts";
import { KILL, type Kill } from "../core/signals.ts";
import { Conversation } from "../net/conversation.ts";
import { type AnswerMessage, orThrow } from "../wire/control.ts";
import type { NodeToMaster } from "../wire/node_messages.ts";

/** What a node asks its master, for all runs. */
type Question = Extract<NodeToMaster, { request: number }>;

/** What answers it. */
interface Answers {
  spawn: Extract<AnswerMessage, { type: "spawned" }>;
  wait: Extract<AnswerMessage, { type: "ended" }>;
  kill: Extract<AnswerMessage, { type: "killed" }>;
}

/** The questions of a node to its master. */
export type MasterQuestions = Conversation<Question, Answers>;

/** Makes the questions of a node that reaches its master by `send`. */
export function masterQuestions(send: (message: NodeToMaster) => unknown): MasterQuestions {
  return new Conversation<Question, Answers>({
    spawn: ["spawned"],
    wait: ["ended"],
    kill: ["killed"],
  }, send);
}

/** What is pending when the master is gone fails so. */
export function masterLost(): SpawnError {
  return new SpawnError("lost", "Cannot ask the master: it is gone");
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
    const question = { type: "spawn" as const, run: this.#run, wait, ...request };
    return orThrow(await this.#questions.ask(question, { signal })).pid;
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
    orThrow(await this.#questions.ask({ type: "kill", run: this.#run, pid, ...how }));
  }

  async #wait(pid: Pid): Promise<ExitStatus> {
    return orThrow(await this.#questions.ask({ type: "wait", run: this.#run, pid })).status;
  }
}
