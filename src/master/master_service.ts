/** The master of a cluster: its nodes, its bridges, and the runs that they have in common. */

import { type Address, parseAddress } from "../core/address.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import { formatMem, type Resources } from "../core/resources.ts";
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
import { BridgeSession } from "./bridge_session.ts";
import type { ClusterRun } from "./cluster_run.ts";
import { type DialerContext, NodeDialer } from "./node_dialer.ts";
import { NodeSession } from "./node_session.ts";
import { type NodeConnection, RemoteNode } from "./remote_node.ts";
import { Room } from "./room.ts";

/** After their grace, the processes of all runs may take so long to end when the master does. */
const STOP_MS = 1_000;

/** A node that this master knows. */
interface Known {
  readonly dialer: NodeDialer;
  /** Whether it has joined; otherwise it was listed at the start, and is never forgotten. */
  readonly joined: boolean;
  /** The connection on which it announced itself, while there is one. */
  announcement: { drop(): void } | undefined;
}

/**
 * Dials the nodes that it is told of, for ever, and places on those that are there what the bridges ask
 * for. It accepts nothing itself: whoever listens hands it connections of bridges and of nodes that join.
 *
 * What is too large for every node is refused as such only if it is too large for those that are away,
 * too. A node that has joined is forgotten when both it and its announcement are gone.
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

  /** Makes a node known, which is dialled from now on. Each may be made known once. */
  addNode(address: Address, resources: Readonly<Resources>): void {
    this.#know(address, resources, false);
  }

  /** Takes the connection of a bridge. */
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

  /** Takes the connection of a node that joins. */
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
   * Places nothing any more, and ends every run as `how` says; resolves when that is done, or takes too
   * long.
   */
  async endRuns(how: Termination): Promise<void> {
    this.#stopping = true;
    const over = [...this.#runs.values()].map((run) => run.idle());
    for (const bridge of this.#bridges) bridge.stop(how);
    const deadline = new AbortController();
    await Promise.race([Promise.all(over), pause(how.graceMs + STOP_MS, deadline.signal)]);
    deadline.abort();
  }

  /** Lets everybody go: nodes end what they still host. */
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
        // It closes the connection: closed here, the answer could be lost on its way.
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

  /** The node that joins, known from now on; or why it cannot be. */
  #admit({ address: text, resources }: JoinToMaster): Known | string {
    const address = parseAddress(text);
    if (address === undefined || address.port === 0) {
      return `${JSON.stringify(text)} is not an address at which the node can be reached`;
    }
    if (!isCapacity(resources)) {
      return `a node cannot have ${resources.mem} bytes and ${resources.cpu} cores`;
    }
    const name = formatAddress(address.host, address.port);
    const known = this.#known.get(name);
    if (known === undefined) {
      this.#logger.info(`node ${name} joins`);
      return this.#know(address, resources, true);
    }
    // What was listed at the start counts as it was listed.
    if (known.joined) known.dialer.resources = resources;
    return known;
  }

  #know(address: Address, resources: Readonly<Resources>, joined: boolean): Known {
    const dialer: NodeDialer = new NodeDialer(address, resources, this.#context, {
      there: (link, messages) => this.#serveNode(dialer, link, messages),
      gone: () => this.#forgetIfGone(known),
    });
    const known: Known = { dialer, joined, announcement: undefined };
    this.#known.set(dialer.name, known);
    this.#room.expectNode(dialer.name, resources);
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
  ): Promise<void> {
    const { name, resources } = dialer;
    const node = new RemoteNode(name, link);
    const session = new NodeSession(node, link, this.#runs, () => this.#room.loseNode(name));
    this.#nodes.set(name, node);
    this.#logger.info(
      `node ${name} is there, with ${formatMem(resources.mem)} and ` +
        `${Number(resources.cpu.toPrecision(4))} cores`,
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

  /** A node is gone. Those who are to know of its processes are told before anybody acts on it. */
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

/** Whether it is more than nothing, and not too much to be counted. */
function isCapacity({ mem, cpu }: Resources): boolean {
  const most = Number.MAX_SAFE_INTEGER / 1e6;
  return mem >= 1 && mem <= Number.MAX_SAFE_INTEGER && cpu > 0 && cpu <= most;
}
