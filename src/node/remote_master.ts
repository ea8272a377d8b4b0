/** The master, as a node of a cluster uses it for the processes of one run: requests on a connection. */

import { SpawnError } from "../core/errors.ts";
import type { EndStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { MasterPort, SpawnRequest, SpawnWaiting } from "../core/roles.ts";
import { KILL, type Kill } from "../core/signals.ts";
import { Conversation } from "../net/conversation.ts";
import { orThrow } from "../wire/control.ts";
import type { MasterAnswer, NodeToMaster } from "../wire/node_messages.ts";
import { type HeldArgs, MAX_CARRIED_BYTES } from "./held_args.ts";

/** The requests of a node to its master, for all runs. */
type Question = Extract<NodeToMaster, { request: number }>;

/** The answers. */
interface Answers {
  spawn: Extract<MasterAnswer, { type: "spawned" }>;
  wait: Extract<MasterAnswer, { type: "ended" }>;
  kill: Extract<MasterAnswer, { type: "killed" }>;
  probe: Extract<MasterAnswer, { type: "probed" }>;
}

/** The requests of a node to its master. */
export type MasterQuestions = Conversation<Question, Answers>;

/** Makes a conversation with the master, on which `send` sends. */
export function masterQuestions(send: (message: NodeToMaster) => unknown): MasterQuestions {
  return new Conversation<Question, Answers>({
    spawn: ["spawned"],
    wait: ["ended"],
    kill: ["killed"],
    probe: ["probed"],
  }, send);
}

/** The error of requests that are pending when the master is lost. */
export function masterLost(): SpawnError {
  return new SpawnError("lost", "Cannot ask the master: the connection to it was lost");
}

/** The requests of the processes of one run. */
export class RemoteMaster implements MasterPort {
  readonly #run: string;
  readonly #questions: MasterQuestions;
  readonly #held: HeldArgs;

  /** Arguments that are too large to be sent with their spawns are put into `held`. */
  constructor(run: string, questions: MasterQuestions, held: HeldArgs) {
    this.#held = held;
    this.#run = run;
    this.#questions = questions;
  }

  async spawn(request: SpawnRequest, { wait, signal }: SpawnWaiting): Promise<Pid> {
    const isLarge = request.arg.length > MAX_CARRIED_BYTES;
    const holding = isLarge ? this.#held.hold(request.arg) : undefined;
    const arg = holding?.arg ?? request.arg;
    try {
      const question = { type: "spawn" as const, run: this.#run, wait, ...request, arg };
      return orThrow(await this.#questions.ask(question, { signal })).pid;
    } finally {
      holding?.release();
    }
  }

  async wait(pid: Pid): Promise<EndStatus> {
    return orThrow(await this.#questions.ask({ type: "wait", run: this.#run, pid })).status;
  }

  async kill(pid: Pid, { signal, graceMs, descendants }: Kill = KILL): Promise<Pid[]> {
    const how = { signal, graceMs, descendants };
    return orThrow(await this.#questions.ask({ type: "kill", run: this.#run, pid, ...how })).pids;
  }

  async runs(pid: Pid): Promise<boolean> {
    return orThrow(await this.#questions.ask({ type: "probe", run: this.#run, pid })).runs;
  }
}
