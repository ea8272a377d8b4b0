/**
 * The arguments of spawns that a node's processes have asked for, and that are not answered yet.
 *
 * An argument may be 256 MiB. A large one does not go along with its spawn, past the master, on links that
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

type Bytes = Uint8Array<ArrayBuffer>;

/** Arguments up to this size go along with their spawns: that costs less than to fetch them. */
export const MAX_CARRIED_BYTES = 4 * 1024;

/** A request is no larger than that. */
const MAX_REQUEST_BYTES = 1024;

/** An argument that is held until that is not needed any more. */
export interface Holding {
  readonly arg: HeldArg;
  release(): void;
}

export class HeldArgs {
  readonly #node: string;
  readonly #liveness: LivenessOptions | undefined;
  readonly #args = new Map<string, Bytes>();

  /** `node` is the address of the node, where others reach it. */
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

  /** An argument that this node holds itself; `undefined` if it is another one's, or was released. */
  find({ node, id }: HeldArg): Bytes | undefined {
    return node === this.#node ? this.#args.get(id) : undefined;
  }

  /** Gives another node the argument that it asks for, and resolves when it has closed the connection. */
  async serve(conn: Deno.Conn): Promise<void> {
    const options: MessageLinkOptions<FetchToNode> = {
      schema: FETCH_TO_NODE,
      liveness: this.#liveness,
      maxBytes: MAX_REQUEST_BYTES,
    };
    const link = new MessageLink<NodeToFetch, FetchToNode>(conn, options);
    let asked = false;
    for await (const { id } of link.messages()) {
      // It is read on, so that the end of the other side is noticed.
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
