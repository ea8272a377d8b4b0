/** A node's connection to the bridge of a run that it hosts: pieces and stdin in, events out. */

import { parseAddress } from "../core/address.ts";
import type { RunEvent } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";
import type { WaitState } from "../core/waits.ts";
import type { FetchPieces, PutPiece } from "../store/store.ts";
import { type DialOptions, dialPart } from "../net/connect.ts";
import { type Credential, Purpose } from "../net/handshake.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import { MessageLink } from "../net/message_link.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import {
  BRIDGE_TO_NODE,
  type BridgeToNode,
  MAX_PIECES,
  MAX_WAITING,
  type NodeToBridge,
} from "../wire/run_messages.ts";
import { MAX_SPEC_BYTES } from "../wire/run_spec.ts";
import { startTimer } from "../core/timer.ts";
import { StdinFeed } from "../host/stdin_feed.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The largest message of a bridge: the run spec and its overhead. */
const MAX_BYTES = MAX_SPEC_BYTES + 1024;

/** How to reach the bridge of a run. */
export interface RunLinkOptions {
  /** Its address. */
  readonly bridge: string;
  readonly run: string;
  /** The node's own address. */
  readonly node: string;
  readonly credential: Credential;
  readonly tls?: DialOptions["tls"];
  /** @default LOCAL_NETWORK */
  readonly liveness?: LivenessOptions | undefined;
  readonly signal: AbortSignal;
}

/** A requested piece. */
interface Expected {
  readonly hash: string;
  readonly take: (bytes: Bytes) => Promise<void>;
  readonly fail: (error: Error) => void;
}

export class RunLink {
  /** Resolves with the reason, for a person, when the connection has ended. */
  readonly ended: Promise<Error>;
  /** The first process's stdin. */
  readonly stdin: StdinFeed;
  readonly #link: MessageLink<NodeToBridge, BridgeToNode>;
  readonly #spec = Promise.withResolvers<Bytes>();
  #hasSpec = false;
  /** In the order of arrival. */
  readonly #expected: Expected[] = [];

  private constructor(conn: Deno.Conn, liveness: LivenessOptions | undefined) {
    this.#link = new MessageLink<NodeToBridge, BridgeToNode>(conn, {
      schema: BRIDGE_TO_NODE,
      liveness,
      maxBytes: MAX_BYTES,
    });
    this.stdin = new StdinFeed({
      taken: (bytes) => void this.#link.send({ type: "stdin-taken", bytes }),
      wanted: (always) => void this.#link.send({ type: "stdin-wanted", always }),
      startTimer,
    });
    this.#spec.promise.catch(() => {}); // the caller of spec() gets the error
    this.ended = this.#serve();
  }

  /** Finds out what the processes of the run here wait for; set once there can be any. */
  waits: () => Promise<ReadonlyMap<Pid, WaitState>> = () => Promise.resolve(new Map());

  /** Resolves with the encoded `RunSpec`. Rejects if the connection ends first. */
  get spec(): Promise<Bytes> {
    return this.#spec.promise;
  }

  /** @throws {ConnectError} If the bridge cannot be reached. */
  static async open(options: RunLinkOptions): Promise<RunLink> {
    const { bridge, run, node, credential, tls, liveness, signal } = options;
    const address = parseAddress(bridge);
    if (address === undefined) throw new ProtocolError(`"${bridge}" is not a valid bridge address`);
    const conn = await dialPart(address, Purpose.run, credential, { tls, signal });
    const link = new RunLink(conn, liveness);
    void link.#link.send({ type: "host", run, node });
    return link;
  }

  /** Requests pieces. */
  readonly fetch: FetchPieces = async (missing, put) => {
    if (this.#link.over) throw await this.ended;
    const arrivals = missing.map((hash) => this.#expect(hash, put));
    for (let start = 0; start < missing.length; start += MAX_PIECES) {
      void this.#link.send({ type: "need", pieces: missing.slice(start, start + MAX_PIECES) });
    }
    await Promise.all(arrivals);
  };

  /** Sends an event. Resolves when the next one may be sent, also when the connection is gone. */
  async tell(event: RunEvent): Promise<void> {
    await this.#link.send({ type: "event", event });
  }

  /** Says that all events are sent; resolves when the bridge has read them and closed the connection. */
  async done(): Promise<void> {
    void this.#link.send({ type: "done" });
    await this.ended;
  }

  /** Ends the connection at once. */
  drop(): void {
    this.#link.drop();
  }

  async #tellWaits(request: number): Promise<void> {
    const states = await this.waits();
    const processes = Array.from(states, ([pid, state]) => ({ pid, state })).slice(0, MAX_WAITING);
    void this.#link.send({ type: "waits", request, processes });
  }

  #expect(hash: string, put: PutPiece): Promise<void> {
    return new Promise((resolve, fail) => {
      const take = async (bytes: Bytes): Promise<void> => {
        await put(hash, bytes);
        resolve();
      };
      this.#expected.push({ hash, take, fail });
    });
  }

  async #serve(): Promise<Error> {
    let reason: Error | undefined;
    try {
      for await (const message of this.#link.messages()) await this.#take(message);
    } catch (error) {
      reason = error instanceof Error ? error : new Error(String(error));
    }
    this.#link.drop();
    reason ??= await this.#link.ended;
    this.#spec.reject(reason);
    for (const { fail } of this.#expected) fail(reason);
    return reason;
  }

  async #take(message: BridgeToNode): Promise<void> {
    if ((message.type === "run") === this.#hasSpec) {
      throw new ProtocolError(`"${message.type}" out of order`);
    }
    switch (message.type) {
      case "why":
        return void this.#tellWaits(message.request);
      case "run":
        this.#hasSpec = true;
        return this.#spec.resolve(message.spec);
      case "stdin":
        return this.stdin.push(message.bytes);
      case "stdin-end":
        return this.stdin.end();
      case "piece": {
        const expected = this.#expected[0];
        if (expected === undefined || expected.hash !== message.hash) {
          throw new ProtocolError("a piece that was not requested");
        }
        // Reading pauses meanwhile, so that no more than one is held.
        await expected.take(message.bytes);
        this.#expected.shift();
        return;
      }
    }
  }
}
