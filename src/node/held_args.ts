/**
 * The arguments of spawns that a node's processes have requested and that are unanswered.
 *
 * An argument may be 256 MiB. A large one is not sent with its spawn, through the master, on links that
 * also carry heartbeats: it stays here, and the node that hosts the new process fetches it.
 */

import { randomId } from "../core/pid.ts";
import type { HeldArg } from "../core/roles.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { MessageLink } from "../net/message_link.ts";
import {
  ARG_PIECE_BYTES,
  FETCH_TO_NODE,
  type FetchToNode,
  type NodeToFetch,
} from "../wire/arg_messages.ts";
import type { MessageLinkOptions } from "../net/message_link.ts";
import type { Transport } from "../net/transport.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Arguments up to this size are sent with their spawns, which costs less than fetching them. */
export const MAX_CARRIED_BYTES = 4 * 1024;

/** The size limit of a request. */
const MAX_REQUEST_BYTES = 1024;

/** An argument that is held until it is released. */
export interface Holding {
  readonly arg: HeldArg;
  release(): void;
}

export class HeldArgs {
  readonly #node: string;
  readonly #liveness: LivenessOptions | undefined;
  readonly #args = new Map<string, Bytes>();

  /** `node` is the address at which other nodes reach this one. */
  constructor(node: string, liveness?: LivenessOptions) {
    this.#node = node;
    this.#liveness = liveness;
  }

  /** How many there are. */
  get size(): number {
    return this.#args.size;
  }

  /** Holds an argument until it is released. */
  hold(bytes: Bytes): Holding {
    const id = randomId();
    this.#args.set(id, bytes);
    return {
      arg: { node: this.#node, id, size: bytes.length },
      release: () => void this.#args.delete(id),
    };
  }

  /** An argument that this node holds; `undefined` if another node holds it, or it was released. */
  find({ node, id }: HeldArg): Bytes | undefined {
    return node === this.#node ? this.#args.get(id) : undefined;
  }

  /** Sends another node the argument that it requests, and resolves when it has closed the connection. */
  async serve(conn: Transport): Promise<void> {
    const options: MessageLinkOptions<FetchToNode> = {
      schema: FETCH_TO_NODE,
      liveness: this.#liveness,
      maxBytes: MAX_REQUEST_BYTES,
    };
    const link = new MessageLink<NodeToFetch, FetchToNode>(conn, options);
    let asked = false;
    for await (const { id } of link.messages()) {
      // Keeps reading, so that the end of the other side is noticed.
      if (asked) return link.drop();
      asked = true;
      void this.#send(link, this.#args.get(id));
    }
  }

  async #send(link: MessageLink<NodeToFetch, FetchToNode>, arg: Bytes | undefined): Promise<void> {
    if (arg === undefined) return void link.send({ type: "gone" });
    for (let at = 0; at < arg.length && !link.over; at += ARG_PIECE_BYTES) {
      await link.send({ type: "arg", bytes: arg.subarray(at, at + ARG_PIECE_BYTES) });
    }
  }
}
