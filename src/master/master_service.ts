/** The master of a cluster: its nodes, its bridges and its runs. */

import { type Address, parseAddress } from "../core/address.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import { formatCpu, formatMem, type Resources } from "../core/resources.ts";
import type { Termination } from "../core/signals.ts";
import { startTimer } from "../core/timer.ts";
import {
  BRIDGE_TO_MASTER,
  type BridgeToMaster,
  type MasterToBridge,
} from "../wire/bridge_messages.ts";
import { pause } from "../net/clock.ts";
import { endOf, MessageLink } from "../net/message_link.ts";
import { JOIN_TO_MASTER, type JoinToMaster, type MasterToJoin } from "../wire/node_messages.ts";
import type { NodeToMaster } from "../wire/node_messages.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { isCapacity, LARGEST, notCapacity } from "./capacity.ts";
import { BridgeSession } from "./bridge_session.ts";
import type { ClusterRun } from "./cluster_run.ts";
import { type DialerContext, NodeDialer } from "./node_dialer.ts";
import { NodeSession } from "./node_session.ts";
import { type NodeConnection, RemoteNode } from "./remote_node.ts";
import { Room } from "./room.ts";

/** How long processes may take to end after their grace when the master ends. */
const STOP_MS = 1_000;

/** A node known to this master. */
interface Known {
  readonly dialer: NodeDialer;
  /** Whether it has joined; otherwise it was listed at the start, and is never removed. */
  readonly joined: boolean;
  /** The connection on which it announced itself, while that is open. */
  announcement: { drop(): void } | undefined;
}

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
  readonly #room = new Room();
  readonly #known = new Map<string, Known>();
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
  acceptBridge(conn: Deno.Conn, remote: string): void {
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
  acceptJoin(conn: Deno.Conn, remote: string): void {
    const link = new MessageLink<MasterToJoin, JoinToMaster>(conn, {
      schema: JOIN_TO_MASTER,
      liveness: this.#context.liveness,
    });
    if (this.#stopping) return link.drop();
    this.#links.add(link);
    void this.#serveJoin(link, remote).finally(() => this.#links.delete(link));
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
    for (const { dialer } of this.#known.values()) dialer.stop();
    for (const link of this.#links) link.drop();
  }

  async #serveJoin(link: MessageLink<MasterToJoin, JoinToMaster>, remote: string): Promise<void> {
    let known: Known | undefined;
    for await (const message of link.messages()) {
      if (known !== undefined) break;
      const answer = this.#admit(message);
      if (typeof answer === "string") {
        this.#logger.warn(`refused a node that joins from ${remote}: ${answer}`);
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
  #admit({ address: text, resources }: JoinToMaster): Known | string {
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

  #know(address: Address, resources: Readonly<Resources> | undefined, joined: boolean): Known {
    const dialer: NodeDialer = new NodeDialer(address, resources, this.#context, {
      there: (link, messages, lent) => this.#serveNode(dialer, link, messages, lent),
      gone: () => this.#forgetIfGone(known),
    });
    const known: Known = { dialer, joined, announcement: undefined };
    this.#known.set(dialer.name, known);
    // As long as nobody knows what it has, nothing is too large for it.
    this.#room.expectNode(dialer.name, resources ?? LARGEST);
    return known;
  }

  #forgetIfGone(known: Known): void {
    const { dialer, joined, announcement } = known;
    if (!joined || announcement !== undefined || dialer.connected) return;
    if (this.#known.get(dialer.name) !== known) return;
    this.#known.delete(dialer.name);
    dialer.stop();
    this.#room.removeNode(dialer.name);
  }

  async #serveNode(
    dialer: NodeDialer,
    link: NodeConnection,
    messages: AsyncGenerator<NodeToMaster>,
    resources: Readonly<Resources>,
  ): Promise<void> {
    const { name } = dialer;
    const node = new RemoteNode(name, link);
    const session = new NodeSession(node, link, this.#runs, () => this.#room.loseNode(name));
    this.#nodes.set(name, node);
    this.#logger.info(
      `node ${name} is there, with ${formatMem(resources.mem)} and ${formatCpu(resources.cpu)}`,
    );
    this.#room.addNode(name, resources);
    try {
      await session.serve(messages);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#logger.warn(`node ${name} was dropped: ${error.message}`);
      link.drop();
    } finally {
      session.end();
    }
    this.#lose(node, endOf(`node ${name}`, await link.ended));
  }

  /** A node is lost. The bridges are told of its processes before the loss has other effects. */
  #lose(node: RemoteNode, why: string): void {
    this.#nodes.delete(node.name);
    this.#room.loseNode(node.name);
    let count = 0;
    for (const process of node.processes()) {
      count++;
      for (const bridge of this.#bridges) {
        if (bridge.has(process.run)) bridge.tellLost(process, why);
      }
    }
    node.lose(why);
    if (this.#stopping) return;
    const lost = count === 0
      ? ""
      : `; ${count} of its processes ${count === 1 ? "is" : "are"} lost`;
    this.#logger.warn(`${why}${lost}`);
  }
}
