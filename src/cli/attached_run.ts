/** A run as deploy is shown it: over one link after the other, without a gap. */

import type { RunEventSink } from "../core/events.ts";
import { formatCpu, formatMem, type Resources } from "../core/resources.ts";
import { ProtocolError } from "../core/errors.ts";
import type { Termination } from "../core/signals.ts";
import { type Clock, SYSTEM_CLOCK } from "../net/clock.ts";
import { type LivenessOptions, LOCAL_NETWORK } from "../net/liveness.ts";
import { type LinkConnection, LinkError, MessageLink } from "../net/message_link.ts";
import {
  BRIDGE_TO_DEPLOY,
  type BridgeToDeploy,
  type DeployToBridge,
} from "../wire/run_messages.ts";
import { AGAIN_LINE, type BridgeLink, gaveUpLine, lostLine, reconnect } from "./reconnect.ts";
import { StdinSender } from "./stdin_sender.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export type { BridgeLink };

/** Starts a link on a connection, which announces deploy to the bridge. Nothing depends on it until a run has begun. */
export function bridgeLink(conn: LinkConnection, liveness?: LivenessOptions): BridgeLink {
  return new MessageLink(conn, { schema: BRIDGE_TO_DEPLOY, liveness, idle: true });
}

/** How long a goodbye may take to be noticed. */
const BYE_MS = 1_000;

/** How a run is shown, and how its bridge is reached again. */
export interface AttachedRunOptions {
  /** The address of the bridge, for messages. */
  readonly bridge: string;
  /** Connects to the bridge again. @throws {ConnectError} */
  readonly dial: (signal: AbortSignal) => Promise<BridgeLink>;
  /** Takes the run's events one at a time, after the previous one has been shown. */
  readonly sink: RunEventSink;
  /** Called for events that are no longer kept, before the next one. */
  readonly missing: (events: number) => Promise<void>;
  /** A line for the user, between the lines of the processes. */
  readonly remark: (line: string) => Promise<void>;
  /** @default LOCAL_NETWORK */
  readonly liveness?: LivenessOptions;
  /** @default SYSTEM_CLOCK */
  readonly clock?: Clock;
}

/** How the viewing of a run has ended. */
export type Ended =
  /** The run has ended, and all events have been handled; its exit status. */
  | { readonly kind: "over"; readonly code: number }
  /** The run was not started, or cannot be shown: the reason in one line, and its output. */
  | { readonly kind: "refused"; readonly why: string; readonly output: Bytes }
  /** The run goes on without this process. */
  | { readonly kind: "detached" }
  /** The bridge is lost for good, and why: `it closed the connection`; `said` if the user has been told. */
  | { readonly kind: "lost"; readonly why: string; readonly said: boolean };

/**
 * A run that a bridge shows.
 *
 * If the link is lost, another one replaces it, and the events go on where they were, as does stdin: the
 * bridge says what it has got of that, and the rest is sent again.
 */
