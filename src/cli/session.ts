/** Deploy's side of a deployment: offers, uploads, and receives the events of the run. */

import { messageOf } from "../core/errors.ts";
import type { RunEventSink } from "../core/events.ts";
import { formatCpu, formatMem, type Resources } from "../core/resources.ts";
import type { Termination } from "../core/signals.ts";
import { encodeRunSpec, type RunSpec } from "../wire/run_spec.ts";
import { type Progress, rate } from "../terminal/progress.ts";
import { livenessFrom } from "../net/liveness.ts";
import { type LinkConnection, MessageLink } from "../net/message_link.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import {
  BRIDGE_TO_DEPLOY,
  type BridgeToDeploy,
  type DeployToBridge,
  STDIN_WINDOW_BYTES,
} from "../wire/run_messages.ts";
import { pieceMessage } from "./piece_message.ts";
import { PieceSource, type Source } from "../build/piece_source.ts";

/** The link to a bridge. */
export type BridgeLink = MessageLink<DeployToBridge, BridgeToDeploy>;

/** Starts a link on a connection, which announces deploy to the bridge. */
export function bridgeLink(conn: LinkConnection): BridgeLink {
  const liveness = livenessFrom(Deno.env.get("DEPLOY_LIVENESS"));
  return new MessageLink(conn, { schema: BRIDGE_TO_DEPLOY, liveness });
}

/** The program to deploy. */
export interface Deployed {
  readonly spec: RunSpec;
  /** Where the contents of each manifest in the spec are, in that order. */
  readonly sources: readonly Source[];
  /** Overrides of the first process's resources. */
  readonly resources: Readonly<Partial<Resources>>;
}

/** Receives what the bridge reports. */
export interface SessionEvents {
  /** Takes the run's events one at a time, after the previous one has been shown. */
  readonly sink: RunEventSink;
  readonly progress: Progress;
  /** A line for the user. */
  readonly say: (line: string) => void;
  /** A line about the run, for the user, between the lines of its processes. */
  readonly remark: (line: string) => Promise<void>;
}

/** The outcome of a deployment. */
export type Outcome =
  /** The run has ended, and all events have been handled. */
  | { readonly kind: "over" }
  /** The result of a dry run: what would be sent, and where it would fit, in one line. */
  | {
    readonly kind: "fits";
    readonly possible: boolean;
    readonly message: string;
    readonly bytes: number;
  }
  /** The program was not run: the reason in one line, and its output. */
  | { readonly kind: "refused"; readonly why: string; readonly output: Uint8Array<ArrayBuffer> }
  /** The run goes on without this process. */
  | { readonly kind: "detached"; readonly run: string }
  /** The connection to the bridge was lost, and the reason. */
  | { readonly kind: "lost"; readonly why: string };

/** How a program is to run. */
export interface RunTerms {
  /** What the run is called. */
  readonly name: string;
  /** Who starts it: `user@host`. */
  readonly by: string;
  readonly graceMs: number;
  /** Whether the run goes on without this process. */
  readonly detached: boolean;
}

export class Session {
  readonly #link: BridgeLink;
  readonly #events: SessionEvents;
  readonly #deployed: Deployed;
  readonly #source: PieceSource;
  #dry = false;
  #detached = false;
  #neededBytes = 0;
  /** The needed bytes sent so far, before deflating. */
  #sentBytes = 0;
  #beganMs = 0;
  #uploading: Promise<void> = Promise.resolve();
  /** Set when a piece cannot be sent, as the reason for ending the link. */
  #failure: string | undefined;
  #stdinRoom = STDIN_WINDOW_BYTES;
  #stdinWaits: (() => void) | undefined;
  #stdinWanted: "no" | "some" | "all" = "no";
  #stdinWantedWaits: (() => void) | undefined;

  /** The session takes ownership of `link`. */
  constructor(link: BridgeLink, deployed: Deployed, events: SessionEvents) {
    this.#link = link;
    this.#deployed = deployed;
    this.#events = events;
    this.#source = new PieceSource(deployed.sources);
  }

  /**
   * Deploys; resolves when the run has ended or was not started, or, if it is detached, when it has begun.
   * If this process ends before that, the run is told to stop, with that grace.
   */
  async run({ graceMs, name, by, detached }: RunTerms): Promise<Outcome> {
    const { spec, resources } = this.#deployed;
    this.#detached = detached;
    this.#beganMs = performance.now();
    void this.#link.send({ type: "offer", spec: encodeRunSpec(spec) });
    void this.#link.send({ type: "run", name, by, resources, graceMs, detached });
    return await this.#listen();
  }

