/** The trial boot: finds out what a program needs, from the `init()` of its first process. */

import { messageOf } from "../core/errors.ts";
import { TrialBootError } from "../core/trial_boot_error.ts";
import type { Logger } from "../core/logger.ts";
import type { Resources } from "../core/resources.ts";
import { newKey } from "../net/handshake.ts";
import { type BootedProcess, Booter, DeadBootError, endBooted } from "./booter.ts";
import { adviceFor, deadStart, describeEnd } from "./not_started.ts";
import type { Program } from "./program.ts";

/** How long a program may take to reach `init()`. */
export const TRIAL_TIMEOUT_MS = 10_000;

/** How long a first process waits to be launched after its trial boot. */
const PATIENCE_MS = 5_000;

/**
 * A first process that boots before it is known whether it will run here.
 *
 * It is not a process of the run until it is taken: it is not shown, and the output of its prelude is held.
 * If it is not taken within some seconds, it is ended.
 */
export class FirstBoot {
  readonly #booted: Promise<BootedProcess>;
  readonly #unwanted = new AbortController();
  #taken = false;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #dropped: Promise<void> | undefined;

  constructor(booter: Booter) {
    this.#booted = this.#boot(booter);
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
    clearTimeout(this.#patience);
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

  async #boot(booter: Booter): Promise<BootedProcess> {
    const late = AbortSignal.timeout(TRIAL_TIMEOUT_MS);
    const signal = AbortSignal.any([late, this.#unwanted.signal]);
    try {
      const booted = await booter.boot({ stdin: "piped", signal });
      if (!this.#taken) this.#patience = setTimeout(() => void this.drop(), PATIENCE_MS);
      return booted;
    } catch (cause) {
      if (!(cause instanceof DeadBootError)) {
        throw new TrialBootError(`Cannot start: ${messageOf(cause)}`, []);
      }
      const start = await deadStart(cause.child);
      const how = late.aborted
        ? `did not reach await init() within ${TRIAL_TIMEOUT_MS / 1_000} s`
        : `${describeEnd(start)} before await init()${adviceFor(start)}`;
      throw new TrialBootError(`Cannot start: the program ${how}`, start.output);
    }
  }
}

/**
 * Boots `program` as far as `init()`, which states the needs of the first process, and ends it.
 *
 * @throws {TrialBootError} As {@linkcode FirstBoot.needs}.
 * @throws The reason of `signal`, if that is aborted; the program is ended then, too.
 */
export async function trialBoot(
  program: Program,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Promise<Resources> {
  signal.throwIfAborted();
  const booter = new Booter({
    program,
    logger,
    hostname: "127.0.0.1",
    reachable: false,
    key: newKey(),
    willFolder: null,
  });
  const first = new FirstBoot(booter);
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