export class AttachedRun {
  readonly #options: AttachedRunOptions;
  readonly #clock: Clock;
  readonly #reconnectMs: number;
  #link: BridgeLink;
  #messages: AsyncGenerator<BridgeToDeploy>;
  #id = "";
  /** Allows another link to replace a lost one, once the run has begun. */
  #token: string | undefined;
  /** The number of the next event. */
  #next = 0;
  readonly #closed = new AbortController();
  /** Stdin for the first process. */
  readonly stdin: StdinSender = new StdinSender((message) => void this.#link.send(message));
  /** What the run has been told, which a lost link may have swallowed. */
  #told: Extract<DeployToBridge, { type: "stop" | "detach" }> | undefined;

  /** The run takes ownership of `link`. */
  constructor(link: BridgeLink, options: AttachedRunOptions) {
    this.#link = link;
    this.#messages = link.messages();
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#reconnectMs = (options.liveness ?? LOCAL_NETWORK).reconnectMs;
  }

  /** Sends a message before the run has begun. */
  send(message: DeployToBridge): Promise<void> {
    return this.#link.send(message);
  }

  /** The next message of the first link; `undefined` when that has ended. */
  async next(): Promise<BridgeToDeploy | undefined> {
    return (await this.#messages.next()).value;
  }

  /** Ends the link at once. */
  drop(reason?: ProtocolError): void {
    this.#link.drop(reason);
  }

  /** Why the link has ended. */
  async whyEnded(): Promise<string> {
    return (await this.#link.ended).message;
  }

  /** Whether the link has ended. */
  get isLinkOver(): boolean {
    return this.#link.over;
  }

  /** The id of the run; empty before it has begun. */
  get id(): string {
    return this.#id;
  }

  /** What shows the bridge that this is the deploy of the run; empty before it has begun. */
  get token(): string {
    return this.#token ?? "";
  }

  /** The run of that id has begun: from now on, a lost link is replaced. */
  begun(id: string, token: string): void {
    this.#id = id;
    this.#token = token;
    this.#link.matters();
  }

  /** Shows the run until it has ended, or the bridge is lost for good. */
  async show(): Promise<Ended> {
    for (;;) {
      const ended = await this.#showLink();
      if (ended !== undefined) return ended;
      const { message: why } = await this.#link.ended;
      if (this.#token === undefined || this.#closed.signal.aborted) return this.#lost(why, false);
      if (!await this.#reconnect(why)) return this.#lost(why, true);
    }
  }

  /** Handles a message about the run. Returns how it has ended, if it has. */
  async take(message: BridgeToDeploy): Promise<Ended | undefined> {
    const { missing, remark, sink } = this.#options;
    switch (message.type) {
      case "event":
        this.#next++;
        return void await sink(message.event);
      case "missing":
        this.#next += message.events;
        return void await missing(message.events);
      case "waiting":
        return void await remark(
          `deploy: waiting for room: no node has ${amounts(message.resources)} free`,
        );
      case "stdin-taken":
        return void this.stdin.taken(message.bytes);
      case "stdin-wanted":
        return void this.stdin.want(message.always ? "all" : "some");
      case "waits":
        for (const line of message.lines) await remark(line);
        return;
      case "refused":
        return { kind: "refused", why: message.why, output: message.output };
      case "ending":
        return this.#lost(message.why, false);
      case "detached":
        return { kind: "detached" };
      case "over":
        return { kind: "over", code: message.code };
      default:
        throw new ProtocolError(`"${message.type}" out of order`);
    }
  }

  /** Ends every process of the run as `how` says. Events still arrive. */
  stop({ signal, graceMs }: Termination): void {
    this.#tell({ type: "stop", signal, graceMs });
  }

  /** Lets the run go on without this process. */
  detach(): void {
    this.#tell({ type: "detach" });
  }

  /** Gives the bridge up: {@linkcode AttachedRun.show} and what came before it end as `lost`, for that reason. */
  giveUp(why: string): void {
    this.#closed.abort();
    this.stdin.close();
    this.#link.drop(new LinkError(why));
  }

  /** Asks what each process of the run waits for; the answer is shown. */
  askWhy(): void {
    void this.#link.send({ type: "why" });
  }

  /**
   * Ends the viewing, in order: the bridge does not wait for this process any more. Resolves when it knows.
   * Idempotent.
   */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    this.stdin.close();
    const link = this.#link;
    void link.send({ type: "bye" });
    const cancel = this.#clock.after(BYE_MS, () => link.drop());
    // The bridge closes the connection. Closed here, with unread data, it could lose the goodbye.
    while (!(await this.#messages.next()).done);
    cancel();
  }

  #tell(message: Extract<DeployToBridge, { type: "stop" | "detach" }>): void {
    this.#told = message;
    void this.#link.send(message);
  }

  /** Shows what comes on the present link; `undefined` when that has ended before the run. */
  async #showLink(): Promise<Ended | undefined> {
    try {
      for (;;) {
        const { value: message } = await this.#messages.next();
        if (message === undefined) return undefined;
        const ended = await this.take(message);
        if (ended !== undefined) return ended;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#link.drop(error);
      return this.#lost(error.message, false);
    }
  }

  #lost(why: string, said: boolean): Ended {
    return { kind: "lost", why, said };
  }

  /** Replaces the link; `false` if that does not succeed in time. */
  async #reconnect(why: string): Promise<boolean> {
    const { bridge, dial, remark } = this.#options;
    await remark(lostLine(bridge, why, this.#reconnectMs));
    const outcome = await reconnect({
      dial,
      hello: { type: "resume", token: this.#token!, from: this.#next },
      answer: "resumed",
      limitMs: this.#reconnectMs,
      clock: this.#clock,
      signal: this.#closed.signal,
    });
    if ("refused" in outcome) {
      const hint = `deploy logs ${this.#id} may show the rest`;
      await remark(`deploy: cannot go on with run ${this.#id}: ${outcome.refused}; ${hint}`);
      return false;
    }
    if ("failed" in outcome) {
      if (this.#closed.signal.aborted) return false;
      await remark(gaveUpLine(bridge, outcome.failed, this.#reconnectMs));
      return false;
    }
    if (this.#closed.signal.aborted) {
      outcome.link.drop();
      return false;
    }
    this.#link = outcome.link;
    this.#link.matters();
    this.#messages = outcome.messages;
    this.stdin.resume(outcome.answer);
    if (this.#told !== undefined) void this.#link.send(this.#told);
    await remark(AGAIN_LINE);
    return true;
  }
}

function amounts({ mem, cpu }: Resources): string {
  return `${formatMem(mem)} and ${formatCpu(cpu)}`;
}
