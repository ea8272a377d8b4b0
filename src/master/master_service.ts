/** The master of a cluster: its nodes, its bridges and its runs. */

import { type Address, hostOf, hostsOf, parseAddress } from "../core/address.ts";
import type { Logger } from "../core/logger.ts";
import type { Distribution, Metric } from "../core/metrics.ts";
import { type NodeReport, nodeState } from "../core/node_report.ts";
import { formatAddress } from "../core/pid.ts";
import { formatCpu, formatMem, type Resources } from "../core/resources.ts";
import type { Termination } from "../core/signals.ts";
import { startTimer } from "../core/timer.ts";
import {
  BRIDGE_TO_MASTER,
  type BridgeToMaster,
  type MasterToBridge,
} from "../wire/bridge_messages.ts";
import { pause, SYSTEM_CLOCK } from "../net/clock.ts";
import { LOCAL_NETWORK } from "../net/liveness.ts";
import { endOf, MessageLink } from "../net/message_link.ts";
import {
  JOIN_TO_MASTER,
  type JoinToMaster,
  type MasterToJoin,
  type NodeToMaster,
} from "../wire/node_messages.ts";
import { ProtocolError } from "../core/errors.ts";
import { DRAIN_TO_MASTER, type MasterToDrain, MAX_LEFT_RUNS } from "../wire/drain_messages.ts";
import { isCapacity, LARGEST, notCapacity } from "./capacity.ts";
import { BridgeSession } from "./bridge_session.ts";
import type { ClusterRun } from "./cluster_run.ts";
import { type DrainLink, DrainSession } from "./drain_session.ts";
import type { KnownNode } from "./known_node.ts";
import { type Adopted, type DialerContext, NodeDialer } from "./node_dialer.ts";
import { failed, NOT_AVOIDED, pauseOver, succeeded } from "./node_avoidance.ts";
import { nodeMetrics } from "./node_metrics.ts";
import { NodeReturns } from "./node_returns.ts";
import { NodeSession } from "./node_session.ts";
import { type NodeConnection, RemoteNode } from "./remote_node.ts";
import { Room } from "./room.ts";
import type { Transport } from "../net/transport.ts";

/** How long processes may take to end after their grace when the master ends. */
const STOP_MS = 1_000;

/** How many nodes the answer to a wrong name names. */
const MAX_NAMED_NODES = 16;

/** How long a bridge may take to say what it measures. */
const MEASURE_MS = 5_000;

/**
 * Dials its nodes until it is closed, and places the processes that bridges ask for on those that are
 * connected. It does not listen: its owner hands it the connections of bridges and of joining nodes.
 *
 * A request is `unsatisfiable` only if it is too large for every known node, including those that are
 * away. A node that has joined is removed when both its connection and its announcement have ended.
 */
export class MasterService {
  readonly #context: DialerContext;
  readonly #logger: Logger;
  readonly #room = new Room((node) => this.#tellDrains(node));
  readonly #known = new Map<string, KnownNode>();
  readonly #nodes = new Map<string, RemoteNode>();
  readonly #runs = new Map<string, ClusterRun>();
  readonly #bridges = new Set<BridgeSession>();
  readonly #links = new Set<{ drop(): void }>();
  #stopping = false;

  constructor(context: DialerContext) {
    this.#context = context;
    this.#logger = context.logger;
  }

  /**
   * Adds a node, and starts to dial it. Each may be added once.
   *
   * @param resources What it lends; `undefined`: what its machine has.
   */
  addNode(address: Address, resources: Readonly<Resources> | undefined): void {
    this.#know(address, resources, false);
  }

