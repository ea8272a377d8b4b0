/**
 * The runs that a bridge knows, those that have ended included: an entry and a log for each, in a folder
 * that outlives the bridge.
 */

import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { KiB, MiB } from "../core/resources.ts";
import { CutLog } from "../run/cut_log.ts";
import { DiskLog } from "../run/disk_log.ts";
import { EventRecord } from "../run/event_record.ts";
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

/** The folder of the log of starts and ends of processes, beside them. */
const PROCESSES = "processes";

/** Its limits: the latest hundred thousand processes or so. */
const PROCESSES_LIMITS = { maxBytes: 32 * MiB, segmentBytes: 1 * MiB, cacheBytes: 64 * KiB };

/** The folder of the log of what the processes do, beside it, and its limits: the latest of that. */
const DOINGS = "doings";
const DOINGS_LIMITS = { maxBytes: 16 * MiB, segmentBytes: 1 * MiB, cacheBytes: 64 * KiB };

/** How much of the starts and ends is read at once. */
const COUNTED_BYTES = 256 * KiB;

/** An entry as it is on disk. */
interface StoredEntry extends RunEntry {
  /** How many events an ended run has had; missing if nobody knows, since its bridge ended before it did. */
  readonly events?: number;
}

/** The exit status of a run whose end is unknown, such as one whose bridge was killed. */
export const LOST_CODE = 1;

/** What a run is known by when it begins. */
export type NewEntry = Pick<RunEntry, "name" | "by" | "from">;