  /** Asks what would be sent, and where a first process with `needs` would fit, without sending anything. */
  async check(resources: Readonly<Resources>): Promise<Outcome> {
    this.#dry = true;
    void this.#link.send({ type: "check", spec: encodeRunSpec(this.#deployed.spec), resources });
    return await this.#listen();
  }

  /** Resolves when the first process asks for stdin, so that some of it may be read. */
  async stdinWanted(): Promise<void> {
    while (this.#stdinWanted === "no") {
      await new Promise<void>((resolve) => this.#stdinWantedWaits = resolve);
    }
    if (this.#stdinWanted === "some") this.#stdinWanted = "no";
  }

  /** Sends stdin to the first process; resolves when more may be sent. */
  async stdin(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (bytes.length === 0) return;
    this.#stdinRoom -= bytes.length;
    void this.#link.send({ type: "stdin", bytes });
    while (this.#stdinRoom <= STDIN_WINDOW_BYTES / 2 && !this.#link.over) {
      await new Promise<void>((resolve) => this.#stdinWaits = resolve);
    }
  }

  /** Stdin has ended. */
  stdinEnd(): void {
    void this.#link.send({ type: "stdin-end" });
  }

  /** Ends every process of the run as `how` says. Events still arrive. */
  stop({ signal, graceMs }: Termination): void {
    void this.#link.send({ type: "stop", signal, graceMs });
  }

  /** Asks what each process of the run waits for; the answer is shown. */
  askWhy(): void {
    void this.#link.send({ type: "why" });
  }

  async #listen(): Promise<Outcome> {
    using _source = this.#source;
    try {
      for await (const message of this.#link.messages()) {
        const outcome = await this.#take(message);
        if (outcome !== undefined) return outcome;
      }
      if (this.#failure !== undefined) {
        return { kind: "refused", why: this.#failure, output: new Uint8Array() };
      }
      return { kind: "lost", why: (await this.#link.ended).message };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { kind: "lost", why: error.message };
    } finally {
      this.#link.drop();
      await this.#uploading; // it holds an open file
    }
  }

  async #take(message: BridgeToDeploy): Promise<Outcome | undefined> {
    const { progress, say, sink } = this.#events;
    switch (message.type) {
      case "need":
        for (const hash of message.pieces) this.#neededBytes += this.#source.size(hash);
        if (!this.#dry) this.#send(message.pieces, message.last);
        return;
      case "refused":
        progress.clear();
        return { kind: "refused", why: message.why, output: message.output };
      case "fits":
        progress.clear();
        return {
          kind: "fits",
          possible: message.possible,
          message: message.message,
          bytes: this.#neededBytes,
        };
      case "accepted":
        progress.clear();
        return this.#detached ? { kind: "detached", run: message.run } : undefined;
      case "waiting":
        say(`waiting for room: no node has ${amounts(message.resources)} free`);
        return;
      case "stdin-taken":
        this.#stdinRoom += message.bytes;
        this.#stdinWaits?.();
        return;
      case "stdin-wanted":
        this.#stdinWanted = message.always ? "all" : "some";
        this.#stdinWantedWaits?.();
        return;
      case "waits":
        for (const line of message.lines) await this.#events.remark(line);
        return;
      case "over":
        return { kind: "over" };
      case "event":
        return void await sink(message.event);
    }
  }

  /** Sends pieces after those sent before, while messages are still being read. */
  #send(pieces: readonly string[], last: boolean): void {
    this.#uploading = this.#uploading.then(async () => {
      try {
        for (const hash of pieces) {
          if (this.#link.over) return;
          const bytes = await this.#source.read(hash);
          await this.#link.send(await pieceMessage(hash, bytes, this.#neededBytes));
          this.#sentBytes += bytes.length;
          this.#events.progress.sent(this.#sentBytes, this.#neededBytes);
        }
        if (last && !this.#link.over) this.#reportSent();
      } catch (error) {
        this.#failure ??= messageOf(error);
        this.#link.drop();
      }
    });
  }

  #reportSent(): void {
    const total = sizeOf(this.#deployed);
    const seconds = (performance.now() - this.#beganMs) / 1_000;
    const had = formatMem(Math.max(total - this.#sentBytes, 0));
    this.#events.progress.done(
      this.#sentBytes === 0
        ? `the cluster had all of ${formatMem(total)}`
        : `sent ${formatMem(this.#sentBytes)}, ${rate(this.#sentBytes, seconds)}; ` +
          `the cluster had ${had} of ${formatMem(total)}`,
    );
  }
}

/** The total size of the deployed files, in bytes. */
export function sizeOf({ sources }: Deployed): number {
  return sources.reduce((sum, { manifest }) => sum + manifest.size, 0);
}

function amounts({ mem, cpu }: Resources): string {
  return `${formatMem(mem)} and ${formatCpu(cpu)}`;
}
