/** The master's session with one bridge, and the runs that the bridge opened. */

import { messageOf, ProtocolError, SpawnError } from "../core/errors.ts";
import type { Metric } from "../core/metrics.ts";
import type { NodeReport } from "../core/node_report.ts";
import { shortPid } from "../core/pid.ts";
import { type EndCause, howToEnd } from "../core/run_end.ts";
import type { Termination } from "../core/signals.ts";
import type { Logger } from "../core/logger.ts";
import {
  type BridgeToMaster,
  type MasterToBridge,
  receivedMetric,
} from "../wire/bridge_messages.ts";
import { failedMessage, orThrow } from "../wire/control.ts";
import { Conversation } from "../net/conversation.ts";
import { endOf, type MessageLink } from "../net/message_link.ts";
import { type ClusterContext, ClusterRun, FIRST } from "./cluster_run.ts";
import type { RemoteNode, RunningProcess } from "./remote_node.ts";

/** The form of run ids. They are used as folder names. */
const RUN_ID = /^[A-Za-z0-9_-]{1,48}$/;

/** The parts of the cluster that a bridge session uses. */
export interface BridgeContext extends ClusterContext {
  /** All runs, including those of other bridges. The session adds its own and removes them when they end. */
  readonly runs: Map<string, ClusterRun>;
  readonly logger: Logger;
  /** What is known of each node of the cluster. */
  readonly report: () => NodeReport[];
}

/** What a master asks a bridge. */
type Question = Extract<MasterToBridge, { type: "measure" }>;

interface Answers {
  measure: Extract<BridgeToMaster, { type: "measured" }>;
}

/** The session with one bridge. Its runs end when it ends. */
export class BridgeSession {
  readonly #link: MessageLink<MasterToBridge, BridgeToMaster>;
  readonly #context: BridgeContext;
  readonly #runs = new Map<string, { run: ClusterRun; begun: boolean }>();
  readonly #questions: Conversation<Question, Answers>;
  #address: string | undefined;
  #stopping = false;

