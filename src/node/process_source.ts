/** Where the booted processes of a run on one node come from: its trial boot, a spare, or a boot for the occasion. */

import { SpawnError } from "../core/errors.ts";
import { inspectMode } from "../core/inspection.ts";
import { NodeFaultError } from "../core/node_fault.ts";
import type { Resources } from "../core/resources.ts";
import type { SpawnRequest } from "../core/roles.ts";
import { TrialBootError } from "../core/trial_boot_error.ts";
import { WaitNotice } from "../core/wait_notice.ts";
import { visibleLine } from "../core/visible.ts";
import {
  type BootedProcess,
  Booter,
  type BooterOptions,
  type BootOptions,
  DeadBootError,
  endBooted,
} from "../host/booter.ts";
import type { StdinKind } from "../host/child_process.ts";
import type { RunContext } from "../host/run_context.ts";
import { SparePool } from "../host/spare_pool.ts";
import { FirstBoot } from "../host/trial_boot.ts";
import { notStartedError, runIsEnding, startError } from "./launch_errors.ts";

/** What is booted, and what for. */
export interface ProcessSourceOptions
  extends BooterOptions, Pick<RunContext, "sink" | "inspection" | "startTimer"> {
  /** How many booted processes may wait to be spawned. */
  readonly maxSpares: number;
  /** After how long without a spawn none wait. @default 5 s */
  readonly spareIdleMs?: number;
  /** The stdin of the first process. @default "piped" */
  readonly firstStdin?: "piped" | "inherit";
}

export class ProcessSource {
  readonly #options: ProcessSourceOptions;
  readonly #booter: Booter;
  readonly #spares: SparePool;
  /** Says of processes that wait for their turn to boot that they do. */
  readonly #waits: WaitNotice;
  /** The first process, if there was a trial boot. */
  #first: FirstBoot | undefined;
  /** The first process, if it boots already although nobody has launched it. */
  #prepared: Promise<BootedProcess> | undefined;
  #stopping = false;

  /** Starts to listen for control links, on a free port. */
  constructor(options: ProcessSourceOptions) {
    this.#options = options;
    this.#booter = new Booter(options);
    const { maxSpares: max, spareIdleMs: idleMs, logger } = options;
    this.#spares = new SparePool(this.#booter, { max, idleMs, logger });
    this.#waits = new WaitNotice(options.startTimer, (text) => {
      void options.sink({ event: "said", text, time: Date.now() });
    });
  }

  /** The folder with the sockets of the run's processes, where it is now; `undefined` if there is none. */
  get sockets(): string | undefined {
    return this.#booter.sockets;
  }

  /** The number of spares. */
  get spares(): number {
    return this.#spares.size;
  }

  /**
   * Does a trial boot of the first process, and returns what it needs. Unless spares are turned off, it waits for
   * some seconds to be taken.
   *
   * @throws {TrialBootError} If the trial boot fails.
   * @throws {NodeFaultError} If this machine lacks something for it; then it can be done again.
   * @throws {SpawnError} `lost` if the run is ending.
   */
  async needs(): Promise<Resources> {
    const ending = "Cannot try the program: the run is ending";
    if (this.#stopping) throw new SpawnError("lost", ending);
    const first = this.#first ??= new FirstBoot(this.#booter, {
      startTimer: this.#options.startTimer,
      onWait: this.#tellWait("the first process"),
    });
    try {
      const needs = await first.needs();
      if (this.#options.maxSpares === 0) await first.drop();
      return needs;
    } catch (cause) {
      if (this.#stopping) throw new SpawnError("lost", ending, { cause });
      const fault = cause instanceof TrialBootError ? cause.fault : undefined;
      if (fault === undefined) throw cause;
      if (this.#first === first) this.#first = undefined;
      throw new NodeFaultError("Cannot start the program", this.#options.node, fault, { cause });
    }
  }

  /**
   * Takes one that has booted already, or is about to have; `undefined` if there is none for that request.
   *
   * @param alone Whether no other spawn is in progress.
   */
  async takeBooted(request: SpawnRequest, alone: boolean): Promise<BootedProcess | undefined> {
    if (this.#isInspected(request)) return void await this.#first?.drop();
    // Unlike spawned processes, the first one has a stdin; and spares have the permissions of the program.
    if (request.function === null) return await this.#first?.take();
    if (request.permissions !== undefined) return undefined;
    return await this.#spares.take(alone, request.resources);
  }

  /** Begins to boot the first process, before it is launched as this request says. */
  prepare(request: SpawnRequest): void {
    this.#prepared = this.#boot(request);
    this.#prepared.catch(() => {}); // whoever launches it gets the error
  }

  /**
   * Boots one for that request.
   *
   * @throws {SpawnError} If it cannot be started, or ends before it is ready; `lost` if the run is ending.
   */
  async boot(request: SpawnRequest): Promise<BootedProcess> {
    const prepared = request.function === null ? this.#prepared : undefined;
    if (prepared === undefined) return await this.#boot(request);
    this.#prepared = undefined;
    return await prepared;
  }

  async #boot(request: SpawnRequest): Promise<BootedProcess> {
    try {
      return await this.#booter.boot({
        stdin: this.#stdinOf(request),
        resources: request.resources,
        onWait: this.#tellWait(visibleLine(request.name)),
        inspected: this.#isInspected(request),
        permissions: request.permissions,
      });
    } catch (cause) {
      if (this.#stopping) throw runIsEnding(request);
      const { node } = this.#options;
      throw cause instanceof DeadBootError
        ? await notStartedError(request, node, cause)
        : startError(request, node, cause);
    }
  }

  /** Boots missing spares soon. */
  refill(): void {
    this.#spares.refill();
  }

  /** Ends what processes that have ended left behind. */
  async endLeft(): Promise<void> {
    await this.#booter.endLeft();
  }

  /** Boots nothing more, and ends what nobody has taken; resolves when that is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#booter.stop();
    await Promise.allSettled([
      this.#spares.close(),
      this.#first?.drop(),
      this.#prepared?.then(endBooted),
    ]);
  }

  /** No control link is needed any more: all processes are gone. */
  async close(): Promise<void> {
    await this.#booter.close();
  }

  /** Says, after a while, that a process waits for its turn to boot, and for how many others. */
  #tellWait(name: string): BootOptions["onWait"] {
    const { node } = this.#options;
    const { places } = this.#booter.boots.gate;
    const where = node === null ? "this machine" : `node ${node}`;
    return (before) =>
      this.#waits.begin(() =>
        `${name} has waited for 10 s to be started: ${where} starts ${places} at a time; ` +
        `before it: ${before()}`
      );
  }

  /** An inspected process boots with an inspector, which others do not have. */
  #isInspected(request: SpawnRequest): boolean {
    return inspectMode(this.#options.inspection, request) !== undefined;
  }

  #stdinOf(request: SpawnRequest): StdinKind {
    return request.function === null ? this.#options.firstStdin ?? "piped" : "null";
  }
}
