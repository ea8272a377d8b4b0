/**
 * A node's link to the bridge of a run that it hosts: pieces and stdin in, events out.
 *
 * A connection that ends is replaced by another one, on which both sides go on exactly where they were.
 */

import { parseAddress } from "../core/address.ts";
import type { SeenDoing } from "../core/doing.ts";
import type { RunEvent } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";
import type { NodeSample } from "../core/samples.ts";
import type { WaitState } from "../core/waits.ts";
import type { FetchPieces, PutPiece } from "../store/store.ts";
import { dialPart, PATIENT_HANDSHAKE_MS } from "../net/connect.ts";
import type { Credential } from "../net/credential.ts";
import { Purpose } from "../net/protocol.ts";
import { type Clock, pause, SYSTEM_CLOCK } from "../net/clock.ts";
import { type LivenessOptions, LOCAL_NETWORK } from "../net/liveness.ts";
import { LinkError, MessageLink } from "../net/message_link.ts";
import { ResumableLink } from "../net/resumable_link.ts";
import { ProtocolError } from "../core/errors.ts";
import {
  type AckMessage,
  BRIDGE_TO_NODE,
  type BridgeToNode,
  MAX_PIECES,
  MAX_WAITING,
  type NodeToBridge,
  type ProcessUsage,
} from "../wire/run_messages.ts";
import { MAX_SPEC_BYTES } from "../wire/run_spec.ts";
import { startTimer } from "../core/timer.ts";
import { StdinFeed } from "../host/stdin_feed.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The largest message of a bridge: the run spec and its overhead. */
const MAX_BYTES = MAX_SPEC_BYTES + 1024;

/** The pauses between attempts to connect again grow up to this. */
const MAX_PAUSE_MS = 1_000;
const FIRST_PAUSE_MS = 20;

/** How to reach the bridge of a run. */
export interface RunLinkOptions {
  /** Its address. */
  readonly bridge: string;
  readonly run: string;
  /** The node's own address. */
  readonly node: string;
  readonly credential: Credential;
  /** @default LOCAL_NETWORK */
  readonly liveness?: LivenessOptions | undefined;
  /** Aborts the first attempt to connect. */
  readonly signal: AbortSignal;
  /** Called when a connection has ended, with the reason, and when another one continues it. */
  readonly changed?: (reason: Error | undefined) => void;
  /** @default SYSTEM_CLOCK */
  readonly clock?: Clock;
}

/** A requested piece. */
interface Expected {
  readonly hash: string;
  readonly take: (bytes: Bytes) => Promise<void>;
  readonly fail: (error: Error) => void;
}

type RunConnection = MessageLink<NodeToBridge, BridgeToNode>;

/** The bridge does not know the run, or not any more. */
class UnknownRunError extends LinkError {
  constructor() {
    super("it does not know the run any more");
    this.name = "UnknownRunError";
  }
}

