/** The trial boot: finds out what a program needs, from the `init()` of its first process. */

import { messageOf } from "../core/errors.ts";
import { TrialBootError } from "../core/trial_boot_error.ts";
import type { Logger } from "../core/logger.ts";
import type { Resources } from "../core/resources.ts";
import { type StartTimer, startTimer } from "../core/timer.ts";
import { newKey } from "../net/protocol.ts";
import {
  type BootedProcess,
  Booter,
  type BootOptions,
  DeadBootError,
  endBooted,
} from "./booter.ts";
import type { Boots } from "./boots.ts";
import { faultOf } from "./node_fault.ts";
import { adviceFor, deadStart, describeEnd, faultOfStart } from "./not_started.ts";
import type { Program } from "./program.ts";

/** How long a program may take to reach `init()`. */
const TRIAL_TIMEOUT_MS = 10_000;

/** How long a first process waits to be launched after its trial boot. */
const PATIENCE_MS = 5_000;

/** How a first process boots on trial. */
export interface FirstBootOptions {
  /** Measures how long it takes to boot, and then waits to be launched. @default real time */
  readonly startTimer?: StartTimer;
  /** As in `BootOptions`. */
  readonly onWait?: BootOptions["onWait"];
}

/**
 * A first process that boots before it is known whether it will run here.
 *
 * It is not a process of the run until it is taken: it is not shown, and the output of its prelude is held.
 * If it is not taken within some seconds, or others that boot on trial need its place, it is ended.
 */
export class FirstBoot {
  readonly #booted: Promise<BootedProcess>;
  readonly #startTimer: StartTimer;
  readonly #unwanted = new AbortController();
  #taken = false;
  /** It no longer waits to be launched. */
  #waited = (): void => {};
  #dropped: Promise<void> | undefined;

  constructor(booter: Booter, options: FirstBootOptions = {}) {
    this.#startTimer = options.startTimer ?? startTimer;
    const { onWait } = options;
    this.#booted = this.#boot(booter, onWait);
    this.#booted.catch(() => {}); // the caller gets the error
  }

  /**
   * The resources that the program requests.
   *
   * @throws {TrialBootError} If it cannot be started, or if it ends, or 10 s pass, before it has called
   * `init()`.
   */
  async needs(): Promise<Resources> {
    return (await this.#booted).arrival.needs;
  }

  /** Returns the process, once, if it has booted; `undefined` otherwise. */
  async take(): Promise<BootedProcess | undefined> {
    if (this.#taken) return undefined;
    this.#taken = true;
    this.#waited();
    return await this.#booted.catch(() => undefined);
  }

  /** Ends it, unless it was taken; resolves when it is gone. */
  drop(): Promise<void> {
    return this.#dropped ??= this.#drop();
  }

  async #drop(): Promise<void> {
    if (this.#taken) return;
    this.#unwanted.abort();
    const booted = await this.take();
    if (booted !== undefined) await endBooted(booted);
  }

  async #boot(booter: Booter, onWait: BootOptions["onWait"]): Promise<BootedProcess> {
    const { signal } = this.#unwanted;
    try {
      const limit = { limitMs: TRIAL_TIMEOUT_MS, startTimer: this.#startTimer };
      const booted = await booter.boot({ stdin: "piped", signal, ...limit, onWait });
      if (!this.#taken) this.#wait(booter.boots);
      return booted;
    } catch (cause) {
      if (!(cause instanceof DeadBootError)) {
        throw new TrialBootError(`Cannot start: ${messageOf(cause)}`, [], faultOf(cause));
      }
      const start = await deadStart(cause.child);
      const isLate = cause.lateMs !== undefined;
      const how = isLate
        ? `did not reach await init() within ${TRIAL_TIMEOUT_MS / 1_000} s`
        : `${describeEnd(start)} before await init()${adviceFor(start)}`;
      const fault = isLate ? undefined : faultOfStart(start);
      throw new TrialBootError(`Cannot start: the program ${how}`, start.output, fault);
    }
  }

  /** It has booted: from now on it waits to be launched, for a while, and with few others. */
  #wait(boots: Boots): void {
    const drop = (): void => void this.drop();
    const gone = boots.tried(drop);
    const cancel = this.#startTimer(PATIENCE_MS, drop);
    this.#waited = () => {
      gone();
      cancel();
    };
  }
}

/** How a program is booted on trial by itself. */
export interface TrialBootOptions extends Pick<FirstBootOptions, "startTimer"> {
  readonly logger: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/**
 * Boots `program` as far as `init()`, which states the needs of the first process, and ends it.
 *
 * @throws {TrialBootError} As {@linkcode FirstBoot.needs}.
 * @throws The reason of `signal`, if that is aborted; the program is ended then, too.
 */
export async function trialBoot(
  program: Program,
  { logger, signal, startTimer }: TrialBootOptions,
): Promise<Resources> {
  signal.throwIfAborted();
  const booter = new Booter({
    program,
    logger,
    hostname: "127.0.0.1",
    reachable: false,
    key: newKey(),
    willFolder: null,
    node: null,
  });
  const first = new FirstBoot(booter, startTimer && { startTimer });
  const end = (): void => void first.drop();
  signal.addEventListener("abort", end);
  try {
    return await first.needs();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", end);
    await first.drop();
    await booter.close();
  }
}
