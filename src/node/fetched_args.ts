/** Fetches the arguments of processes that a node is to start. */

import { parseAddress } from "../core/address.ts";
import { messageOf, ProtocolError, SpawnError } from "../core/errors.ts";
import { MiB } from "../core/resources.ts";
import type { CarriedArg, HeldArg } from "../core/roles.ts";
import { dialPart, PATIENT_HANDSHAKE_MS } from "../net/connect.ts";
import type { Credential } from "../net/credential.ts";
import { Purpose } from "../net/protocol.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { MessageLink } from "../net/message_link.ts";
import {
  ARG_PIECE_BYTES,
  type FetchToNode,
  NODE_TO_FETCH,
  type NodeToFetch,
} from "../wire/arg_messages.ts";
import { MAX_MESSAGE_BYTES } from "../wire/message.ts";
import type { HeldArgs } from "./held_args.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The overhead of a message around its piece. */
const AROUND_BYTES = 1024;

/** The memory limit for fetched arguments of one run at a time, except for a single larger one. */
const MAX_FETCHED_BYTES = 256 * MiB;

/** How arguments are fetched. */
export interface FetchOptions {
  /** The arguments that the node itself holds. */
  readonly held: HeldArgs;
  readonly credential: Credential;
  readonly liveness?: LivenessOptions | undefined;
  /** Aborts fetches in progress. */
  readonly signal: AbortSignal;
}

/** The arguments of one run. */
export class FetchedArgs {
  readonly #options: FetchOptions;
  #bytes = 0;
  readonly #waiting: { readonly size: number; readonly enter: () => void }[] = [];

  constructor(options: FetchOptions) {
    this.#options = options;
  }

  /**
   * Gets an argument, and passes it to `use`. It counts as held until the promise of `use` is settled; if
   * too much is held, others wait in the order in which they came.
   *
   * @throws {SpawnError} `lost`, if it cannot be fetched.
   */
  async use<Result>(arg: CarriedArg, use: (bytes: Bytes) => Promise<Result>): Promise<Result> {
    if (arg instanceof Uint8Array) return await use(arg);
    const here = this.#options.held.find(arg);
    if (here !== undefined) return await use(here);
    await this.#enter(arg.size);
    try {
      return await use(await this.#fetch(arg));
    } finally {
      this.#leave(arg.size);
    }
  }

  #enter(size: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ size, enter: resolve });
      this.#admit();
    });
  }

  #leave(size: number): void {
    this.#bytes -= size;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#bytes > 0 && this.#bytes + next.size > MAX_FETCHED_BYTES) return;
      this.#waiting.shift();
      this.#bytes += next.size;
      next.enter();
    }
  }

  async #fetch(arg: HeldArg): Promise<Bytes> {
    try {
      return await fetchArg(arg, this.#options);
    } catch (cause) {
      const why = `Cannot fetch its argument from node ${arg.node}: ${messageOf(cause)}`;
      throw new SpawnError("lost", why, { cause });
    }
  }
}

/**
 * Fetches an argument from the node that holds it.
 *
 * @throws {ConnectError} If the node cannot be reached.
 * @throws {Error} If the node no longer has the argument, or the connection ends.
 */
async function fetchArg(
  { node, id, size }: HeldArg,
  { credential, liveness, signal }: Omit<FetchOptions, "held">,
): Promise<Bytes> {
  if (size > MAX_MESSAGE_BYTES) {
    throw new ProtocolError(`it is ${size} bytes long; at most ${MAX_MESSAGE_BYTES} are allowed`);
  }
  const address = parseAddress(node);
  if (address === undefined) throw new ProtocolError(`"${node}" is not a valid node address`);
  const patient = { signal, handshakeMs: PATIENT_HANDSHAKE_MS };
  const conn = await dialPart(address, Purpose.arg, credential, patient);
  const link = new MessageLink<FetchToNode, NodeToFetch>(conn, {
    schema: NODE_TO_FETCH,
    liveness,
    maxBytes: ARG_PIECE_BYTES + AROUND_BYTES,
  });
  const stop = (): void => link.drop();
  signal.addEventListener("abort", stop);
  try {
    void link.send({ type: "fetch", id });
    const arg = new Uint8Array(size);
    let at = 0;
    for await (const message of link.messages()) {
      if (message.type === "gone") throw new Error("the node no longer has it");
      const { bytes } = message;
      if (bytes.length === 0 || bytes.length > size - at) {
        throw new ProtocolError(`what the node sent is not ${size} bytes long`);
      }
      arg.set(bytes, at);
      at += bytes.length;
      if (at === size) return arg;
    }
    signal.throwIfAborted();
    throw await link.ended;
  } finally {
    signal.removeEventListener("abort", stop);
    link.drop();
  }
}
