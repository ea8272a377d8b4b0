/** The bridge's end of the link to a node that hosts processes of a run: it outlives its connections. */

import { messageOf, ProtocolError } from "../core/errors.ts";
import type { Clock } from "../net/clock.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { LinkError, type MessageLink, type Received } from "../net/message_link.ts";
import { ResumableLink } from "../net/resumable_link.ts";
import type { Store } from "../store/store.ts";
import type { AckMessage, BridgeToNode, NodeToBridge } from "../wire/run_messages.ts";

/** One connection of a node. */
export type HostConnection = MessageLink<BridgeToNode, NodeToBridge>;

/** A message of a node that counts. */
export type HostMessage = Received<Exclude<NodeToBridge, AckMessage>>;

/** When the bridge gives up a node that does not connect again. */
export interface HostLinkOptions {
  readonly liveness: LivenessOptions;
  readonly clock: Clock;
}

export class HostLink {
  /** The node's address. */
  readonly node: string;
  readonly #options: HostLinkOptions;
  readonly #link = new ResumableLink<BridgeToNode, NodeToBridge>((reason) => {
    this.#broke(reason);
  });
  /** Resolves when the pieces that were requested so far are sent. Never rejects. */
  #pieces: Promise<void> = Promise.resolve();
  /** Cancels the end of the wait for another connection. */
  #cancel = () => {};
  /** Why the node will not connect again, if that is known. */
  #gone: LinkError | undefined;

  constructor(node: string, options: HostLinkOptions) {
    this.node = node;
    this.#options = options;
  }

  /** Whether there is a connection now. */
  get connected(): boolean {
    return this.#link.connection !== undefined;
  }

  /** Resolves with the reason when the link has ended for good. */
  get ended(): Promise<LinkError | ProtocolError> {
    return this.#link.ended;
  }

  /**
   * Continues on a connection, on which the node has said that it has taken so many messages. `messages` are
   * the rest of what comes on it.
   *
   * @throws {ProtocolError} If the number is impossible.
   */
  attach(
    connection: HostConnection,
    messages: AsyncIterable<Received<NodeToBridge>>,
    taken: number,
  ): void {
    this.#cancel();
    void connection.send({ type: "hosted", taken: this.#link.taken });
    this.#link.attach(connection, messages, taken);
  }

  /** Sends a message, now or once the node is connected again. Resolves when another one may be sent. */
  send(message: Exclude<BridgeToNode, AckMessage>): Promise<void> {
    return this.#link.send(message);
  }

  /**
   * Sends pieces, after those requested before; returns before they are sent. A piece that the store does not
   * have ends the link.
   */
  sendPieces(hashes: readonly string[], store: Pick<Store, "readPiece">): void {
    const before = this.#pieces;
    this.#pieces = (async () => {
      await before;
      for (const hash of hashes) {
        if (this.#link.over) return;
        const bytes = await store.readPiece(hash);
        if (bytes === undefined) {
          return this.end(
            new ProtocolError("it asked for a piece that the run does not have"),
          );
        }
        await this.send({ type: "piece", hash, bytes });
      }
    })().catch((error) => this.end(new LinkError(messageOf(error), { cause: error })));
  }

  /** The messages of the node, until the link ends. */
  received(): AsyncIterable<HostMessage> {
    return this.#link.received();
  }

  /** Acknowledges everything, after which the node closes the connection; resolves when it has, or is late. */
  async finish(): Promise<void> {
    const { connection } = this.#link;
    const { liveness, clock } = this.#options;
    this.#link.acknowledge();
    this.#cancel();
    this.#cancel = clock.after(liveness.silenceMs, () => {
      this.end(new LinkError("it did not close the connection"));
    });
    await connection?.ended;
    this.end(new LinkError("it is done"));
  }

  /** The node will not connect again: the link ends with its connection, or soon. */
  giveUp(why: string): void {
    this.#gone = new LinkError(why);
    if (!this.connected) return this.end(this.#gone);
    const { liveness, clock } = this.#options;
    this.#cancel();
    this.#cancel = clock.after(liveness.newsMs, () => this.end(this.#gone!));
  }

  /** Ends the link at once. */
  end(reason: LinkError | ProtocolError): void {
    this.#cancel();
    this.#link.end(reason);
  }

  /** A connection has ended: waits for another one. */
  #broke(reason: LinkError | ProtocolError): void {
    if (reason instanceof ProtocolError) return this.end(reason);
    if (this.#gone !== undefined) return this.end(this.#gone);
    const { liveness: { returnMs }, clock } = this.#options;
    this.#cancel();
    this.#cancel = clock.after(returnMs, () => {
      const why = `it did not connect again within ${returnMs / 1_000} s: ${reason.message}`;
      this.end(new LinkError(why, { cause: reason }));
    });
  }
}

/** Tells a node that the run is not known, or not any more; resolves when it has closed the connection. */
export async function refuseHost(
  connection: HostConnection,
  messages: AsyncGenerator<unknown>,
): Promise<void> {
  void connection.send({ type: "unknown" });
  // Closed here, the answer could be lost on its way.
  while (!(await messages.next()).done);
  connection.drop();
}