export class RunLink {
  /** Resolves with the reason, for a person, when the link has ended for good. */
  readonly ended: Promise<Error>;
  /** The first process's stdin. */
  readonly stdin: StdinFeed;
  readonly #options: RunLinkOptions;
  /** Distinguishes it from other links of this node for the same run. */
  readonly #id = crypto.randomUUID();
  readonly #link = new ResumableLink<NodeToBridge, BridgeToNode>((reason) => {
    void this.#reopen(reason);
  });
  readonly #ending = new AbortController();
  readonly #spec = Promise.withResolvers<Bytes>();
  #hasSpec = false;
  #by = "";
  /** Whether its last message is sent. */
  #isDone = false;
  /** In the order of arrival. */
  readonly #expected: Expected[] = [];

  private constructor(options: RunLinkOptions) {
    this.#options = options;
    this.stdin = new StdinFeed({
      taken: (bytes) => void this.#send({ type: "stdin-taken", bytes }),
      wanted: (always) => void this.#send({ type: "stdin-wanted", always }),
      startTimer,
    });
    this.#spec.promise.catch(() => {}); // the caller of spec() gets the error
    void this.#link.ended.then((reason) => this.#ending.abort(reason));
    this.ended = this.#serve();
  }

  /** Finds out what the processes of the run here wait for; set once there can be any. */
  waits: () => Promise<ReadonlyMap<Pid, WaitState>> = () => Promise.resolve(new Map());

  /** Whether the link has ended for good. */
  get over(): boolean {
    return this.#link.over;
  }

  /** Resolves with the encoded `RunSpec`. Rejects if the connection ends first. */
  get spec(): Promise<Bytes> {
    return this.#spec.promise;
  }

  /** Who deployed the run, once its spec is there. */
  get by(): string {
    return this.#by;
  }

  /**
   * @throws {ConnectError} If the bridge cannot be reached.
   * @throws {LinkError} If it does not know the run, or the connection ends before it has answered.
   */
  static async open(options: RunLinkOptions): Promise<RunLink> {
    const link = new RunLink(options);
    try {
      await link.#connect(options.signal, PATIENT_HANDSHAKE_MS);
    } catch (error) {
      link.drop();
      throw error;
    }
    return link;
  }

  /** Requests pieces. Rejects if one cannot be put; those that were requested still come. */
  readonly fetch: FetchPieces = async (missing, put) => {
    if (this.#link.over) throw await this.ended;
    const arrivals = missing.map((hash) => this.#expect(hash, put));
    for (let start = 0; start < missing.length; start += MAX_PIECES) {
      void this.#send({ type: "need", pieces: missing.slice(start, start + MAX_PIECES) });
    }
    await Promise.all(arrivals);
  };

  /**
   * Sends an event, now or once there is a connection. Resolves when the next one may be sent, also when the
   * link has ended.
   */
  async tell(event: RunEvent): Promise<void> {
    await this.#send({ type: "event", event });
  }

  /** Sends what a process does, as {@linkcode tell} does an event. */
  async does(seen: SeenDoing): Promise<void> {
    await this.#send({ type: "does", ...seen });
  }

  /** Says that all events are sent; resolves when the bridge has all of them, or the link has ended. */
  async done(): Promise<void> {
    void this.#send({ type: "done" });
    this.#isDone = true;
    await this.#link.acknowledged();
    this.drop();
  }

  /** Ends the link at once; `reason` is the reason, unless it has already ended. */
  drop(
    reason: LinkError | ProtocolError = new LinkError("the connection was closed on this side"),
  ): void {
    this.#link.end(reason);
  }

  /**
   * Sends a message, as {@linkcode ResumableLink.send} does. After `done` it does nothing: a question of the bridge
   * may have been on its way then, and the bridge takes nothing more that it could acknowledge.
   */
  #send(message: Exclude<NodeToBridge, AckMessage>): Promise<void> {
    return this.#isDone ? Promise.resolve() : this.#link.send(message);
  }

  /** Dials the bridge, and continues the link on that connection. */
  async #connect(signal: AbortSignal, handshakeMs?: number): Promise<void> {
    const { bridge, run, node, credential, liveness, clock } = this.#options;
    const address = parseAddress(bridge);
    if (address === undefined) throw new ProtocolError(`"${bridge}" is not a valid bridge address`);
    const conn = await dialPart(address, Purpose.run, credential, { signal, handshakeMs });
    const connection: RunConnection = new MessageLink<NodeToBridge, BridgeToNode>(conn, {
      schema: BRIDGE_TO_NODE,
      liveness,
      maxBytes: MAX_BYTES,
      ...(clock !== undefined && { clock }),
    });
    const drop = (): void => connection.drop();
    signal.addEventListener("abort", drop);
    try {
      void connection.send({ type: "host", run, node, link: this.#id, taken: this.#link.taken });
      const messages = connection.received();
      const answer = (await messages.next()).value?.message;
      signal.throwIfAborted();
      if (answer === undefined) throw await connection.ended;
      if (answer.type === "unknown") throw new UnknownRunError();
      if (answer.type !== "hosted") throw new ProtocolError(`"${answer.type}" out of order`);
      this.#link.attach(connection, messages, answer.taken);
    } catch (error) {
      connection.drop();
      throw error;
    } finally {
      signal.removeEventListener("abort", drop);
    }
  }

  /** A connection has ended, for that reason: connects again, or ends the link. */
  async #reopen(broke: LinkError | ProtocolError): Promise<void> {
    const { changed, clock = SYSTEM_CLOCK, liveness = LOCAL_NETWORK } = this.#options;
    if (broke instanceof ProtocolError) return this.#link.end(broke);
    changed?.(broke);
    const { signal } = this.#ending;
    const late = new LinkError(`no other connection within ${liveness.reconnectMs / 1_000} s`, {
      cause: broke,
    });
    const cancel = clock.after(liveness.reconnectMs, () => this.#link.end(late));
    try {
      for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs *= 2) {
        // Nodes whose connections broke at the same time do not come back at the same time.
        const mostMs = Math.min(pauseMs, MAX_PAUSE_MS);
        await pause(mostMs * (0.5 + Math.random() / 2), signal, clock);
        try {
          await this.#connect(signal);
          return changed?.(undefined);
        } catch (error) {
          const isFinal = error instanceof UnknownRunError || error instanceof ProtocolError;
          if (isFinal) return this.#link.end(error);
        }
      }
    } finally {
      cancel();
    }
  }

  /** Finds out what they use. */
  usage: () => ProcessUsage[] = () => [];

  #tellUsage(request: number): void {
    const processes = this.usage().slice(0, MAX_WAITING);
    void this.#send({ type: "usages", request, processes });
  }

  /** Takes samples of them. */
  samples: () => Promise<NodeSample[]> = () => Promise.resolve([]);

  /** Connects the inspector of that process to the bridge, with that id. */
  inspect: (pid: Pid, id: string) => void = () => {};

  async #tellSamples(request: number): Promise<void> {
    const processes = (await this.samples()).slice(0, MAX_WAITING);
    void this.#send({ type: "samples", request, processes });
  }

  async #tellWaits(request: number): Promise<void> {
    const states = await this.waits();
    const processes = Array.from(states, ([pid, state]) => ({ pid, state })).slice(0, MAX_WAITING);
    void this.#send({ type: "waits", request, processes });
  }

  #expect(hash: string, put: PutPiece): Promise<void> {
    return new Promise((resolve, fail) => {
      const take = async (bytes: Bytes): Promise<void> => {
        try {
          await put(hash, bytes);
          resolve();
        } catch (error) {
          if (error instanceof ProtocolError) throw error;
          // It cannot be stored here, which does not concern the bridge.
          fail(error as Error);
        }
      };
      this.#expected.push({ hash, take, fail });
    });
  }

  async #serve(): Promise<Error> {
    try {
      for await (const { message } of this.#link.received()) await this.#take(message);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const isOwn = error instanceof ProtocolError;
      this.drop(isOwn ? error : new LinkError(error.message, { cause: error }));
    }
    const reason = await this.#link.ended;
    this.#spec.reject(reason);
    for (const { fail } of this.#expected) fail(reason);
    return reason;
  }

  async #take(message: Exclude<BridgeToNode, AckMessage>): Promise<void> {
    if ((message.type === "run") === this.#hasSpec) {
      throw new ProtocolError(`"${message.type}" out of order`);
    }
    switch (message.type) {
      case "hosted":
      case "unknown":
        throw new ProtocolError(`"${message.type}" out of order`);
      case "why":
        return void this.#tellWaits(message.request);
      case "samples":
        return void this.#tellSamples(message.request);
      case "usage":
        return this.#tellUsage(message.request);
      case "inspect":
        return this.inspect(message.pid, message.id);
      case "run":
        this.#hasSpec = true;
        this.#by = message.by;
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
