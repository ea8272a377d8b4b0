/** One deployment: from the offer of a program to the last event of its run. */

import type { Logger } from "../core/logger.ts";
import { randomId } from "../core/pid.ts";
import { resolveResources, type Resources } from "../core/resources.ts";
import { runProgram, thisRuntime } from "../node/run_program.ts";
import type { Manifest } from "../store/manifest.ts";
import { parseRunSpec, type RunSpec } from "../store/run_spec.ts";
import type { FetchPieces, PutPiece, Store, StoredFile } from "../store/store.ts";
import { eventMessage } from "../wire/event_messages.ts";
import type { MessageLink } from "../wire/message_link.ts";
import { ProtocolError } from "../wire/protocol_error.ts";
import type { BridgeToDeploy, DeployToBridge } from "../wire/run_messages.ts";
import { BridgedRun } from "./bridged_run.ts";
import type { MasterClient } from "./master_client.ts";
import { recce, RecceError } from "./recce.ts";

/** The link to whoever deploys. */
export type DeployLink = MessageLink<BridgeToDeploy, DeployToBridge>;

/** What all deployments of a bridge have in common. */
export interface DeploymentContext {
  readonly store: Store;
  readonly master: MasterClient;
  readonly logger: Logger;
  /** The runs that nodes may ask for. */
  readonly runs: Map<string, BridgedRun>;
}

/** A program that was offered, while its files arrive. */
interface Offer {
  readonly text: string;
  readonly spec: RunSpec;
  readonly files: Promise<StoredFile[]>;
}

const KEY_BYTES = 32;

export class Deployment {
  readonly #link: DeployLink;
  readonly #context: DeploymentContext;
  /** For each piece that deploy was asked for, who waits for it. */
  readonly #awaited = new Map<string, ((bytes: Uint8Array<ArrayBuffer>) => Promise<void>)[]>();
  readonly #gone = new AbortController();
  #offer: Offer | undefined;
  #asked = false;
  #run: BridgedRun | undefined;
  #over = false;

  constructor(link: DeployLink, context: DeploymentContext) {
    this.#link = link;
    this.#context = context;
  }

  /**
   * Serves the link until it ends, and ends the run then, if that is not over.
   *
   * @throws {ProtocolError} If it sends what it must not.
   */
  async serve(): Promise<void> {
    try {
      for await (const message of this.#link.messages()) await this.#take(message);
    } finally {
      this.#link.drop();
      this.#gone.abort(new Error("the deployment was given up"));
      if (this.#run !== undefined && !this.#over) this.#context.master.end(this.#run.id);
      // What has arrived may be removed when room is needed, unless the run holds it.
      const files = await this.#offer?.files.catch(() => []) ?? [];
      await this.#run?.over;
      for (const file of files) await file.release();
    }
  }

  async #take(message: DeployToBridge): Promise<void> {
    switch (message.type) {
      case "offer":
        if (this.#offer !== undefined) throw new ProtocolError("a second offer");
        return this.#look(message.spec);
      case "piece":
        return await this.#put(message.hash, message.bytes);
      case "run": {
        if (this.#offer === undefined || this.#asked) throw new ProtocolError(`"run" out of order`);
        this.#asked = true;
        void this.#start(this.#offer, message);
        return;
      }
      case "stdin":
      case "stdin-end":
        return this.#run?.stdin(message);
      case "kill":
        if (this.#run !== undefined) this.#context.master.end(this.#run.id);
        else this.#link.drop();
        return;
    }
  }

  /** Begins to get what the store lacks of the program's files, each of which is asked for once. */
  #look(text: string): void {
    const spec = parseRunSpec(text);
    const manifests = [spec.manifest, ...spec.includes.map(({ manifest }) => manifest)];
    const files = Promise.all(manifests.map((manifest) => this.#ensure(manifest)));
    files.catch(() => {}); // looked at when it is to be run, or when deploy is gone
    this.#offer = { text, spec, files };
  }

  async #ensure(manifest: Manifest): Promise<StoredFile> {
    let asked = false;
    const fetch: FetchPieces = async (missing, put) => {
      asked = true;
      const arrivals = missing.map((index) =>
        this.#arrival(manifest.pieces[index] ?? "", index, put)
      );
      await this.#link.send({
        type: "need",
        pieces: missing.map((at) => manifest.pieces[at] ?? ""),
      });
      const gone = Promise.withResolvers<never>();
      const { signal } = this.#gone;
      const abort = () => gone.reject(signal.reason);
      signal.addEventListener("abort", abort);
      if (signal.aborted) abort();
      try {
        await Promise.race([Promise.all(arrivals), gone.promise]);
      } finally {
        signal.removeEventListener("abort", abort);
      }
    };
    const file = await this.#context.store.ensure(manifest, fetch);
    if (!asked) await this.#link.send({ type: "need", pieces: [] });
    return file;
  }

  /** Resolves when a piece has come and has been put where it belongs. */
  #arrival(hash: string, index: number, put: PutPiece): Promise<void> {
    return new Promise((resolve, reject) => {
      const take = async (bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
        try {
          await put(index, bytes);
          resolve();
        } catch (error) {
          reject(error);
          throw error;
        }
      };
      const others = this.#awaited.get(hash);
      if (others === undefined) this.#awaited.set(hash, [take]);
      else others.push(take);
    });
  }

  async #put(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const takers = this.#awaited.get(hash);
    if (takers === undefined) throw new ProtocolError("a piece that nobody asked for");
    this.#awaited.delete(hash);
    for (const take of takers) await take(bytes);
  }

