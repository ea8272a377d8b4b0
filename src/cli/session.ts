/** Deploy's side of a deployment, until the run begins: offers the program, and uploads it. */

import { messageOf, ProtocolError } from "../core/errors.ts";
import { formatMem, type Resources } from "../core/resources.ts";
import { encodeRunSpec, type RunSpec } from "../wire/run_spec.ts";
import { type Progress, rate } from "../terminal/progress.ts";
import type { BridgeToDeploy } from "../wire/run_messages.ts";
import type { AttachedRun, Ended } from "./attached_run.ts";
import { pieceMessage } from "./piece_message.ts";
import { PieceSource, type Source } from "../build/piece_source.ts";

/** The program to deploy. */
export interface Deployed {
  readonly spec: RunSpec;
  /** Where the contents of each manifest in the spec are, in that order. */
  readonly sources: readonly Source[];
  /** Overrides of the first process's resources. */
  readonly resources: Readonly<Partial<Resources>>;
}

/** The outcome of an offer. */
export type Offered =
  /** The run has begun. */
  | { readonly kind: "begun"; readonly run: string }
  /** The result of a dry run: what would be sent, and where it would fit, in one line. */
  | {
    readonly kind: "fits";
    readonly possible: boolean;
    readonly message: string;
    readonly bytes: number;
  }
  /** It has not begun. */
  | Ended;

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
  readonly #run: AttachedRun;
  readonly #progress: Progress;
  readonly #deployed: Deployed;
  readonly #source: PieceSource;
  #dry = false;
  #neededBytes = 0;
  /** The needed bytes sent so far, before deflating. */
  #sentBytes = 0;
  #beganMs = 0;
  #uploading: Promise<void> = Promise.resolve();
  /** Set when a piece cannot be sent, as the reason for ending the link. */
  #failure: string | undefined;

  /** What comes about the run goes to `run`. */
  constructor(run: AttachedRun, deployed: Deployed, progress: Progress) {
    this.#run = run;
    this.#deployed = deployed;
    this.#progress = progress;
    this.#source = new PieceSource(deployed.sources);
  }

  /** Deploys; resolves when the run has begun, or was not started. */
  async offer({ graceMs, name, by, detached }: RunTerms): Promise<Offered> {
    const { spec, resources } = this.#deployed;
    this.#beganMs = performance.now();
    void this.#run.send({ type: "offer", spec: encodeRunSpec(spec) });
    void this.#run.send({ type: "run", name, by, resources, graceMs, detached });
    return await this.#listen();
  }

  /** Asks what would be sent, and where a first process with `needs` would fit, without sending anything. */
  async check(resources: Readonly<Resources>): Promise<Offered> {
    this.#dry = true;
    void this.#run.send({ type: "check", spec: encodeRunSpec(this.#deployed.spec), resources });
    return await this.#listen();
  }

  async #listen(): Promise<Offered> {
    using _source = this.#source;
    try {
      for (;;) {
        const message = await this.#run.next();
        if (message === undefined) break;
        const outcome = await this.#take(message);
        if (outcome !== undefined) return outcome;
      }
      if (this.#failure !== undefined) {
        return { kind: "refused", why: this.#failure, output: new Uint8Array() };
      }
      return { kind: "lost", why: await this.#run.whyEnded(), said: false };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#run.drop(error);
      return { kind: "lost", why: error.message, said: false };
    } finally {
      this.#progress.clear();
      await this.#uploading; // it holds an open file
    }
  }

  async #take(message: BridgeToDeploy): Promise<Offered | undefined> {
    switch (message.type) {
      case "need":
        for (const hash of message.pieces) this.#neededBytes += this.#source.size(hash);
        if (!this.#dry) this.#send(message.pieces, message.last);
        return;
      case "fits":
        return {
          kind: "fits",
          possible: message.possible,
          message: message.message,
          bytes: this.#neededBytes,
        };
      case "accepted":
        this.#run.begun(message.run, message.token);
        return { kind: "begun", run: message.run };
      default:
        return await this.#run.take(message);
    }
  }

  /** Sends pieces after those sent before, while messages are still being read. */
  #send(pieces: readonly string[], last: boolean): void {
    this.#uploading = this.#uploading.then(async () => {
      try {
        for (const hash of pieces) {
          if (this.#run.isLinkOver) return;
          const bytes = await this.#source.read(hash);
          await this.#run.send(await pieceMessage(hash, bytes, this.#neededBytes));
          this.#sentBytes += bytes.length;
          this.#progress.sent(this.#sentBytes, this.#neededBytes);
        }
        if (last && !this.#run.isLinkOver) this.#reportSent();
      } catch (error) {
        this.#failure ??= messageOf(error);
        this.#run.drop();
      }
    });
  }

  #reportSent(): void {
    const total = sizeOf(this.#deployed);
    const seconds = (performance.now() - this.#beganMs) / 1_000;
    const had = formatMem(Math.max(total - this.#sentBytes, 0));
    this.#progress.done(
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
