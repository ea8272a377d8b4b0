/** The master's end of the connection to one node. */

import { SpawnError } from "../core/errors.ts";
import { NodeFaultError } from "../core/node_fault.ts";
import type { EndStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import {
  type CarriedArg,
  type Launched,
  type NodePort,
  requestedProcess,
  type SpawnRequest,
} from "../core/roles.ts";
import { KILL, type Termination } from "../core/signals.ts";
import type { MessageLink } from "../net/message_link.ts";
import type { LostProcess } from "../wire/bridge_messages.ts";
import { Conversation } from "../net/conversation.ts";
import { type FailedMessage, orThrow } from "../wire/control.ts";
import {
  type CannotMessage,
  type MasterToNode,
  MAX_HOSTS,
  type NodeToMaster,
  type TryAnswer,
} from "../wire/node_messages.ts";

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
type Question = Extract<MasterToNode, { type: "launch" | "kill" | "probe" | "try" | "recall" }>;

/** The answers to these. */
interface Answers {
  launch: Extract<NodeToMaster, { type: "launched" }> | CannotMessage;
  kill: Extract<NodeToMaster, { type: "killed" }>;
  probe: Extract<NodeToMaster, { type: "probed" }>;
  recall: Extract<NodeToMaster, { type: "recalled" }>;
  try: Tried | CannotMessage;
}

/** Takes whether a node could do what it was asked for. */
export interface NodeEvents {
  /** It lacked something, perhaps for that program only, and what to do. Called before the request fails. */
  failed(why: string, ofProgram: boolean): void;
  succeeded(): void;
  /** The hosts of the other nodes, which processes on it may have to connect to. */
  otherHosts(): string[];
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
  readonly #events: NodeEvents;
  readonly #session: string;
  /** Once it is lost: the same node when it is there again. */
  #returns: (() => Promise<RemoteNode | undefined>) | undefined;

  /** `session` is the id of the connection. */
  constructor(name: string, session: string, link: NodeConnection, events: NodeEvents) {
    this.name = name;
    this.#session = session;
    this.#link = link;
    this.#events = events;
    this.#questions = new Conversation<Question, Answers>(
      {
        launch: ["launched", "cannot"],
        kill: ["killed"],
        probe: ["probed"],
        recall: ["recalled"],
        try: ["needs", "unfit", "cannot"],
      },
      (question) => void link.send(question),
    );
  }

  /**
   * The node's part of a run; it is told of the run with its first process. When `ending` is aborted, nothing is
   * waited for that is about a process to be.
   */
  run(facts: RunFacts, ending: AbortSignal): RemoteRun {
    let run = this.#runs.get(facts.id);
    if (run === undefined) {
      run = new RemoteRun(this, facts.id, ending);
      this.#runs.set(facts.id, run);
      const { id, ...rest } = facts;
      const hosts = this.#events.otherHosts().slice(0, MAX_HOSTS);
      void this.#link.send({ type: "open", run: id, ...rest, hosts });
    }
    return run;
  }

  /** Tells it to end what is left of a run, and to launch nothing more of it. Ends are still reported. */
  stop(run: string, { signal, graceMs }: Termination): void {
    if (this.#runs.has(run)) void this.#link.send({ type: "stop", run, signal, graceMs });
  }

  /** Tells it that the bridge of a run is gone. */
  bridgeGone(run: string): void {
    if (this.#runs.has(run)) void this.#link.send({ type: "bridge-gone", run });
  }

  /** The runs that it hosts, or has hosted. */
  runs(): Iterable<string> {
    return this.#runs.keys();
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
      case "cannot":
      case "killed":
      case "probed":
      case "recalled":
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

  /**
   * The node is lost with its processes: rejects everything that waits for it.
   *
   * @param returns The same node when it is there again; `undefined` if that does not happen.
   */
  lose(why: string, returns: () => Promise<RemoteNode | undefined>): void {
    this.#returns = returns;
    for (const run of this.#runs.values()) run.lose(why);
    this.#questions.end(new LostError(why));
  }

  /**
   * Whether the process of that `launch` was started, according to this node, which was lost before it had answered:
   * it is asked when it is there again. `undefined` if nobody can tell.
   */
  async recall(launch: number): Promise<boolean | undefined> {
    const node = await this.#returns?.();
    if (node === undefined) return undefined;
    try {
      const question = { type: "recall", session: this.#session, launch } as const;
      return orThrow(await node.ask(question)).started ?? undefined;
    } catch (error) {
      if (error instanceof LostError) return undefined; // again
      throw error;
    }
  }

  /** It has answered a request to start something; what is answered otherwise says nothing about the node. */
  judge(answer: Answers["launch" | "try"] | FailedMessage): void {
    if (answer.type === "cannot") this.#events.failed(answer.why, answer.ofProgram === true);
    else if (answer.type !== "failed") this.#events.succeeded();
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
  readonly ended: PromiseWithResolvers<EndStatus>;
}

/** One run's processes on one node. */
export class RemoteRun implements NodePort<CarriedArg> {
  readonly #node: RemoteNode;
  readonly #id: string;
  readonly #ending: AbortSignal;
  readonly #running = new Map<Pid, RemoteProcess>();

  constructor(node: RemoteNode, id: string, ending: AbortSignal) {
    this.#node = node;
    this.#id = id;
    this.#ending = ending;
  }

  async launch(request: SpawnRequest<CarriedArg>): Promise<Launched> {
    const question = { type: "launch", run: this.#id, ...request } as const;
    const what = requestedProcess(request);
    let ended: Promise<EndStatus>;
    let number = 0;
    const launched = this.#node.ask(question, {
      onNumber: (request) => number = request,
      // Its exit may be the next message.
      take: (answer) => {
        this.#node.judge(answer);
        if (answer.type === "launched") ended = this.#began(answer.pid, request);
      },
    });
    const { pid } = await this.#started(launched, {
      what,
      happened: `${what} was started`,
      recall: () => this.#node.recall(number),
    });
    return { pid, ended: ended! };
  }

  /**
   * Boots the first process there on trial; if it is launched there, that process is used.
   *
   * @throws {SpawnError} If the trial boot could not be done there.
   * @throws {NodeFaultError} If that is because the node lacks something.
   */
  async try(): Promise<Tried> {
    const tried = this.#node.ask(
      { type: "try", run: this.#id },
      { take: (answer) => this.#node.judge(answer) },
    );
    // It can be done again.
    const recall = () => Promise.resolve(undefined);
    return await this.#started(tried, {
      ...{ what: "the program", happened: "the program runs", recall },
    });
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

  async runs(pid: Pid): Promise<boolean> {
    if (!this.#running.has(pid)) return false;
    try {
      return orThrow(await this.#node.ask({ type: "probe", run: this.#id, pid })).runs;
    } catch (error) {
      // When the node is lost, the process is gone as well.
      if (!(error instanceof LostError)) throw error;
      return false;
    }
  }

  exited(pid: Pid, status: EndStatus): void {
    const process = this.#running.get(pid);
    this.#running.delete(pid);
    process?.ended.resolve(status);
  }

  *processes(): Generator<RunningProcess> {
    const { name: node } = this.#node;
    for (const [pid, { request }] of this.#running) yield { run: this.#id, pid, node, ...request };
  }

  #began(pid: Pid, { parent, name }: SpawnRequest<CarriedArg>): Promise<EndStatus> {
    const ended = Promise.withResolvers<EndStatus>();
    // Not the whole request, which holds the argument.
    this.#running.set(pid, { request: { parent, name }, ended });
    return ended.promise;
  }

  /**
   * The answer to a request to start `what`, unless that failed. If the node is lost first, `recall` tells whether
   * `happened` all the same; if not, another node can do it.
   */
  async #started<Answer extends { readonly type: "launched" | "needs" | "unfit" }>(
    asked: Promise<Answer | CannotMessage | FailedMessage>,
    { what, happened, recall }: {
      readonly what: string;
      readonly happened: string;
      readonly recall: () => Promise<boolean | undefined>;
    },
  ): Promise<Answer> {
    try {
      const answer = orThrow(await asked);
      if (answer.type !== "cannot") return answer as Answer;
      throw new NodeFaultError(`Cannot start ${what}`, this.#node.name, answer.why);
    } catch (cause) {
      if (!(cause instanceof LostError)) throw cause;
      const { message: why } = cause;
      const known = await unlessAborted(recall, this.#ending);
      if (known === false) {
        const unbegun = `${why}, and had not started it`;
        throw new NodeFaultError(`Cannot start ${what}`, null, unbegun, { cause, reason: "lost" });
      }
      const answer = known === undefined
        ? `Cannot tell whether ${happened}`
        : `${happened}, and is lost`;
      throw new SpawnError("lost", `${answer}: ${why}`, { cause });
    }
  }

  lose(why: string): void {
    for (const pid of [...this.#running.keys()]) this.exited(pid, { lost: why });
  }
}

/** The result of `ask`; `undefined` once `signal` is aborted. */
function unlessAborted<Value>(
  ask: () => Promise<Value>,
  signal: AbortSignal,
): Promise<Value | undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const abort = () => resolve(undefined);
    signal.addEventListener("abort", abort, { once: true });
    ask().then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