  /** Runs what was offered as soon as it is here; says so if that cannot be. */
  async #start(
    offer: Offer,
    asked: Extract<DeployToBridge, { type: "run" }>,
  ): Promise<void> {
    try {
      const files = await offer.files;
      const needs = await this.#recce(offer.spec, files);
      const resources = resolveResources({
        mem: asked.mem ?? needs.mem,
        cpu: asked.cpu ?? needs.cpu,
      });
      if (this.#link.over) return;
      if (asked.dry) {
        const { message } = await this.#context.master.where(resources);
        await this.#link.send({ type: "fits", message });
        return await this.#link.close();
      }
      await this.#begin(offer, resources);
    } catch (error) {
      const output = error instanceof RecceError ? joined(error.output) : new Uint8Array();
      const why = error instanceof Error ? error.message : String(error);
      await this.#link.send({ type: "refused", why, output });
      await this.#link.close();
    }
  }

  async #recce(spec: RunSpec, files: readonly StoredFile[]): Promise<Resources> {
    const { store, logger } = this.#context;
    await using folder = await store.runFolder(`recce-${randomId()}`);
    const [main, ...includes] = files;
    if (main !== undefined) await folder.link(main, spec.main);
    for (const [index, file] of includes.entries()) {
      const { path, executable } = spec.includes[index]!;
      await folder.copy(file, path, { executable });
    }
    return await recce(runProgram(spec, folder.path, thisRuntime()), logger);
  }

  async #begin(offer: Offer, resources: Resources): Promise<void> {
    const { master, runs, store } = this.#context;
    const id = randomId();
    const run = new BridgedRun(id, store, {
      // Whoever deployed may be gone: then nobody is shown what the run does until it has ended.
      event: (event) => this.#link.send(eventMessage(event)),
      stdinTaken: (bytes) => void this.#link.send({ type: "stdin-taken", bytes }),
    });
    runs.set(id, run);
    this.#run = run;
    void run.over.then(() => runs.delete(id));
    master.open(id, crypto.getRandomValues(new Uint8Array(KEY_BYTES)), offer.text, run);
    await this.#link.send({ type: "accepted", run: id });
    await master.first(id, resources);
    await run.over;
    this.#over = true;
    await this.#link.send({ type: "over" });
    await this.#link.close();
  }
}

function joined(output: RecceError["output"]): Uint8Array<ArrayBuffer> {
  const size = output.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const all = new Uint8Array(size);
  let at = 0;
  for (const { bytes } of output) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return all;
}
