/** One deployment: from the offer of a program to the last event of its run. */

import { decideEnd, type EndCause } from "../core/run_end.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { DEFAULT_RESOURCES, resolveResources, type Resources } from "../core/resources.ts";
import type { Termination } from "../core/signals.ts";
import { TrialBootError } from "../core/trial_boot_error.ts";
import { type Manifest, PIECE_BYTES } from "../core/manifest.ts";
import { decodeRunSpec, manifestsOf, type RunSpec } from "../wire/run_spec.ts";
import type { FetchPieces, Store, StoredFiles } from "../store/store.ts";
import { inflate } from "../wire/deflate.ts";
import { newKey } from "../net/handshake.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import type { MessageLink } from "../net/message_link.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import {
  type BridgeToDeploy,
  type DeployToBridge,
  MAX_PIECES,
  MAX_WAITING,
} from "../wire/run_messages.ts";
import { BridgedRun } from "./bridged_run.ts";
import type { MasterClient } from "./master_client.ts";
import { exitCodeOf } from "../run/run_state.ts";
import { RequestedPieces } from "./requested_pieces.ts";
import { LOST_CODE, type RunArchive } from "./run_archive.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The link to deploy. */
export type DeployLink = MessageLink<BridgeToDeploy, DeployToBridge>;

/** What all deployments of a bridge have in common. */
export interface DeploymentContext {
  readonly store: Store;
  readonly master: MasterClient;
  readonly liveness: LivenessOptions;
  readonly logger: Logger;
  /** The runs that nodes may ask for, and viewers. */
  readonly runs: Map<string, ActiveRun>;
  /** All runs that are known, and their logs. */
  readonly archive: RunArchive;
}

/** A run that is not over. */
export interface ActiveRun {
  readonly run: BridgedRun;
  /** Ends it as `how` says. */
  stop(how: Termination): void;
}

/** A program that was offered, while its files arrive. */
interface Offer {
  readonly encoded: Bytes;
  readonly spec: RunSpec;
  readonly files: Promise<StoredFiles>;
}

export class Deployment {
  readonly #link: DeployLink;
  readonly #context: DeploymentContext;
  #requested: RequestedPieces | undefined;
  readonly #gone = new AbortController();
  #offer: Offer | undefined;
  /** The request of deploy, once it came; resolves when it is done, and never rejects. */
  #asked: Promise<void> | undefined;
  #run: BridgedRun | undefined;
  /** Resolves when deploy has been sent all events of the run, or is gone. */
  #shown: Promise<void> = Promise.resolve();
  /** Resolves when the run is over, and listed as such. */
  #archived: Promise<void> = Promise.resolve();
  /** The first process of the run has been asked for. */
  #begun = false;
  /** How long the run has if deploy is gone. */
  #graceMs = 0;
  #detached = false;
  readonly #remote: string;
  /** The last message has been sent: later messages are ignored. */
  #answered = false;

  /** `remote` is the address that deploy connected from. */
  constructor(link: DeployLink, remote: string, context: DeploymentContext) {
    this.#link = link;
    this.#remote = remote;
    this.#context = context;
  }

  /**
   * Serves the link until deploy closes it, and then ends the run if that is not over. Resolves when
   * everything is released.
   *
   * @throws {ProtocolError} If deploy breaks the protocol.
   */
  async serve(): Promise<void> {
    try {
      for await (const message of this.#link.messages()) {
        if (!this.#answered) await this.#take(message);
      }
    } finally {
      this.#link.drop();
      this.#gone.abort(new Error("the deployment was cancelled"));
      this.#end({ kind: "deployer-gone", graceMs: this.#graceMs });
      await this.#asked;
      await this.#archived;
      // From now on, what has arrived may be removed when room is needed.
      const files = await this.#offer?.files.catch(() => undefined);
      await files?.release();
    }
  }

  async #take(message: DeployToBridge): Promise<void> {
    switch (message.type) {
      case "offer":
        this.#begins("offer");
        return this.#look(message.spec);
      case "piece":
        return await this.#put(message.hash, message.bytes);
      case "deflated-piece":
        return await this.#put(message.hash, await inflate(message.bytes, PIECE_BYTES));
      case "run":
        if (this.#offer === undefined || this.#asked) throw new ProtocolError(`"run" out of order`);
        this.#graceMs = message.graceMs;
        this.#detached = message.detached;
        this.#asked = this.#orRefuse(this.#start(this.#offer, message));
        return;
      case "check":
        this.#begins("check");
        this.#asked = this.#orRefuse(this.#check(message));
        return;
      case "stdin":
      case "stdin-end":
        return this.#run?.stdin(message);
      case "stop":
        return this.#end({ kind: "told", how: message });
      case "why":
        return void this.#tellWaits();
    }
  }

  #begins(what: string): void {
    if (this.#offer === undefined && this.#asked === undefined) return;
    throw new ProtocolError(`"${what}" out of order`);
  }

  /** Sends the last message. Deploy closes the connection, having read it. */
  #answer(message: Extract<BridgeToDeploy, { type: "over" | "fits" | "refused" }>): void {
    this.#answered = true;
    void this.#link.send(message);
  }

