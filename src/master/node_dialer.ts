/** Keeps a master connected to one node. */

import type { Address } from "../core/address.ts";
import type { NodeLinkState } from "../core/node_report.ts";
import { formatAddress, randomId } from "../core/pid.ts";
import type { Logger } from "../core/logger.ts";
import type { Resources } from "../core/resources.ts";
import { type Clock, pause, SYSTEM_CLOCK } from "../net/clock.ts";
import { ConnectError, dialPart } from "../net/connect.ts";
import type { Credential } from "../net/credential.ts";
import { Purpose } from "../net/protocol.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { LinkError, MessageLink } from "../net/message_link.ts";
import { type MasterToNode, NODE_TO_MASTER, type NodeToMaster } from "../wire/node_messages.ts";
import { ProtocolError } from "../core/errors.ts";
import { isCapacity, notCapacity } from "./capacity.ts";
import type { NodeConnection } from "./remote_node.ts";

/** The delay between attempts: the first value, then doubled up to the second. */
const FIRST_REDIAL_MS = 50;
const MAX_REDIAL_MS = 1_000;

/** How often a node that is still missing is reported. */
const STILL_MISSING_MS = 60_000;

/** How a master authenticates and connects to its nodes. */
export interface DialerContext {
  readonly credential: Credential;
  /** @default LOCAL_NETWORK */
  readonly liveness?: LivenessOptions;
  /** @default SYSTEM_CLOCK */
  readonly clock?: Clock;
  readonly logger: Logger;
}

/** What a master and a node have told each other at the start of a connection. */
export interface Adopted {
  /** What the node lends. */
  readonly resources: Readonly<Resources>;
  /** The same as before if the node is still the same OS process. */
  readonly fabric: string;
  /** The id of the connection. */
  readonly session: string;
}

/** Takes the connections that are made. */
export interface DialerEvents {
  /** The node is connected, and this master's, until the returned promise resolves. */
  there(
    link: NodeConnection,
    messages: AsyncGenerator<NodeToMaster>,
    adopted: Adopted,
  ): Promise<void>;
  /** It cannot be reached, since nothing listens at its address: the node that was there has ended. */
  absent(): void;
  /** The connection has ended, and the node is dialled again. */
  gone(): void;
}

/** Dials a node until it answers, and again when the connection ends. */
export class NodeDialer {
  readonly address: Address;
  /** The address as text, which is the node's name. */
  readonly name: string;
  /**
   * The node's resources; a change takes effect with the next connection. `undefined`: those of its
   * machine, as the node says.
   */
  resources: Readonly<Resources> | undefined;
  readonly #context: DialerContext;
  readonly #events: DialerEvents;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  #link: NodeConnection | undefined;
  #said: { why: string; atMs: number } | undefined;
  /** Why there is no connection, and whether that is because nothing came. */
  #missing = { why: "", wasSilent: false };

  constructor(
    address: Address,
    resources: Readonly<Resources> | undefined,
    context: DialerContext,
    events: DialerEvents,
  ) {
    this.address = address;
    this.name = formatAddress(address.host, address.port);
    this.resources = resources;
    this.#context = context;
    this.#clock = context.clock ?? SYSTEM_CLOCK;
    this.#events = events;
    void this.#run();
  }

  /** Whether the node is connected. */
  get connected(): boolean {
    return this.#link !== undefined;
  }

  /** The state of the connection. */
  get linkState(): Omit<NodeLinkState, "closed" | "fault"> {
    const silentMs = this.#link?.silentMs ?? 0;
    return { connected: this.connected, silentMs, ...this.#missing };
  }

  /** Stops dialling, and closes the connection if there is one. */
  stop(): void {
    this.#stopping.abort();
    this.#link?.drop();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let pauseMs = FIRST_REDIAL_MS;
    while (!signal.aborted) {
      try {
        await this.#connect();
        pauseMs = FIRST_REDIAL_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ConnectError) {
          this.#say(error.why, error.isSilence);
          if (error.cause instanceof Deno.errors.ConnectionRefused) this.#events.absent();
        } else if (error instanceof ProtocolError) this.#say(error.message, false);
        else throw error;
      }
      await pause(pauseMs, signal, this.#clock);
      pauseMs = Math.min(2 * pauseMs, MAX_REDIAL_MS);
    }
  }

  /** Connects, and resolves when the connection ends. @throws {ConnectError} */
  async #connect(): Promise<void> {
    const { credential, liveness } = this.#context;
    const { signal } = this.#stopping;
    const conn = await dialPart(this.address, Purpose.node, credential, { signal });
    const link = new MessageLink<MasterToNode, NodeToMaster>(conn, {
      schema: NODE_TO_MASTER,
      liveness,
      clock: this.#clock,
    });
    try {
      const given = this.resources;
      const session = randomId();
      void link.send({ type: "adopt", address: this.name, resources: given ?? null, session });
      const messages = link.messages();
      const { value: answer } = await messages.next();
      const what = `node ${this.name}`;
      if (answer === undefined) throw new ConnectError(what, (await link.ended).message);
      if (answer.type === "refused") throw new ConnectError(what, answer.why);
      if (answer.type !== "adopted") throw new ProtocolError(`"${answer.type}" before "adopted"`);
      const lent = given ?? answer.resources;
      if (!isCapacity(lent)) throw new ProtocolError(notCapacity(lent));
      if (signal.aborted) return;
      this.#said = undefined;
      this.#link = link;
      const { fabric } = answer;
      await this.#events.there(link, messages, { resources: lent, fabric, session });
      const reason = await link.ended;
      const wasSilent = reason instanceof LinkError && reason.isSilence;
      this.#missing = { why: reason.message, wasSilent };
    } finally {
      link.drop();
      const wasThere = this.#link !== undefined;
      this.#link = undefined;
      if (wasThere) this.#events.gone();
    }
  }

  /** Reports that the node is missing: when the reason changes, and once a minute. */
  #say(why: string, wasSilent: boolean): void {
    this.#missing = { why, wasSilent };
    const atMs = this.#clock.now();
    const said = this.#said;
    if (said?.why === why && atMs - said.atMs < STILL_MISSING_MS) return;
    this.#said = { why, atMs };
    this.#context.logger.warn(
      `${said?.why === why ? "still waiting" : "waiting"} for node ${this.name}: ${why}`,
    );
  }
}
