/** A bridge's link to its master: questions and answers, and news of runs. */

import { ProtocolError, SpawnError } from "../core/errors.ts";
import type { Metric } from "../core/metrics.ts";
import type { NodeReport } from "../core/node_report.ts";
import type { Pid } from "../core/pid.ts";
import type { Termination } from "../core/signals.ts";
import type { Resources } from "../core/resources.ts";
import type { WaitingSpawn } from "../core/waits.ts";
import { TrialBootError } from "../core/trial_boot_error.ts";
import { orThrow } from "../wire/control.ts";
import {
  type BridgeToMaster,
  type LostProcess,
  MASTER_TO_BRIDGE,
  type MasterToBridge,
  sentMetric,
} from "../wire/bridge_messages.ts";
import { Conversation } from "../net/conversation.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { type LinkConnection, MessageLink } from "../net/message_link.ts";

/** News about a run. */
export interface RunNews {
  lost(process: LostProcess, why: string): void;
  /** A node is lost, after its processes. */
  nodeGone(node: string, why: string): void;
  /** A line for its viewers. */
  said(text: string): void;
  /** No process of it is left; gives their total number. */
  ended(processes: number): void;
}

/** Where a process would be placed. */
export interface Fit {
  readonly node: string | null;
  /** Whether a node is large enough, now or when it is empty. */
  readonly possible: boolean;
  readonly message: string;
}

/** What a bridge asks its master. */
type Question = Exclude<Extract<BridgeToMaster, { request: number }>, { type: "measured" }>;

/** What answers it. */
interface Answers {
  try: Extract<MasterToBridge, { type: "needs" | "unfit" }>;
  first: Extract<MasterToBridge, { type: "launched" }>;
  where: Extract<MasterToBridge, { type: "fits" }>;
  waiting: Extract<MasterToBridge, { type: "spawns" }>;
  nodes: Extract<MasterToBridge, { type: "node-list" }>;
}

export class MasterClient {
  /** Resolves with the reason, for a person, when the link has ended. */
  readonly ended: Promise<Error>;
  readonly #link: MessageLink<BridgeToMaster, MasterToBridge>;
  readonly #questions: Conversation<Question, Answers>;
  readonly #runs = new Map<string, RunNews>();

  /** Gives what the bridge measures, when the master asks. */
  measure: () => Promise<readonly Metric[]> = () => Promise.resolve([]);

  /** When the master is silent, the bridge ends, and is restarted. */
  constructor(conn: LinkConnection, liveness?: LivenessOptions) {
    this.#link = new MessageLink(conn, { schema: MASTER_TO_BRIDGE, liveness, works: true });
    this.ended = this.#link.ended;
    this.#questions = new Conversation<Question, Answers>(
      {
        ...{ try: ["needs", "unfit"], first: ["launched"], where: ["fits"] },
        ...{ waiting: ["spawns"], nodes: ["node-list"] },
      },
      (question) => void this.#link.send(question),
    );
    void this.#read();
  }

  /** Sends the bridge's address, for nodes. This is the first message. */
  announce(address: string): void {
    void this.#link.send({ type: "bridge", address });
  }

  /** Opens a run, whose news go to `news` until it is over. */
  open(run: string, key: Uint8Array<ArrayBuffer>, news: RunNews): void {
    this.#runs.set(run, news);
    void this.#link.send({ type: "open", run, key });
  }

  /**
   * Has a trial boot of the first process done where one of that size would be placed; returns what it
   * needs. Calls `onWait` if there is no node.
   *
   * @throws {TrialBootError} If the trial boot fails.
   * @throws {SpawnError} If there can be no trial boot.
   */
  async try(run: string, resources: Resources, onWait: () => void): Promise<Resources> {
    const question = { type: "try", run, resources } as const;
    const answer = orThrow(await this.#questions.ask(question, { onNews: onWait }));
    if (answer.type === "needs") return answer.resources;
    throw new TrialBootError(answer.why, [{ fd: 2, bytes: answer.output }]);
  }

  /**
   * Starts the first process of a run, with `name` as its displayed name, when there is room for it; calls
   * `onWait` if there is none yet.
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

  /** The spawns of a run that wait for room, and why, the oldest first; of very many only some. */
  async waiting(run: string): Promise<WaitingSpawn[]> {
    return orThrow(await this.#questions.ask({ type: "waiting", run })).spawns;
  }

  /** The nodes of the cluster. */
  async nodes(): Promise<NodeReport[]> {
    return orThrow(await this.#questions.ask({ type: "nodes" })).nodes;
  }

  /** Ends one process of a run, as {@linkcode MasterClient.end}. */
  endProcess(run: string, pid: Pid, { signal, graceMs }: Termination): void {
    void this.#link.send({ type: "end-process", run, pid, signal, graceMs });
  }

  /** Ends every process of a run as `how` says; its news report when that is done. */
  end(run: string, { signal, graceMs }: Termination): void {
    void this.#link.send({ type: "end", run, signal, graceMs });
  }

  /** Whether the link has ended: the bridge then ends, too. */
  get over(): boolean {
    return this.#link.over;
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

  async #measure(request: number): Promise<void> {
    const metrics = (await this.measure()).map(sentMetric);
    void this.#link.send({ type: "measured", request, metrics });
  }

  #take(message: MasterToBridge): void {
    switch (message.type) {
      case "lost":
        return this.#runs.get(message.run)?.lost(message, message.why);
      case "node-gone":
        return this.#runs.get(message.run)?.nodeGone(message.node, message.why);
      case "said":
        return this.#runs.get(message.run)?.said(message.text);
      case "over": {
        const news = this.#runs.get(message.run);
        this.#runs.delete(message.run);
        return news?.ended(message.processes);
      }
      case "measure":
        return void this.#measure(message.request);
      case "waits":
        return this.#questions.news(message);
      default:
        return this.#questions.answer(message);
    }
  }
}