/** A run that begins. */
export interface BegunRun {
  readonly id: string;
  readonly log: RunLog;
  /** The starts and ends of its processes alone, which outlive what they wrote. */
  readonly processes: RunLog;
  /** What they do: bodies of messages `does`. */
  readonly doings: RunLog;
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
  readonly #logs = new Map<string, readonly RunLog[]>();
  /** How many events the runs that have ended have had, as far as that is known. */
  readonly #events = new Map<string, number>();
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
    let processes: RunLog;
    let doings: RunLog;
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
      const onOtherFailure = (error: Error) => this.#logger.warn(error.message);
      processes = await DiskLog.open({
        folder: `${folder}/${PROCESSES}`,
        ...PROCESSES_LIMITS,
        onFailure: onOtherFailure,
      });
      doings = await DiskLog.open({
        folder: `${folder}/${DOINGS}`,
        ...DOINGS_LIMITS,
        onFailure: onOtherFailure,
      });
    } catch (error) {
      const why = messageOf(error);
      this.#logger.warn(`cannot keep the log of run ${id} in ${folder}: ${why}`);
      failure = new Error(`Cannot write the log ${folder}: ${why}`, { cause: error });
      log = new MemoryLog({ keepBytes: 1 * MiB });
      processes = new MemoryLog({ keepBytes: 1 * MiB });
      doings = new MemoryLog({ keepBytes: 1 * MiB });
    }
    this.#logs.set(id, [log, processes, doings]);
    return { id, log, processes, doings, ...(failure !== undefined && { failure }) };
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
    const logs = this.#logs.get(id) ?? [];
    this.#logs.delete(id);
    const events = logs[0]?.end;
    if (events !== undefined) this.#events.set(id, events);
    const closed = Promise.all(logs.map((log) => log.close()));
    const settled = Promise.allSettled([closed]).then(() => this.#closing.delete(id));
    this.#closing.set(id, settled);
    try {
      await closed;
      await this.#write(events === undefined ? ended : { ...ended, events });
      await this.#prune();
    } catch (error) {
      this.#logger.warn(`cannot keep the log of run ${id}: ${messageOf(error)}`);
    }
  }

  /** Forgets a run that has not begun after all. */
  async discard(id: string): Promise<void> {
    this.#entries.delete(id);
    this.#progress.delete(id);
    const logs = this.#logs.get(id) ?? [];
    this.#logs.delete(id);
    try {
      await Promise.all(logs.map((log) => log.close()));
      await Deno.remove(`${this.#folder}/${id}`, { recursive: true });
    } catch (error) {
      this.#logger.warn(`cannot remove the log of run ${id}: ${messageOf(error)}`);
    }
  }

  /**
   * The log of a run that has ended. Its owner closes it. If its last events are missing, since they could not be
   * written or the bridge was killed, its last event says so.
   */
  async openLog(id: string): Promise<RunLog> {
    const log = await this.#open(id, `${this.#folder}/${id}`);
    const text = missingText(this.#events.get(id), log.end);
    if (text === undefined) return log;
    const time = this.#entries.get(id)?.endedMs ?? this.#now();
    return new CutLog(log, EventRecord.of({ event: "said", text, time }));
  }

  /** The starts and ends of the processes of a run that has ended. Its owner closes it. */
  async openProcesses(id: string): Promise<RunLog> {
    return await this.#open(id, `${this.#folder}/${id}/${PROCESSES}`);
  }

  /** What the processes of a run that has ended did. Its owner closes it. */
  async openDoings(id: string): Promise<RunLog> {
    return await this.#open(id, `${this.#folder}/${id}/${DOINGS}`);
  }

  async #open(id: string, folder: string): Promise<RunLog> {
    // Opening a log cuts off a record that is still being written.
    await this.#closing.get(id);
    return await DiskLog.open({ folder });
  }

  /** Waits until the logs are written, when the bridge ends. */
  async close(): Promise<void> {
    await Promise.all([...this.#logs.values()].flat().map((log) => log.close()));
  }

  async #read(): Promise<void> {
    const found: StoredEntry[] = [];
    for await (const { name, isDirectory } of Deno.readDir(this.#folder)) {
      if (!isDirectory || !isRunId(name)) continue;
      const entry = await this.#readEntry(name);
      if (entry !== undefined) found.push(entry);
    }
    found.sort((one, other) => one.startedMs - other.startedMs);
    for (const { events, ...entry } of found) {
      this.#entries.set(entry.id, entry);
      if (events !== undefined) this.#events.set(entry.id, events);
      if (entry.endedMs === null) await this.#endLost(entry);
    }
    await this.#prune();
  }

  /** A run has ended with the bridge that kept it: how many processes it has had, only its log says. */
  async #endLost(entry: RunEntry): Promise<void> {
    const { id } = entry;
    try {
      const log = await this.openProcesses(id);
      const spawned = await countSpawns(log).finally(() => log.close());
      this.#entries.set(id, { ...entry, spawned });
    } catch (error) {
      this.#logger.warn(`cannot count the processes of run ${id}: ${messageOf(error)}`);
    }
    await this.end(id, LOST_CODE);
  }

  /** `undefined` for a folder without a valid entry, which is removed: its run had just begun. */
  async #readEntry(id: string): Promise<StoredEntry | undefined> {
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
  async #write(entry: StoredEntry): Promise<void> {
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
      this.#events.delete(id);
      await Deno.remove(`${this.#folder}/${id}`, { recursive: true });
    }
  }
}

/**
 * How many processes a log of starts and ends tells of. Of the events that it no longer has, at least half were
 * starts.
 */
async function countSpawns(log: RunLog): Promise<number> {
  let spawned = Math.ceil(log.start / 2);
  for (let offset = log.start; offset < log.end;) {
    const { from, records } = await log.read(offset, COUNTED_BYTES);
    spawned += records.filter(({ event }) => event.event === "spawn").length;
    offset = from + records.length;
  }
  return spawned;
}

/** What the log of a run lacks at its end, if it had that many events and there are so many. */
function missingText(events: number | undefined, there: number): string | undefined {
  if (events === undefined) {
    return "the log ends here, and its last events may be missing: " +
      "the bridge was killed, or could not write them";
  }
  const missing = events - there;
  if (missing <= 0) return undefined;
  const count = missing === 1 ? "1 more event" : `${missing} more events`;
  return `the log ends here: ${count} could not be written to the disk`;
}

function isEntry(value: unknown): value is StoredEntry {
  if (typeof value !== "object" || value === null) return false;
  const entry = value as Record<string, unknown>;
  const isNumber = (name: string) => Number.isSafeInteger(entry[name]);
  return ["id", "name", "by", "from"].every((name) => typeof entry[name] === "string") &&
    ["startedMs", "running", "spawned"].every(isNumber) &&
    (!("events" in entry) || isNumber("events")) &&
    ["endedMs", "code"].every((name) => entry[name] === null || isNumber(name));
}