  /** Begins to get the files of the offered program. */
  #look(encoded: Bytes): void {
    let spec: RunSpec;
    try {
      spec = decodeRunSpec(encoded);
    } catch (error) {
      return this.#refuse(error);
    }
    const files = this.#receive(manifestsOf(spec));
    files.catch(() => {}); // handled when the run begins, or when deploy is gone
    this.#offer = { encoded, spec, files };
  }

  /** Gets the files of the program: asks deploy once for all pieces that the store lacks. */
  async #receive(manifests: readonly Manifest[]): Promise<StoredFiles> {
    let asked = false;
    const fetch: FetchPieces = async (missing, put) => {
      asked = true;
      const pieces = this.#requested = new RequestedPieces(missing, put);
      this.#need(missing);
      await this.#unlessGone(pieces.arrived);
    };
    const files = await this.#context.store.ensure(manifests, fetch, this.#gone.signal);
    if (!asked) this.#need([]);
    return files;
  }

  #need(pieces: readonly string[]): void {
    let start = 0;
    do {
      const some = pieces.slice(start, start + MAX_PIECES);
      start += MAX_PIECES;
      void this.#link.send({ type: "need", pieces: some, last: start >= pieces.length });
    } while (start < pieces.length);
  }

  async #unlessGone(work: Promise<unknown>): Promise<void> {
    const { promise: gone, reject } = Promise.withResolvers<never>();
    const { signal } = this.#gone;
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    try {
      await Promise.race([work, gone]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async #put(hash: string, bytes: Bytes): Promise<void> {
    if (!this.#requested?.has(hash)) throw new ProtocolError("a piece that was not requested");
    await this.#requested.put(hash, bytes);
  }

  /** Runs the offered program as soon as it has arrived. */
  async #start(
    offer: Offer,
    asked: Extract<DeployToBridge, { type: "run" }>,
  ): Promise<void> {
    await offer.files;
    const sized = (resources: Resources) => resolveResources(asked.resources, resources);
    const run = await this.#open(offer, asked);
    if (this.#gone.signal.aborted) return this.#end({ kind: "not-started" });
    // The trial boot runs on the node that will probably host the first process, which then has booted
    // already.
    const guess = sized(DEFAULT_RESOURCES);
    const needs = await this.#context.master.try(run.id, guess, this.#tellWait(guess));
    if (!this.#gone.signal.aborted) await this.#begin(run, offer.spec.name, sized(needs));
  }

  /** Handles a dry run, which changes nothing. */
  async #check({ spec, resources }: Extract<DeployToBridge, { type: "check" }>): Promise<void> {
    const { store, master } = this.#context;
    this.#need(await store.missing(manifestsOf(decodeRunSpec(spec))));
    const { possible, message } = await master.where(resources);
    this.#answer({ type: "fits", possible, message });
  }

  async #orRefuse(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      // Without its master the bridge ends: deploy is told that in one way, whenever it happens.
      if (this.#context.master.over) this.#link.drop();
      else this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    this.#end({ kind: "not-started" });
    const output = error instanceof TrialBootError ? error.written() : new Uint8Array();
    const why = messageOf(error);
    if (!this.#link.over) this.#context.logger.debug(`refused a deployment: ${why}`);
    this.#answer({ type: "refused", why, output });
  }

  async #open(
    offer: Offer,
    { name, by }: Extract<DeployToBridge, { type: "run" }>,
  ): Promise<BridgedRun> {
    const { archive, liveness, master, runs, store } = this.#context;
    const entry = { name, by, from: this.#remote };
    const { id, log, failure } = await archive.begin(entry, (error) => unkept(error));
    const unkept = ({ message }: Error): void => {
      run.said(`${message}; what the run shows from now on is not kept`);
    };
    const run = new BridgedRun(id, offer.encoded, store, (answer) => {
      void this.#link.send(answer);
    }, { liveness, log });
    runs.set(id, { run, stop: (how) => this.#end({ kind: "told", how }) });
    if (failure !== undefined) unkept(failure);
    archive.follow(id, () => ({ running: run.state.running.size, spawned: run.state.spawns }));
    this.#run = run;
    this.#shown = this.#show(run);
    this.#archived = run.over.then(async () => {
      runs.delete(id);
      if (run.state.spawns === 0) await archive.discard(id);
      else await archive.end(id, exitCodeOf(run.state) ?? LOST_CODE);
    });
    if (this.#detached) run.stdin({ type: "stdin-end" });
    master.open(id, newKey(), run);
    return run;
  }

  async #begin(run: BridgedRun, name: string, resources: Resources): Promise<void> {
    this.#begun = true;
    void this.#link.send({ type: "accepted", run: run.id });
    await this.#context.master.first(run.id, name, resources, this.#tellWait(resources));
    await run.over;
    await this.#shown;
    this.#answer({ type: "over" });
  }

  /** Sends deploy the events of the run, as fast as it takes them. */
  async #show(run: BridgedRun): Promise<void> {
    for await (const { records } of run.view()) {
      for (const { body } of records) await this.#link.sendBody(body);
      if (this.#link.over) return;
    }
  }

  #end(cause: EndCause): void {
    const [run, answered] = [this.#run, this.#answered];
    const [begun, detached] = [this.#begun, this.#detached];
    const state = { opened: run !== undefined, begun, answered, detached };
    const decision = decideEnd(cause, state);
    if (decision === "drop-deployment") this.#link.drop();
    else if (decision !== "nothing") this.#context.master.end(run!.id, decision.endRun);
  }

  async #tellWaits(): Promise<void> {
    const lines = await this.#run?.waitLines() ?? [];
    void this.#link.send({ type: "waits", lines: lines.slice(0, MAX_WAITING) });
  }

  #tellWait(resources: Resources): () => void {
    return () => void this.#link.send({ type: "waiting", resources });
  }
}
