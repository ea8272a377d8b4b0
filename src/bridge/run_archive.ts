/**
 * The runs that a bridge knows, those that have ended included: an entry and a log for each, in a folder
 * that outlives the bridge.
 */

import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { DiskLog } from "../run/disk_log.ts";
import { MemoryLog } from "../run/memory_log.ts";
import type { RunEntry } from "../core/run_entry.ts";
import { isRunId, newRunId } from "../run/run_id.ts";
import type { RunLog } from "../run/run_log.ts";

/** How long an ended run is known, unless it is one of the latest. */
const KEPT_MS = 24 * 60 * 60 * 1_000;

/** How many ended runs are known, whatever their age. */
const KEPT_RUNS = 100;

/** The most ended runs that are known, however recent. */
const MAX_RUNS = 1_000;

/** The file with the entry, beside the files of the log. */
const ENTRY = "run.json";

/** The exit status of a run whose end is unknown, such as one whose bridge was killed. */
export const LOST_CODE = 1;

/** What a run is known by when it begins. */
export type NewEntry = Pick<RunEntry, "name" | "by" | "from">;

/** A run that begins. */
export interface BegunRun {
  readonly id: string;
  readonly log: RunLog;
  /** Why its log cannot be kept on disk. */
  readonly failure?: Error;
}

/** What a run that is running looks like now. */
type Progress = Pick<RunEntry, "running" | "spawned">;

/** How an archive is kept. */
export interface ArchiveOptions {
  /** The folder of this bridge's runs alone. */
  readonly folder: string;
  readonly logger: Logger;
  /** @default Date.now */
  readonly now?: () => number;
  /** @default Math.random */
  readonly random?: () => number;
}

export class RunArchive {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #random: () => number;
  /** In the order in which they began. */
  readonly #entries = new Map<string, RunEntry>();
  readonly #progress = new Map<string, () => Progress>();
  readonly #logs = new Map<string, RunLog>();
  /** Of runs that have ended: resolves when the log is closed. Never rejects. */
  readonly #closing = new Map<string, Promise<unknown>>();

  private constructor({ folder, logger, now, random }: ArchiveOptions) {
    this.#folder = folder;
    this.#logger = logger;
    this.#now = now ?? Date.now;
    this.#random = random ?? Math.random;
  }

  /**
   * Reads what an earlier bridge has left. Runs that had not ended then have ended with it.
   *
   * A folder that cannot be used is reported, and runs are then known as long as the bridge runs.
   */
  static async open(options: ArchiveOptions): Promise<RunArchive> {
    const archive = new RunArchive(options);
    try {
      await Deno.mkdir(options.folder, { recursive: true, mode: 0o700 });
      await archive.#read();
    } catch (error) {
      options.logger.warn(`cannot read the logs of runs in ${options.folder}: ${messageOf(error)}`);
    }
    return archive;
  }

