/** Deploy's side of a deployment: offers, uploads, and takes the events of the run. */

import type { RunEventSink } from "../core/events.ts";
import { formatMem, type Resources } from "../core/resources.ts";
import type { Manifest } from "../store/manifest.ts";
import { formatRunSpec, type RunSpec } from "../store/run_spec.ts";
import { type Progress, rate } from "../terminal/progress.ts";
import { runEvent } from "../wire/event_messages.ts";
import { type LinkConnection, MessageLink } from "../wire/message_link.ts";
import { ProtocolError } from "../wire/protocol_error.ts";
import {
  BRIDGE_TO_DEPLOY,
  type BridgeToDeploy,
  type DeployToBridge,
  STDIN_WINDOW_BYTES,
} from "../wire/run_messages.ts";
import { PieceSource } from "./piece_source.ts";

/** A bridge that says nothing for so long is lost. */
const SILENCE_MS = 10_000;

/** A run that has not begun by then waits for room. */
const WAITING_MS = 1_000;

/** What is deployed. */
export interface Deployed {
  readonly spec: RunSpec;
  /** For each manifest of the spec, the file that it is of. */
  readonly sources: readonly { readonly path: string; readonly manifest: Manifest }[];
  readonly resources: Readonly<Partial<Resources>>;
  readonly dryRun: boolean;
}

/** What is done with what the bridge says. */
export interface SessionEvents {
  /** Takes the run's events, each when the one before has been shown. */
  readonly sink: RunEventSink;
  readonly progress: Progress;
  /** A line for the user. */
  readonly say: (line: string) => void;
}

/** How a deployment came out. */
export type Outcome =
  /** All events have been given to the sink. */
  | { readonly kind: "over" }
  | { readonly kind: "fits"; readonly message: string }
  /** It was not run, and why, in one line; and what it wrote. */
  | { readonly kind: "refused"; readonly why: string; readonly output: Uint8Array<ArrayBuffer> }
  /** The bridge is gone, and why. */
  | { readonly kind: "lost"; readonly why: string };

export class Session {
  readonly #link: MessageLink<DeployToBridge, BridgeToDeploy>;
  readonly #events: SessionEvents;
  readonly #deployed: Deployed;
  readonly #source: PieceSource;
  /** For how many files of the offer the bridge has yet to say what it lacks. */
  #unanswered: number;
  #neededBytes = 0;
  #sentBytes = 0;
  #beganMs = 0;
  #uploading: Promise<void> = Promise.resolve();
  #waiting: ReturnType<typeof setTimeout> | undefined;
  #stdinRoom = STDIN_WINDOW_BYTES;
  #stdinWaits: (() => void) | undefined;

  /** `conn` belongs to the session from now on. */
  constructor(conn: LinkConnection, deployed: Deployed, events: SessionEvents) {
    this.#link = new MessageLink(conn, { schema: BRIDGE_TO_DEPLOY, silenceMs: SILENCE_MS });
    this.#deployed = deployed;
    this.#events = events;
    this.#source = new PieceSource(deployed.sources);
    this.#unanswered = deployed.sources.length;
  }

  /** Deploys; resolves when the run is over, or is not to be. */
  async run(): Promise<Outcome> {
    const { spec, resources, dryRun } = this.#deployed;
    this.#beganMs = performance.now();
    void this.#link.send({ type: "offer", spec: formatRunSpec(spec) });
    void this.#link.send({
      type: "run",
      mem: resources.mem ?? null,
      cpu: resources.cpu ?? null,
      dry: dryRun,
    });
    using _source = this.#source;
    try {
      for await (const message of this.#link.messages()) {
        const outcome = await this.#take(message);
        if (outcome !== undefined) return outcome;
      }
      return { kind: "lost", why: (await this.#link.ended).message };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return { kind: "lost", why: error.message };
    } finally {
      clearTimeout(this.#waiting);
      this.#link.drop();
    }
  }

  /** Sends stdin to the first process; resolves when more may be sent. */
  async stdin(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
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

  /** Ends every process of the run. Its events still come. */
  kill(): void {
    void this.#link.send({ type: "kill" });
  }

  async #take(message: BridgeToDeploy): Promise<Outcome | undefined> {
    const { progress, say, sink } = this.#events;
    switch (message.type) {
      case "need":
        this.#unanswered--;
        return this.#send(message.pieces);
      case "refused":
        progress.clear();
        return { kind: "refused", why: message.why, output: message.output };
      case "fits":
        progress.clear();
        return { kind: "fits", message: message.message };
      case "accepted":
        progress.clear();
        this.#waiting = setTimeout(() => say("waiting for room"), WAITING_MS);
        return;
      case "stdin-taken":
        this.#stdinRoom += message.bytes;
        this.#stdinWaits?.();
        return;
      case "over":
        return { kind: "over" };
      default:
        clearTimeout(this.#waiting);
        return void await sink(runEvent(message));
    }
  }

  /** Sends pieces, after those sent before, while messages go on being read. */
  #send(pieces: readonly string[]): undefined {
    for (const hash of pieces) this.#neededBytes += this.#source.size(hash);
    const allKnown = this.#unanswered === 0;
    this.#uploading = this.#uploading.then(async () => {
      for (const hash of pieces) {
        if (this.#link.over) return;
        const bytes = await this.#source.read(hash);
        await this.#link.send({ type: "piece", hash, bytes });
        this.#sentBytes += bytes.length;
        this.#events.progress.sent(this.#sentBytes, this.#neededBytes);
      }
      if (allKnown) this.#reportSent();
    });
    // What cannot be read cannot be sent: the bridge sees the link end, and so does run().
    this.#uploading.catch((error) => {
      this.#events.say(error instanceof Error ? error.message : String(error));
      this.#link.drop();
    });
  }

  #reportSent(): void {
    const total = this.#deployed.sources.reduce((sum, { manifest }) => sum + manifest.size, 0);
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