  /** Serves the connection of a bridge. */
  acceptBridge(conn: Transport, remote: string): void {
    const link = new MessageLink<MasterToBridge, BridgeToMaster>(conn, {
      schema: BRIDGE_TO_MASTER,
      liveness: this.#context.liveness,
    });
    if (this.#stopping) return link.drop();
    const session = new BridgeSession(link, {
      room: this.#room,
      nodes: this.#nodes,
      runs: this.#runs,
      logger: this.#logger,
      startTimer,
      report: () => this.#report(),
    });
    this.#bridges.add(session);
    this.#links.add(link);
    void session.serve().then(async () => {
      this.#bridges.delete(session);
      this.#links.delete(link);
      if (this.#stopping) return;
      const reason = await link.ended;
      this.#logger.info(`the bridge ${session.address ?? remote} is gone: ${reason.message}`);
    });
  }

  /** Serves the connection of a joining node. */
  acceptJoin(conn: Transport, remote: string): void {
    const link = new MessageLink<MasterToJoin, JoinToMaster>(conn, {
      schema: JOIN_TO_MASTER,
      liveness: this.#context.liveness,
    });
    if (this.#stopping) return link.drop();
    this.#links.add(link);
    void this.#serveJoin(link, remote).finally(() => this.#links.delete(link));
  }

  /** Serves the connection of somebody who drains a node. */
  acceptDrain(conn: Transport, remote: string): void {
    const link: DrainLink = new MessageLink(conn, {
      schema: DRAIN_TO_MASTER,
      liveness: this.#context.liveness,
    });
    if (this.#stopping) return link.drop();
    this.#links.add(link);
    void this.#serveDrain(link, remote).finally(() => this.#links.delete(link));
  }

  /**
   * Stops placing, and ends every run as `how` says; resolves when that is done or has taken too
   * long.
   */
  async endRuns(how: Termination): Promise<void> {
    this.#stopping = true;
    const over = [...this.#runs.values()].map((run) => run.idle());
    for (const bridge of this.#bridges) bridge.end({ kind: "cluster-ends", how });
    const deadline = new AbortController();
    await Promise.race([Promise.all(over), pause(how.graceMs + STOP_MS, deadline.signal)]);
    deadline.abort();
  }

  /** Closes all connections; the nodes end what they still host. */
  close(): void {
    this.#stopping = true;
    for (const { dialer, returns } of this.#known.values()) {
      dialer.stop();
      returns.close();
    }
    for (const link of this.#links) link.drop();
  }

  /** What it measures, and what its bridges do that answer in time. */
  async measure(): Promise<(Metric | Distribution)[]> {
    const deadline = new AbortController();
    const late = pause(MEASURE_MS, deadline.signal).then(() => undefined);
    const measured = await Promise.all(
      Array.from(
        this.#bridges,
        (bridge) => Promise.race([bridge.measure().catch(() => undefined), late]),
      ),
    );
    deadline.abort();
    const answered = measured.filter((metrics) => metrics !== undefined);
    return [
      ...nodeMetrics(this.#report()),
      ...this.#room.meter.metrics(),
      {
        ...{ name: "deploy_bridges", type: "gauge" },
        help: "Bridges that are connected and answer.",
        samples: [{ value: answered.length }],
      },
      ...answered.flat(),
    ];
  }

  /** What is known of each node. */
  #report(): NodeReport[] {
    const { heartbeatMs } = this.#context.liveness ?? LOCAL_NETWORK;
    const usage = this.#room.usage();
    return Array.from(this.#known, ([node, { dialer, closed, avoidance }]) => {
      const { capacity, inUse, count } = usage.get(node)!;
      const link = { ...dialer.linkState, closed, fault: avoidance.why };
      const { state, why } = nodeState(link, heartbeatMs);
      const isKnown = capacity.mem < LARGEST.mem;
      return { node, state, why, capacity: isKnown ? capacity : null, inUse, processes: count };
    });
  }

  async #serveDrain(link: DrainLink, remote: string): Promise<void> {
    let known: KnownNode | undefined;
    const session = new DrainSession(link, () => this.#left(known!));
    try {
      for await (const { node, by } of link.messages()) {
        if (known !== undefined) break;
        known = this.#known.get(node);
        if (known === undefined) {
          const names = [...this.#known.keys()].slice(0, MAX_NAMED_NODES).join(", ");
          // The other side closes the connection: if it were closed here, the answer could be lost.
          void link.send({ type: "refused", why: `there is no node ${node}; there are ${names}` });
          continue;
        }
        if (known.closed === undefined && known.dialer.connected) {
          known.closed = "draining";
          this.#room.closeNode(node);
          this.#logger.info(`${by} at ${remote} drained node ${node}: it takes no more`);
        }
        known.drains.add(session);
        void session.tell();
      }
    } finally {
      known?.drains.delete(session);
      link.drop();
    }
  }

  /** What is left on a node that is drained. */
  #left({ dialer: { name, connected, linkState } }: KnownNode): MasterToDrain {
    const node = this.#nodes.get(name);
    if (!connected || node === undefined) {
      const { why } = linkState;
      return { type: "refused", why: `node ${name} is away${why === "" ? "" : `: ${why}`}` };
    }
    const runs = new Set(node.processes().map(({ run }) => run));
    const processes = this.#room.usage().get(name)!.count;
    return { type: "left", processes, runs: [...runs].slice(0, MAX_LEFT_RUNS) };
  }

  #tellDrains(name: string): void {
    for (const session of this.#known.get(name)?.drains ?? []) void session.tell();
  }

  async #serveJoin(link: MessageLink<MasterToJoin, JoinToMaster>, remote: string): Promise<void> {
    let known: KnownNode | undefined;
    for await (const message of link.messages()) {
      if (known !== undefined) break;
      const answer = this.#admit(message);
      if (typeof answer === "string") {
        this.#logger.about(hostOf(remote), `refused a node that joins from ${remote}: ${answer}`);
        // The node closes the connection: if it were closed here, the answer could be lost.
        void link.send({ type: "refused", why: answer });
        continue;
      }
      known = answer;
      known.announcement?.drop();
      known.announcement = link;
      void link.send({ type: "joined" });
    }
    link.drop();
    if (known?.announcement !== link) return;
    known.announcement = undefined;
    this.#forgetIfGone(known);
  }

  /** Adds a joining node, or gives the reason for a refusal. */
  #admit({ address: text, resources }: JoinToMaster): KnownNode | string {
    const address = parseAddress(text);
    if (address === undefined || address.port === 0) {
      return `${JSON.stringify(text)} is not an address at which the node can be reached`;
    }
    if (!isCapacity(resources)) {
      return notCapacity(resources);
    }
    const name = formatAddress(address.host, address.port);
    const known = this.#known.get(name);
    if (known === undefined) {
      this.#logger.info(`node ${name} joins`);
      return this.#know(address, resources, true);
    }
    // A node that was listed at the start keeps the resources that were listed.
    if (known.joined) known.dialer.resources = resources;
    return known;
  }

  #know(address: Address, resources: Readonly<Resources> | undefined, joined: boolean): KnownNode {
    const dialer: NodeDialer = new NodeDialer(address, resources, this.#context, {
      there: (link, messages, adopted) => {
        if (adopted.fabric !== known.fabric) {
          known.fabric = adopted.fabric;
          known.closed = undefined;
          this.#room.openNode(dialer.name);
        }
        return this.#serveNode(known, link, messages, adopted);
      },
      absent: () => known.returns.giveUp(),
      gone: () => {
        this.#tellDrains(dialer.name);
        this.#forgetIfGone(known);
      },
    });
    const known: KnownNode = {
      ...{ dialer, joined, announcement: undefined },
      ...{ fabric: "", closed: undefined, drains: new Set() },
      ...{ avoidance: NOT_AVOIDED, endPause: () => {} },
      returns: new NodeReturns(
        this.#context.clock ?? SYSTEM_CLOCK,
        (this.#context.liveness ?? LOCAL_NETWORK).reconnectMs,
      ),
    };
    this.#known.set(dialer.name, known);
    // As long as nobody knows what it has, nothing is too large for it.
    this.#room.expectNode(dialer.name, resources ?? LARGEST);
    return known;
  }

  #forgetIfGone(known: KnownNode): void {
    const { dialer, joined, announcement } = known;
    if (!joined || announcement !== undefined || dialer.connected) return;
    if (this.#known.get(dialer.name) !== known) return;
    this.#known.delete(dialer.name);
    dialer.stop();
    known.returns.close();
    this.#room.removeNode(dialer.name);
  }

  async #serveNode(
    known: KnownNode,
    link: NodeConnection,
    messages: AsyncGenerator<NodeToMaster>,
    { resources, fabric, session: id }: Adopted,
  ): Promise<void> {
    const { name } = known.dialer;
    const node = new RemoteNode(name, id, link, {
      failed: (why, ofProgram) => this.#avoid(known, why, ofProgram),
      succeeded: () => known.avoidance = succeeded(known.avoidance),
      otherHosts: () => hostsOf(this.#known.keys().filter((each) => each !== name)),
    });
    const session = new NodeSession(node, link, this.#runs, () => {
      known.closed = "leaving";
      this.#room.closeNode(name);
    });
    this.#nodes.set(name, node);
    known.returns.there(fabric, node);
    this.#logger.info(
      `node ${name} is there, with ${formatMem(resources.mem)} and ${formatCpu(resources.cpu)}`,
    );
    this.#room.addNode(name, resources);
    try {
      await session.serve(messages);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#logger.about(name, `node ${name} was dropped: ${error.message}`);
      link.drop();
    } finally {
      session.end();
    }
    const why = endOf(`node ${name}`, await link.ended);
    known.endPause();
    known.avoidance = NOT_AVOIDED;
    this.#lose(node, why, () => known.returns.next(fabric));
  }

  /** A node could not do what it was asked for: others are preferred to it for a while. */
  #avoid(known: KnownNode, why: string, ofProgram: boolean): void {
    const { dialer: { name } } = known;
    const { avoidance, pauseMs } = failed(known.avoidance, why, ofProgram);
    known.avoidance = avoidance;
    if (pauseMs === null) return;
    this.#room.avoidNode(name);
    this.#logger.warn(
      `node ${name} cannot start ${
        ofProgram ? "a program" : "processes"
      }: ${why}; avoiding it for ${pauseMs / 1_000} s`,
    );
    known.endPause = (this.#context.clock ?? SYSTEM_CLOCK).after(pauseMs, () => {
      known.avoidance = pauseOver(known.avoidance);
      this.#logger.info(`node ${name} is no longer avoided`);
      this.#room.preferNode(name);
    });
  }

  /** A node is lost. The bridges are told of its processes before the loss has other effects. */
  #lose(node: RemoteNode, why: string, returns: () => Promise<RemoteNode | undefined>): void {
    this.#nodes.delete(node.name);
    this.#room.loseNode(node.name);
    let count = 0;
    for (const process of node.processes()) {
      count++;
      for (const bridge of this.#bridges) {
        if (bridge.has(process.run)) bridge.tellLost(process, why);
      }
    }
    for (const bridge of this.#bridges) bridge.tellNodeGone(node, why);
    node.lose(why, returns);
    if (this.#stopping) return;
    const lost = count === 0
      ? ""
      : `; ${count} of its processes ${count === 1 ? "is" : "are"} lost`;
    this.#logger.warn(`${why}${lost}`);
  }
}
