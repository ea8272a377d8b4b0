/** Looks at what the files of a run take on the disk, now and then. */

import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { type StartTimer, startTimer } from "../core/timer.ts";
import {
  type DiskLook,
  DiskSum,
  FORMAT,
  judgeDisk,
  leastPauseMs,
  mostEntries,
} from "./disk_limit.ts";
import type { DiskShare } from "./person_disk.ts";

/** Some folders, and how much may be in them. */
export interface DiskLimit {
  readonly folders: readonly string[];
  readonly mostBytes: number;
}

/** When it looks first, in ms after the start. */
const FIRST_MS = 1_000;

export interface DiskWatchOptions {
  /** Where the folders of a run are now. */
  readonly folders: () => readonly string[];
  /** How much may be in them. */
  readonly mostBytes: number;
  /** Called each time that there is more, with the reason for the end of the run's processes. */
  readonly over: (why: string) => void;
  /** What it takes of what all runs of its person may take. @default that is not limited */
  readonly share?: Pick<DiskShare, "took"> | undefined;
  readonly logger: Logger;
  /** @default real time */
  readonly startTimer?: StartTimer;
  /** @default {@linkcode lookAtDisk} */
  readonly look?: (limit: DiskLimit, signal: AbortSignal) => Promise<DiskLook>;
}

/**
 * Looks until it is stopped. A process of its own does that, so that a million files hold up nobody, and no more of
 * them than the limit allows.
 */
export class DiskWatch {
  readonly #options: DiskWatchOptions;
  readonly #stopping = new AbortController();
  #cancel: () => void = () => {};
  #looking: Promise<void> = Promise.resolve();

  constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#arm(FIRST_MS);
  }

  /** Looks no more; resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancel();
    await this.#looking;
  }

  #arm(afterMs: number): void {
    const { startTimer: start = startTimer } = this.#options;
    this.#cancel = start(afterMs, () => this.#looking = this.#look());
  }

  async #look(): Promise<void> {
    const { over, logger, look = lookAtDisk, mostBytes, share } = this.#options;
    const { signal } = this.#stopping;
    const folders = this.#options.folders();
    try {
      const found = await look({ folders, mostBytes }, signal);
      if (signal.aborted) return;
      const verdict = judgeDisk(found, mostBytes);
      if (verdict.kind === "over") over(verdict.why);
      const ownMs = verdict.kind === "within" ? verdict.nextMs : FIRST_MS;
      this.#arm(
        Math.min(ownMs, Math.max(leastPauseMs(found), share?.took(found.usedBytes) ?? ownMs)),
      );
    } catch (error) {
      if (signal.aborted) return;
      logger.about("disk", `cannot look at what is in ${folders[0]}: ${messageOf(error)}`);
      this.#arm(FIRST_MS);
    }
  }
}

/**
 * What is in the folders, up to one entry more than can be within the limit.
 *
 * @throws {Error} If that cannot be found out.
 * @throws The reason of `signal`.
 */
export async function lookAtDisk(
  { folders, mostBytes }: DiskLimit,
  signal: AbortSignal,
): Promise<DiskLook> {
  // Without any, find would go through the working directory.
  if (folders.length === 0) return { usedBytes: 0, tookMs: 0 };
  const startMs = performance.now();
  const child = new Deno.Command("find", {
    args: [...folders, "-xdev", "-printf", FORMAT],
    ...{ stdin: "null", stdout: "piped", stderr: "null", cwd: "/", signal },
  }).spawn();
  const sum = new DiskSum();
  const most = mostEntries(mostBytes);
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    sum.add(text);
    // The rest is left out: closing the pipe ends it.
    if (sum.entries >= most && sum.bytes > mostBytes) break;
  }
  await child.status;
  signal.throwIfAborted();
  return { usedBytes: sum.bytes, tookMs: performance.now() - startMs };
}

/** Whether this system has what {@linkcode lookAtDisk} needs. */
export async function canLookAtDisk(): Promise<boolean> {
  try {
    const args = ["/", "-maxdepth", "0", "-printf", ""];
    return (await new Deno.Command("find", { args, stdin: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
