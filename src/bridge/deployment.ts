/** One deployment: from the offer of a program to the last event of its run. */

import { decideEnd, type EndCause } from "../core/run_end.ts";
import { messageOf, ProtocolError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import type { Pid } from "../core/pid.ts";
import { DEFAULT_RESOURCES, resolveResources, type Resources } from "../core/resources.ts";
import type { Termination } from "../core/signals.ts";
import { TrialBootError } from "../core/trial_boot_error.ts";
import { PIECE_BYTES } from "../core/manifest.ts";
import { decodeRunSpec, manifestsOf } from "../wire/run_spec.ts";
import type { Store } from "../store/store.ts";
import { StoreError } from "../store/store_error.ts";
import { inflate } from "../wire/deflate.ts";
import { newKey } from "../net/protocol.ts";
import type { LivenessOptions } from "../net/liveness.ts";
import type { BridgeToDeploy, DeployToBridge } from "../wire/run_messages.ts";
import { Attachment, type DeployLink } from "./attachment.ts";
import { BridgedRun, type StdinAnswer } from "./bridged_run.ts";
import { type Caller, didLine, nameOf, whyNotDeploy } from "./caller.ts";
import type { MasterClient } from "./master_client.ts";
import { exitCodeOf } from "../run/run_state.ts";
import { needMessages, Offer } from "./offer.ts";
import { LOST_CODE, type RunArchive } from "./run_archive.ts";
import { RunStdin } from "./run_stdin.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What all deployments of a bridge have in common. */
export interface DeploymentContext {
  readonly store: Store;
  readonly master: MasterClient;
  readonly liveness: LivenessOptions;
  readonly logger: Logger;
  /** The runs that nodes may ask for, and viewers. */
  readonly runs: Map<string, ActiveRun>;
  /** All who are shown a run, by their tokens; also those who may come back. */
  readonly attachments: Map<string, Attachment>;
  /** All runs that are known, and their logs. */
  readonly archive: RunArchive;
  /** How many runs each person may have at a time. @default any number */
  readonly mostRuns?: number | undefined;
}

/** A run that is not over. */
export interface ActiveRun {
  readonly run: BridgedRun;
  readonly stdin: RunStdin;
  /** Ends it as `how` says. */
  stop(how: Termination): void;
  /** Ends one of its processes as `how` says. */
  stopProcess(pid: Pid, how: Termination): void;
}

export class Deployment {
  readonly #link: DeployLink;
  readonly #context: DeploymentContext;
  readonly #gone = new AbortController();
  #offer: Offer | undefined;
  /** The request of deploy, once it came; resolves when it is done, and never rejects. */
  #asked: Promise<void> | undefined;
  #run: BridgedRun | undefined;
  /** Deploy as a viewer of the run, once that exists. */
  #attachment: Attachment | undefined;
  /** Resolves when the run is over, and listed as such. */
  #archived: Promise<void> = Promise.resolve();
  /** The first process of the run has been asked for. */
  #begun = false;
  /** How long the run has if deploy is gone. */
  #graceMs = 0;
  #detached = false;
  readonly #caller: Caller;
  /** Who deploys, as they say. */
  #says = "";
  /** The last message has been sent: later messages are ignored. */
  #answered = false;

  constructor(link: DeployLink, caller: Caller, context: DeploymentContext) {
    this.#link = link;
    this.#caller = caller;
    this.#context = context;
  }

  /**
   * Serves the link until it ends. Once the run has begun, another link may replace it: see
   * {@linkcode Attachment}. Resolves when the run is over, and everything is released. `messages` are those
   * of the link after the first.
   *
   * @throws {ProtocolError} If deploy breaks the protocol.
   */
  async serve(first: DeployToBridge, messages: AsyncIterable<DeployToBridge>): Promise<void> {
    try {
      await this.#take(first);
      for await (const message of messages) await this.#take(message);
    } catch (error) {
      if (error instanceof ProtocolError) this.#link.drop(error);
      throw error;
    } finally {
      this.#link.drop();
      const isBroken = await this.#link.ended instanceof ProtocolError;
      if (!this.#begun) this.#gone.abort(new Error("the deployment was cancelled"));
      if (this.#attachment === undefined) this.#leave();
      else this.#attachment.left(this.#link, isBroken || !this.#begun);
      await this.#asked;
      await this.#archived;
      await this.#offer?.release();
    }
  }

  async #take(message: DeployToBridge): Promise<void> {
    if (message.type === "bye") {
      this.#attachment?.take(message);
      return this.#link.drop();
    }
    if (this.#begun) return this.#attachment!.take(message);
    if (this.#answered) return;
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
        this.#says = message.by;
        this.#detached = message.detached;
        this.#asked = this.#orRefuse(this.#start(this.#offer, message));
        return;
      case "check":
        this.#begins("check");
        this.#asked = this.#orRefuse(this.#check(message));
        return;
      case "stop":
        return this.#told(message);
      case "why":
        return this.#attachment?.take(message);
    }
    throw new ProtocolError(`"${message.type}" out of order`);
  }

  #begins(what: string): void {
    if (this.#offer === undefined && this.#asked === undefined) return;
    throw new ProtocolError(`"${what}" out of order`);
  }

  /** Sends the last message. Deploy closes the connection, having read it. */
  #answer(message: Extract<BridgeToDeploy, { type: "over" | "fits" | "refused" }>): void {
    this.#answered = true;
    if (this.#attachment === undefined || message.type === "fits") void this.#link.send(message);
    else this.#attachment.finish(message);
  }

  /** Deploy is gone for good. */
  #leave(): void {
    this.#end({ kind: "deployer-gone", graceMs: this.#graceMs });
  }

  /** Begins to get the files of the offered program. */
  #look(encoded: Bytes): void {
    const need = (pieces: readonly string[]): void => this.#need(pieces);
    const { store } = this.#context;
    try {
      this.#offer = new Offer(encoded, { store, need, signal: this.#gone.signal });
    } catch (error) {
      this.#refuse(error);
    }
  }

  #need(pieces: readonly string[]): void {
    for (const message of needMessages(pieces)) void this.#link.send(message);
  }

  async #put(hash: string, bytes: Bytes): Promise<void> {
    if (this.#offer === undefined) throw new ProtocolError("a piece that was not requested");
    await this.#offer.put(hash, bytes);
  }

  /** Runs the offered program as soon as it has arrived. */
  async #start(
    offer: Offer,
    asked: Extract<DeployToBridge, { type: "run" }>,
  ): Promise<void> {
    await offer.files;
    this.#gone.signal.throwIfAborted();
    const sized = (resources: Resources) => resolveResources(asked.resources, resources);
    const run = await this.#open(offer, asked);
    if (this.#gone.signal.aborted) {
      this.#attachment?.left(this.#link, true);
      return this.#end({ kind: "not-started" });
    }
    // The trial boot runs on the node that will probably host the first process, which then has booted
    // already.
    const guess = sized(DEFAULT_RESOURCES);
    const needs = await this.#context.master.try(run.id, guess, this.#tellWait(guess));
    // Its link may have ended just now: then it would never learn that the run has begun.
    const isWanted = !this.#gone.signal.aborted && !this.#link.over;
    if (isWanted) await this.#begin(run, offer.spec.name, sized(needs));
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
      if (!this.#context.master.over) this.#refuse(error);
      // Without its master the bridge ends, and tells its viewers so.
      else if (this.#attachment === undefined) this.#link.drop();
    }
  }

  #refuse(error: unknown): void {
    this.#end({ kind: "not-started" });
    const output = error instanceof TrialBootError ? error.written() : new Uint8Array();
    // Its folder is none of the machine that deploys, nor of a node.
    const where = error instanceof StoreError ? "The bridge cannot take the program: " : "";
    const why = where + messageOf(error);
    if (!this.#link.over) this.#context.logger.debug(`refused a deployment: ${why}`);
    this.#answer({ type: "refused", why, output });
  }

  async #open(
    offer: Offer,
    { name, by }: Extract<DeployToBridge, { type: "run" }>,
  ): Promise<BridgedRun> {
    const { archive, liveness, logger, master, runs, store, mostRuns } = this.#context;
    const entry = { name, by: nameOf(this.#caller, by), from: this.#caller.remote };
    const why = mostRuns && whyNotDeploy(entry.by, archive.list(), mostRuns);
    // It is listed before anything else is awaited, so that two at once do not pass.
    if (why) throw new Error(why);
    const { id, log, processes, doings, failure } = await archive.begin(
      entry,
      (error) => unkept(error),
    );
    const unkept = ({ message }: Error): void => {
      run.said(`${message}; what the run shows from now on is not kept`);
    };
    const stdin: RunStdin = new RunStdin({
      pass: (message) => run.stdin(message),
      awaited: () =>
        run.said(`the first process reads stdin: give it some with deploy attach ${id}`),
    });
    const run: BridgedRun = new BridgedRun(
      ...[id, offer.encoded, store, (answer: StdinAnswer) => stdin.answer(answer)] as const,
      { by: entry.by, liveness, log, processes, doings, waitingSpawns: () => master.waiting(id) },
    );
    runs.set(id, {
      ...{ run, stdin },
      stop: (how) => this.#end({ kind: "told", how }),
      stopProcess: (pid, how) => master.endProcess(id, pid, how),
    });
    // Before its first process, which is booted for a trial.
    logger.info(didLine(this.#caller, by, `deployed run ${id} (${name})`));
    if (failure !== undefined) unkept(failure);
    archive.follow(id, () => ({ running: run.state.running.size, spawned: run.state.spawns }));
    this.#run = run;
    this.#attachment = this.#attach(run, stdin);
    this.#archived = run.over.then(async () => {
      runs.delete(id);
      if (run.state.spawns === 0) await archive.discard(id);
      else await archive.end(id, exitCodeOf(run.state) ?? LOST_CODE);
    });
    master.open(id, newKey(), run);
    return run;
  }

  /** Begins to show deploy the run. */
  #attach(run: BridgedRun, stdin: RunStdin): Attachment {
    const { attachments, liveness: { reconnectMs: waitMs } } = this.#context;
    const attachment = new Attachment(run, {
      ...{ stdin, waitMs, holdsPlace: true, inspected: run },
      stop: (how) => this.#told(how),
      detach: () => this.#detached = true,
      lost: (lostMs) => {
        const seconds = Math.round(lostMs / 1_000);
        const why = `deploy at ${this.#caller.remote} has been gone for ${seconds} s`;
        this.#end({ kind: "deployer-lost", lostMs, waitMs, graceMs: this.#graceMs }, why);
      },
      gone: () => {
        attachments.delete(attachment.token);
        this.#leave();
      },
    });
    attachments.set(attachment.token, attachment);
    attachment.begin(this.#link);
    return attachment;
  }

  async #begin(run: BridgedRun, name: string, resources: Resources): Promise<void> {
    this.#begun = true;
    void this.#link.send({ type: "accepted", run: run.id, token: this.#attachment!.token });
    await this.#context.master.first(run.id, name, resources, this.#tellWait(resources));
    await run.over;
    this.#answer({ type: "over", code: exitCodeOf(run.state) ?? LOST_CODE });
  }

  /** Deploy tells the run to stop. */
  #told(how: Termination): void {
    if (this.#run !== undefined) {
      this.#context.logger.info(
        didLine(this.#caller, this.#says, `told run ${this.#run.id} to stop`),
      );
    }
    this.#end({ kind: "told", how });
  }

  /** Does what is decided about that cause. If the run is told to stop, its viewers are told `why`. */
  #end(cause: EndCause, why?: string): void {
    const [run, answered] = [this.#run, this.#answered];
    const [begun, detached] = [this.#begun, this.#detached];
    const state = { opened: run !== undefined, begun, answered, detached };
    const decision = decideEnd(cause, state);
    if (decision === "drop-deployment") this.#link.drop();
    if (typeof decision !== "object") return;
    if (why !== undefined) run!.said(`the run was told to stop: ${why}`);
    this.#context.master.end(run!.id, decision.endRun);
  }

  #tellWait(resources: Resources): () => void {
    return () => void this.#link.send({ type: "waiting", resources });
  }
}
