/** The master's end of the connection to one node. */

import { SpawnError } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { CarriedArg, Launched, NodePort, SpawnRequest } from "../core/roles.ts";
import { KILL, type Termination } from "../core/signals.ts";
import type { MessageLink } from "../net/message_link.ts";
import type { LostProcess } from "../wire/bridge_messages.ts";
import { Conversation } from "../net/conversation.ts";
import { type FailedMessage, orThrow } from "../wire/control.ts";
import type { MasterToNode, NodeToMaster, TryAnswer } from "../wire/node_messages.ts";

/** A connection to a node. */
export type NodeConnection = MessageLink<MasterToNode, NodeToMaster>;

/** The facts that all processes of a run share. */
export interface RunFacts {
  readonly id: string;
  /** The run's key: 32 bytes. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** The address of its bridge. */
  readonly bridge: string;
}

/** A process on a node, and its run. */
export type RunningProcess = LostProcess & { readonly run: string };

/** What a master asks a node. */
type Question = Extract<MasterToNode, { type: "launch" | "kill" | "try" }>;

/** The answers to these. */
interface Answers {
  launch: Extract<NodeToMaster, { type: "launched" }>;
  kill: Extract<NodeToMaster, { type: "killed" }>;
  try: Tried;
}

/** A node's answer to a trial boot. */
export type Tried = Extract<TryAnswer, { type: "needs" | "unfit" }>;

/** The node is lost; the message says how that was detected. */
class LostError extends Error {}

/** One node, while it is connected. */
export class RemoteNode {
  readonly name: string;
  readonly #link: NodeConnection;
  readonly #runs = new Map<string, RemoteRun>();
  readonly #questions: Conversation<Question, Answers>;

  constructor(name: string, link: NodeConnection) {
    this.name = name;
    this.#link = link;
    this.#questions = new Conversation<Question, Answers>(
      { launch: ["launched"], kill: ["killed"], try: ["needs", "unfit"] },
      (question) => void link.send(question),
    );
  }

  /** The node's part of a run; it is told of the run with its first process. */
  run(facts: RunFacts): RemoteRun {
    let run = this.#runs.get(facts.id);
    if (run === undefined) {
      run = new RemoteRun(this, facts.id);
      this.#runs.set(facts.id, run);
      const { id, ...rest } = facts;
      void this.#link.send({ type: "open", run: id, ...rest });
    }
    return run;
  }

  /** Tells it to end what is left of a run, and to launch nothing more of it. Ends are still reported. */
  stop(run: string, { signal, graceMs }: Termination): void {
    if (this.#runs.has(run)) void this.#link.send({ type: "stop", run, signal, graceMs });
  }

  /** The run has ended, and nothing more is reported of it. */
  forget(run: string): void {
    if (this.#runs.delete(run)) void this.#link.send({ type: "close", run });
  }

  /**
   * Handles a notification or an answer; `false` if the message is neither, but a request.
   *
   * @throws {ProtocolError} If it is an answer without a request.
   */
  take(message: NodeToMaster): boolean {
    switch (message.type) {
      case "launched":
      case "killed":
      case "needs":
      case "unfit":
      case "failed":
        this.#questions.answer(message);
        return true;
      case "exited":
        this.#runs.get(message.run)?.exited(message.pid, message.status);
        return true;
      default:
        return false;
    }
  }

  /** The running processes on it, in the order in which they started. */
  *processes(): Generator<RunningProcess> {
    for (const run of this.#runs.values()) yield* run.processes();
  }

  /** The node is lost with its processes: rejects everything that waits for it. */
  lose(why: string): void {
    for (const run of this.#runs.values()) run.lose(why);
    this.#questions.end(new LostError(why));
  }

  /**
   * Sends a request; resolves with the answer, even if that is `failed`.
   *
   * @throws {LostError} If the node is lost.
   */
  readonly ask: Conversation<Question, Answers>["ask"] = (question, options) =>
    this.#questions.ask(question, options);
}

interface RemoteProcess {
  readonly request: Pick<SpawnRequest, "parent" | "name">;
  readonly ended: PromiseWithResolvers<ExitStatus>;
}

/** One run's processes on one node. */
export class RemoteRun implements NodePort<CarriedArg> {
  readonly #node: RemoteNode;
  readonly #id: string;
  readonly #running = new Map<Pid, RemoteProcess>();

  constructor(node: RemoteNode, id: string) {
    this.#node = node;
    this.#id = id;
  }

  async launch(request: SpawnRequest<CarriedArg>): Promise<Launched> {
    const question = { type: "launch", run: this.#id, ...request } as const;
    const what = request.function === null ? "the first process" : `${request.function}()`;
    let ended: Promise<ExitStatus>;
    const launched = this.#node.ask(question, {
      // Its exit may be the next message.
      take: (answer) => {
        if (answer.type === "launched") ended = this.#began(answer.pid, request);
      },
    });
    const { pid } = await this.#answer(launched, `${what} was started`);
    return { pid, ended: ended! };
  }

  /**
   * Boots the first process there on trial; if it is launched there, that process is used.
   *
   * @throws {SpawnError} If the trial boot could not be done there.
   */
  async try(): Promise<Tried> {
    const tried = this.#node.ask({ type: "try", run: this.#id });
    return await this.#answer(tried, "the program runs");
  }

  async kill(pid: Pid, { signal, graceMs }: Termination = KILL): Promise<boolean> {
    if (!this.#running.has(pid)) return false;
    try {
      const question = { type: "kill", run: this.#id, pid, signal, graceMs } as const;
      return orThrow(await this.#node.ask(question)).ran;
    } catch (error) {
      // When the node is lost, the process is gone as well.
      if (!(error instanceof LostError)) throw error;
      return true;
    }
  }

  exited(pid: Pid, status: ExitStatus): void {
    const process = this.#running.get(pid);
    this.#running.delete(pid);
    process?.ended.resolve(status);
  }

  *processes(): Generator<RunningProcess> {
    const { name: node } = this.#node;
    for (const [pid, { request }] of this.#running) yield { run: this.#id, pid, node, ...request };
  }

  #began(pid: Pid, { parent, name }: SpawnRequest<CarriedArg>): Promise<ExitStatus> {
    const ended = Promise.withResolvers<ExitStatus>();
    // Not the whole request, which holds the argument.
    this.#running.set(pid, { request: { parent, name }, ended });
    return ended.promise;
  }

  /** The answer, unless it is `failed`. If the node is lost first, it is unknown whether `what`. */
  async #answer<Answer extends { readonly type: string }>(
    asked: Promise<Answer | FailedMessage>,
    what: string,
  ): Promise<Answer> {
    try {
      return orThrow(await asked);
    } catch (cause) {
      if (!(cause instanceof LostError)) throw cause;
      const message = `Cannot tell whether ${what}: ${cause.message}`;
      throw new SpawnError("lost", message, { cause });
    }
  }

  lose(why: string): void {
    for (const pid of [...this.#running.keys()]) this.exited(pid, { lost: why });
  }
}