  constructor(link: MessageLink<MasterToBridge, BridgeToMaster>, context: BridgeContext) {
    this.#link = link;
    this.#context = context;
    this.#questions = new Conversation<Question, Answers>(
      { measure: ["measured"] },
      (question) => void link.send(question),
    );
  }

  /** Handles the bridge's messages until the connection ends. */
  async serve(): Promise<void> {
    try {
      for await (const message of this.#link.messages()) this.#take(message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const address = this.#address ?? "";
      this.#context.logger.about(
        address,
        `dropped the bridge ${address}: ${error.message}`,
      );
    }
    this.#link.drop();
    this.#questions.end(new Error(endOf("the bridge", await this.#link.ended)));
    this.end({ kind: "bridge-gone" });
  }

  /** What the bridge measures. @throws {Error} If it ends before it answers. */
  async measure(): Promise<Metric[]> {
    return orThrow(await this.#questions.ask({ type: "measure" })).metrics.map(receivedMetric);
  }

  /** Whether a run belongs to this bridge. */
  has(run: string): boolean {
    return this.#runs.has(run);
  }

  /** The bridge's address, once it has announced it. */
  get address(): string | undefined {
    return this.#address;
  }

  /** Ends every run, for that cause, and starts no more. */
  end(cause: EndCause): void {
    this.#stopping = true;
    const how = howToEnd(cause);
    if (cause.kind === "bridge-gone") {
      for (const { run } of this.#runs.values()) run.bridgeGone();
    }
    for (const id of [...this.#runs.keys()]) {
      if (cause.kind === "cluster-ends") {
        const text = "the run was told to stop: the cluster is ending";
        void this.#link.send({ type: "said", run: id, text });
      }
      this.#end(id, how);
    }
  }

  /** A process was lost with its node. */
  tellLost(process: RunningProcess, why: string): void {
    void this.#link.send({ type: "lost", ...process, why });
  }

  /** A node is lost, after its processes. */
  tellNodeGone(node: RemoteNode, why: string): void {
    for (const run of node.runs()) {
      if (this.has(run)) void this.#link.send({ type: "node-gone", run, node: node.name, why });
    }
  }

  #take(message: BridgeToMaster): void {
    if ((message.type === "bridge") !== (this.#address === undefined)) {
      throw new ProtocolError(`"${message.type}" out of order`);
    }
    switch (message.type) {
      case "bridge":
        this.#address = message.address;
        return;
      case "open":
        return this.#open(message);
      case "try":
        return void this.#try(message);
      case "first":
        return void this.#first(message);
      case "end":
        return this.#end(message.run, message);
      case "end-process":
        return void this.#endProcess(message);
      case "nodes": {
        const { request } = message;
        void this.#link.send({ type: "node-list", request, nodes: this.#context.report() });
        return;
      }
      case "waiting": {
        const { request, run } = message;
        const spawns = this.#runs.get(run)?.run.waiting() ?? [];
        void this.#link.send({ type: "spawns", request, spawns });
        return;
      }
      case "measured":
        return this.#questions.answer(message);
      case "where": {
        const { request, resources } = message;
        void this.#link.send({ type: "fits", request, ...this.#context.room.find(resources) });
        return;
      }
    }
  }

  async #endProcess(
    { run, pid, signal, graceMs }: Extract<BridgeToMaster, { type: "end-process" }>,
  ): Promise<void> {
    try {
      await this.#runs.get(run)?.run.kill(pid, { signal, graceMs, descendants: false });
    } catch (error) {
      // It may have ended meanwhile, or its node cannot send such a signal.
      this.#context.logger.warn(`cannot end process ${shortPid(pid)}: ${messageOf(error)}`);
    }
  }

  #open({ run: id, key }: Extract<BridgeToMaster, { type: "open" }>): void {
    if (!RUN_ID.test(id) || this.#context.runs.has(id)) {
      throw new ProtocolError(
        `cannot open the run ${JSON.stringify(id)}: its id is malformed or in use`,
      );
    }
    const facts = { id, key, bridge: this.#address! };
    const run = new ClusterRun(
      facts,
      this.#context,
      (text) => void this.#link.send({ type: "said", run: id, text }),
    );
    this.#context.runs.set(id, run);
    this.#runs.set(id, { run, begun: false });
    if (this.#stopping) run.end(howToEnd({ kind: "not-started" }));
  }

  async #try({ request, run: id, resources }: Extract<BridgeToMaster, { type: "try" }>) {
    try {
      const entry = this.#runs.get(id);
      if (entry === undefined) {
        throw new SpawnError("lost", "Cannot do the trial boot: the run has ended");
      }
      const tried = await entry.run.try(resources, this.#tellWait(request));
      void this.#link.send({ ...tried, request });
    } catch (error) {
      void this.#link.send(failedMessage(request, error));
    }
  }

  async #first(
    { request, run: id, name, resources }: Extract<BridgeToMaster, { type: "first" }>,
  ): Promise<void> {
    const entry = this.#runs.get(id);
    if (entry === undefined || entry.begun) {
      const why = entry === undefined ? "the run has ended" : "it was started before";
      const message = `Cannot start the first process: ${why}`;
      void this.#link.send({ type: "failed", request, reason: "lost", message });
      return;
    }
    entry.begun = true;
    try {
      const first = { ...FIRST, name, resources };
      const pid = await entry.run.spawn(first, { wait: true, onWait: this.#tellWait(request) });
      void this.#link.send({ type: "launched", request, pid });
    } catch (error) {
      void this.#link.send(failedMessage(request, error));
    }
    await this.#finish(id);
  }

  #tellWait(request: number): () => void {
    return () => void this.#link.send({ type: "waits", request });
  }

  #end(id: string, how: Termination): void {
    const entry = this.#runs.get(id);
    if (entry === undefined) return;
    entry.run.end(how);
    if (entry.begun) return;
    entry.begun = true;
    void this.#finish(id);
  }

  /** Reports the end of a run when it has ended. */
  async #finish(id: string): Promise<void> {
    const run = this.#runs.get(id)?.run;
    if (run === undefined) return;
    await run.idle();
    this.#runs.delete(id);
    this.#context.runs.delete(id);
    run.forget();
    void this.#link.send({ type: "over", run: id, processes: run.processes });
  }
}
