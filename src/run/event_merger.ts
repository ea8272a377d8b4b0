/**
 * Makes one stream of the events that the nodes of a run send, each on its own connection.
 *
 * Connections are not ordered relative to each other, so a child may be reported before its parent, and the
 * notice of a failure before its process. The node's stream then waits. This cannot deadlock: a process is
 * reported before any other process can know of it, and each stream is in chronological order, so no
 * waiting stream waits for a later event. Only a broken connection can leave a process unreported;
 * {@linkcode EventMerger.release} handles that case.
 *
 * It remembers at least the latest million ended processes, in little memory.
 */

import { EndedProcesses } from "../core/ended_processes.ts";
import type { OutputFd, RunEvent } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";
import { EventRecord } from "./event_record.ts";

type Spawn = Extract<RunEvent, { event: "spawn" }>;
type Exit = Extract<RunEvent, { event: "exit" }>;

/** The open events of one process. */
interface Alive {
  readonly open: Set<OutputFd>;
  readonly source: unknown;
}

/** Takes the merged events, as {@linkcode RunEventSink} does. */
export type RecordSink = (record: EventRecord) => Promise<void>;

export class EventMerger {
  readonly #sink: RecordSink;
  readonly #now: () => number;
  readonly #alive = new Map<Pid, Alive>();
  /** Late events of these are ignored. */
  readonly #ended = new EndedProcesses();
  /** For a process that has not been reported yet, what waits for it. */
  readonly #waiting = new Map<Pid, (() => void)[]>();
  #waits = 0;
  #exited = 0;
  #changed: () => void = () => {};

  /** `now` is the time, in milliseconds since the epoch. */
  constructor(sink: RecordSink, now: () => number = Date.now) {
    this.#sink = sink;
    this.#now = now;
  }

  /** How many processes have ended. */
  get exited(): number {
    return this.#exited;
  }

  /** How many sources wait for a parent to be reported. */
  get waits(): number {
    return this.#waits;
  }

  /** Whether a process that `source` reported is alive. */
  has(source: unknown): boolean {
    return this.#alive.values().some((process) => process.source === source);
  }

  /** Calls `changed` whenever a process has ended, or a source begins to wait. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  /**
   * Takes the next event of `source`; resolves when the one after the next may come. Events of processes
   * that have ended, or never began, are ignored: a lost process may have lived a little longer.
   */
  async add(source: unknown, added: RunEvent | EventRecord): Promise<void> {
    const record = added instanceof EventRecord ? added : EventRecord.of(added);
    const { event } = record;
    if (event.event === "spawn") {
      if (event.parent !== null) await this.#awaitSpawn(event.parent);
      return await this.#spawn(record, event.pid, source);
    }
    if (event.event === "said") return await this.#sink(record);
    if (event.event === "noticed") {
      await this.#awaitSpawn(event.pid);
      return await this.#sink(record);
    }
    const process = this.#alive.get(event.pid);
    if (process === undefined || process.source !== source) return;
    if (event.event === "exit") return await this.#exit(record, event, process);
    if (!process.open.has(event.fd)) return;
    if (event.event === "eof") process.open.delete(event.fd);
    await this.#sink(record);
  }

  /** Completes the events of a process of which nothing more will be reported. */
  async lose(process: Omit<Spawn, "event" | "time">, why: string): Promise<void> {
    const { pid, parent, name, node } = process;
    if (!this.#knows(pid)) {
      if (parent !== null && !this.#knows(parent)) await this.#seen(parent);
      const spawn: Spawn = { event: "spawn", pid, parent, name, node, time: this.#now() };
      await this.#spawn(EventRecord.of(spawn), pid, undefined);
    }
    await this.#complete(pid, why);
  }

  /** Declares every process that `source` reported lost; the processes of all sources if it is omitted. */
  async loseAll(why: string, source?: unknown): Promise<void> {
    const pids = [...this.#alive].filter(([, process]) =>
      source === undefined || process.source === source
    );
    await Promise.all(pids.map(([pid]) => this.#complete(pid, why)));
  }

  /** Stops waiting for parents: no source is left that could report them. */
  release(): void {
    for (const waiting of this.#waiting.values()) for (const go of waiting) go();
    this.#waiting.clear();
  }

  async #complete(pid: Pid, why: string): Promise<void> {
    const process = this.#alive.get(pid);
    if (process === undefined) return;
    const exit: Exit = { event: "exit", pid, status: { lost: why }, time: this.#now() };
    await this.#exit(EventRecord.of(exit), exit, process);
  }

  async #spawn(record: EventRecord, pid: Pid, source: unknown): Promise<void> {
    // It may have been reported, or lost, while its parent was awaited.
    if (this.#knows(pid)) return;
    // A refused event counts as not reported.
    const shown = this.#sink(record);
    this.#alive.set(pid, { open: new Set([1, 2]), source });
    for (const go of this.#waiting.get(pid) ?? []) go();
    this.#waiting.delete(pid);
    await shown;
  }

  async #exit(record: EventRecord, { pid, status }: Exit, { open }: Alive): Promise<void> {
    this.#alive.delete(pid);
    this.#ended.add(pid, status);
    for (const fd of open) await this.#sink(EventRecord.of({ event: "eof", pid, fd }));
    await this.#sink(record);
    this.#exited++;
    this.#changed();
  }

  /** Makes a source wait until a process has been reported. */
  async #awaitSpawn(pid: Pid): Promise<void> {
    if (this.#knows(pid)) return;
    const seen = this.#seen(pid);
    this.#waits++;
    this.#changed();
    await seen;
    this.#waits--;
  }

  #knows(pid: Pid): boolean {
    return this.#alive.has(pid) || this.#ended.has(pid);
  }

  #seen(pid: Pid): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(pid);
      if (waiting === undefined) this.#waiting.set(pid, [resolve]);
      else waiting.push(resolve);
    });
  }
}
