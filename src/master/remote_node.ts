/** The master's end of the connection to one node. */

import { SpawnError } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { NodePort, SpawnRequest } from "../core/roles.ts";
import { KILL, type Termination } from "../core/signals.ts";
import type { MessageLink } from "../net/message_link.ts";
import { ProtocolError } from "../wire/protocol_error.ts";
import type { LostProcess } from "../wire/bridge_messages.ts";
import type { MasterToNode, NodeToMaster, TryAnswer } from "../wire/node_messages.ts";

/** A connection to a node. */
export type NodeLink = MessageLink<MasterToNode, NodeToMaster>;

/** What all processes of a run have in common. */
export interface RunFacts {
  readonly id: string;
  /** The run's key: 32 bytes. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** Where its bridge listens. */
  readonly bridge: string;
  /** The text of a `RunSpec`. */
  readonly spec: string;
}

/** A process that a node has, and of which run. */
export type RunningProcess = LostProcess & { readonly run: string };

/** The node's answers to questions of the master. */
type Answer = Extract<NodeToMaster, { type: "launched" | "killed" | TryAnswer["type"] }>;

/** What a node says that has tried a program. */
export type Tried = Extract<TryAnswer, { type: "needs" | "unfit" }>;

type Unnumbered<Message> = Message extends unknown ? Omit<Message, "request"> : never;

/** The node is lost; the message says how that was noticed. */
class LostError extends Error {}

interface Pending {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** One node, while it is connected. */
export class RemoteNode {
  readonly name: string;
  readonly #link: NodeLink;
  readonly #runs = new Map<string, RemoteRun>();
  readonly #pending = new Map<number, Pending>();
  #requests = 0;
  #lost: string | undefined;

  constructor(name: string, link: NodeLink) {
    this.name = name;
    this.#link = link;
  }

  /** What it has of a run; it is told of the run when there is a first process for it. */
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

  /** Has it end what is left of a run. What ends is still told. */
  close(run: string): void {
    if (this.#runs.has(run)) void this.#link.send({ type: "close", run });
  }

  /** The run is over, and nothing more is told of it. */
  forget(run: string): void {
    this.close(run);
    this.#runs.delete(run);
  }

  /** Takes what is news or an answer; `false` if it is neither, but a question. */
  take(message: NodeToMaster): boolean {
    switch (message.type) {
      case "launched":
      case "killed":
      case "needs":
      case "unfit":
      case "failed": {
        const pending = this.#pending.get(message.request);
        this.#pending.delete(message.request);
        pending?.resolve(message);
        return true;
      }
      case "exited":
        this.#runs.get(message.run)?.exited(message.pid, message.status);
        return true;
      default:
        return false;
    }
  }

  /** The processes that it has and that have not ended, in the order in which they started. */
  *processes(): Generator<RunningProcess> {
    for (const run of this.#runs.values()) yield* run.processes();
  }

  /** It is gone, and with it all that it has: whoever waits for that learns so. */
  lose(why: string): void {
    this.#lost = why;
    for (const run of this.#runs.values()) run.lose(why);
    for (const { reject } of this.#pending.values()) reject(new LostError(why));
    this.#pending.clear();
  }

  /**
   * Asks something, and gives the answer to `take` at once, since what it is about may be told next.
   *
   * @throws {LostError} If the node is lost.
   * @throws {Error} If it fails there.
   */
  ask(
    question: Unnumbered<Extract<MasterToNode, { type: "launch" | "kill" | "try" }>>,
    take: (answer: Answer) => void,
  ): Promise<void> {
    if (this.#lost !== undefined) return Promise.reject(new LostError(this.#lost));
    const request = this.#requests++;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#pending.set(request, {
      resolve: (answer) => {
        if (answer.type === "failed") return reject(failure(answer));
        take(answer);
        resolve();
      },
      reject,
    });
    void this.#link.send({ ...question, request });
    return promise;
  }
}

interface RemoteProcess {
  readonly request: Pick<SpawnRequest, "parent" | "name">;
  readonly ended: PromiseWithResolvers<ExitStatus>;
}

/** One run's processes on one node. */
export class RemoteRun implements NodePort {
  readonly #node: RemoteNode;
  readonly #id: string;
  readonly #running = new Map<Pid, RemoteProcess>();
  /** Kept for as long as the run lasts, since it can be asked for at any time. */
  readonly #statuses = new Map<Pid, Promise<ExitStatus>>();

  constructor(node: RemoteNode, id: string) {
    this.#node = node;
    this.#id = id;
  }

  async launch(request: SpawnRequest): Promise<Pid> {
    const { resources, ...rest } = request;
    const { mem, cpu } = resources;
    let launched: Pid | undefined;
    const question = { type: "launch", run: this.#id, ...rest, mem, cpu } as const;
    const what = request.function === null ? "the first process" : `${request.function}()`;
    await this.#ask(question, `${what} was started`, (answer) => {
      if (answer.type !== "launched") throw new ProtocolError(`"${answer.type}" for a launch`);
      launched = answer.pid;
      const ended = Promise.withResolvers<ExitStatus>();
      // Not the whole request, which may have a large argument.
      const { parent, name } = request;
      this.#running.set(answer.pid, { request: { parent, name }, ended });
      this.#statuses.set(answer.pid, ended.promise);
    });
    return launched!;
  }

  /**
   * Has its first process booted there, in case that it is launched there.
   *
   * @throws {SpawnError} If it could not be tried there.
   */
  async try(): Promise<Tried> {
    let tried: Tried | undefined;
    await this.#ask({ type: "try", run: this.#id }, "the program runs", (answer) => {
      if (answer.type !== "needs" && answer.type !== "unfit") {
        throw new ProtocolError(`"${answer.type}" for a try`);
      }
      tried = answer;
    });
    return tried!;
  }

  wait(pid: Pid): Promise<ExitStatus> {
    return this.#statuses.get(pid) ?? Promise.reject(new Error(`Cannot wait for ${pid}: unknown`));
  }

  async kill(pid: Pid, { signal, graceMs }: Termination = KILL): Promise<void> {
    if (!this.#running.has(pid)) return;
    try {
      await this.#node.ask({ type: "kill", run: this.#id, pid, signal, graceMs }, () => {});
    } catch (error) {
      // A process is gone with its node, too.
      if (!(error instanceof LostError)) throw error;
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

  /** As {@linkcode RemoteNode.ask}; if the node is lost meanwhile, nobody can tell whether `what`. */
  async #ask(
    question: Parameters<RemoteNode["ask"]>[0],
    what: string,
    take: (answer: Answer) => void,
  ): Promise<void> {
    try {
      await this.#node.ask(question, take);
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

function failure({ reason, message }: Extract<NodeToMaster, { type: "failed" }>): Error {
  return reason === "unknown" ? new Error(message) : new SpawnError(reason, message);
}