  /** All runs that are known, in the order in which they began. */
  list(): RunEntry[] {
    return [...this.#entries.values()].map((entry) => ({
      ...entry,
      ...this.#progress.get(entry.id)?.(),
    }));
  }

  /**
   * Adds a run that begins. A log that cannot be kept on disk is kept in memory, which is logged, and said
   * by `failure`, or if it comes later, by one call of `onFailure`.
   */
  async begin(
    entry: NewEntry,
    onFailure: (error: Error) => void = () => {},
  ): Promise<BegunRun> {
    const id = newRunId(this.#random, (id) => this.#entries.has(id));
    const begun: RunEntry = {
      ...{ id, ...entry, startedMs: this.#now(), endedMs: null, code: null },
      ...{ running: 0, spawned: 0 },
    };
    this.#entries.set(id, begun);
    const folder = `${this.#folder}/${id}`;
    let log: RunLog;
    let failure: Error | undefined;
    try {
      await Deno.mkdir(folder, { mode: 0o700 });
      await this.#write(begun);
      log = await DiskLog.open({
        folder,
        onFailure: (error) => {
          this.#logger.warn(error.message);
          onFailure(error);
        },
      });
    } catch (error) {
      const why = messageOf(error);
      this.#logger.warn(`cannot keep the log of run ${id} in ${folder}: ${why}`);
      failure = new Error(`Cannot write the log ${folder}: ${why}`, { cause: error });
      log = new MemoryLog({ keepBytes: 1024 ** 2 });
    }
    this.#logs.set(id, log);
    return { id, log, ...(failure !== undefined && { failure }) };
  }

  /** Tells how to look at a run that has begun. */
  follow(id: string, progress: () => Progress): void {
    this.#progress.set(id, progress);
  }

  /** A run has ended, with that exit status; its log is complete. */
  async end(id: string, code: number): Promise<void> {
    const entry = this.#entries.get(id)!;
    const { spawned } = this.#progress.get(id)?.() ?? entry;
    const ended = { ...entry, spawned, running: 0, code, endedMs: this.#now() };
    this.#entries.set(id, ended);
    this.#progress.delete(id);
    const log = this.#logs.get(id);
    this.#logs.delete(id);
    const closed = log?.close();
    const settled = Promise.allSettled([closed]).then(() => this.#closing.delete(id));
    this.#closing.set(id, settled);
    try {
      await closed;
      await this.#write(ended);
      await this.#prune();
    } catch (error) {
      this.#logger.warn(`cannot keep the log of run ${id}: ${messageOf(error)}`);
    }
  }

  /** Forgets a run that has not begun after all. */
  async discard(id: string): Promise<void> {
    this.#entries.delete(id);
    this.#progress.delete(id);
    const log = this.#logs.get(id);
    this.#logs.delete(id);
    try {
      await log?.close();
      await Deno.remove(`${this.#folder}/${id}`, { recursive: true });
    } catch (error) {
      this.#logger.warn(`cannot remove the log of run ${id}: ${messageOf(error)}`);
    }
  }

  /** The log of a run that has ended. Its owner closes it. */
  async openLog(id: string): Promise<RunLog> {
    // Opening a log cuts off a record that is still being written.
    await this.#closing.get(id);
    return await DiskLog.open({ folder: `${this.#folder}/${id}` });
  }

  /** Waits until the logs are written, when the bridge ends. */
  async close(): Promise<void> {
    await Promise.all([...this.#logs.values()].map((log) => log.close()));
  }

  async #read(): Promise<void> {
    const found: RunEntry[] = [];
    for await (const { name, isDirectory } of Deno.readDir(this.#folder)) {
      if (!isDirectory || !isRunId(name)) continue;
      const entry = await this.#readEntry(name);
      if (entry !== undefined) found.push(entry);
    }
    found.sort((one, other) => one.startedMs - other.startedMs);
    for (const entry of found) {
      this.#entries.set(entry.id, entry);
      if (entry.endedMs === null) await this.end(entry.id, LOST_CODE);
    }
    await this.#prune();
  }

  /** `undefined` for a folder without a valid entry, which is removed: its run had just begun. */
  async #readEntry(id: string): Promise<RunEntry | undefined> {
    try {
      const entry: unknown = JSON.parse(await Deno.readTextFile(`${this.#folder}/${id}/${ENTRY}`));
      if (isEntry(entry) && entry.id === id) return entry;
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof Deno.errors.NotFound)) throw error;
    }
    await Deno.remove(`${this.#folder}/${id}`, { recursive: true });
    return undefined;
  }

  /** Writes an entry so that a crash leaves the old one or the new one. */
  async #write(entry: RunEntry): Promise<void> {
    const path = `${this.#folder}/${entry.id}/${ENTRY}`;
    await Deno.writeTextFile(`${path}.new`, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
    await Deno.rename(`${path}.new`, path);
  }

  /** Forgets ended runs that are old, except for the latest ones. */
  async #prune(): Promise<void> {
    const ended = [...this.#entries.values()].filter(({ endedMs }) => endedMs !== null);
    const excess = ended.length - MAX_RUNS;
    const old = ended.slice(0, Math.max(0, ended.length - KEPT_RUNS))
      .filter(({ endedMs }, index) => index < excess || this.#now() - endedMs! > KEPT_MS);
    for (const { id } of old) {
      this.#entries.delete(id);
      await Deno.remove(`${this.#folder}/${id}`, { recursive: true });
    }
  }
}

function isEntry(value: unknown): value is RunEntry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Record<string, unknown>;
  const isNumber = (name: string) => Number.isSafeInteger(entry[name]);
  return ["id", "name", "by", "from"].every((name) => typeof entry[name] === "string") &&
    ["startedMs", "running", "spawned"].every(isNumber) &&
    ["endedMs", "code"].every((name) => entry[name] === null || isNumber(name));
}
