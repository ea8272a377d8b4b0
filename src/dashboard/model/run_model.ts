/** What a page knows of one run: from its events, and from samples. */

import type { Pid } from "../../core/pid.ts";
import type { ProcessSample, SampledUsage } from "../../core/samples.ts";
import {
  endedWithRun,
  type ProcessEntry,
  processTree,
  type TreeEntry,
} from "../../run/process_table.ts";
import type { PageEvent } from "../messages.ts";
import { activityBetween, addSegment, MAX_GAP_MS, type Segment } from "./activity.ts";
import { Output } from "./output.ts";
import { Series } from "./series.ts";
import { Traffic } from "./traffic.ts";

/** The system counts CPU time in steps of 10 ms, so two looks that are closer tell nothing. */
const MIN_LOOK_MS = 100;

/** What is known of a process from samples. */
export interface Seen {
  readonly sample: ProcessSample;
  readonly atMs: number;
  /** How much of a core it uses; `null` after the first sample. */
  readonly cores: number | null;
  readonly segments: Segment[];
  /** Memory in bytes, and cores. */
  readonly series: Series;
}

export class RunModel {
  readonly output = new Output();
  readonly traffic = new Traffic();
  /** Memory in bytes, cores, and the number of processes. */
  readonly series = new Series(3);
  readonly #processes = new Map<Pid, ProcessEntry>();
  readonly #seen = new Map<Pid, Seen>();
  #tree: readonly TreeEntry[] | undefined;
  #running = 0;
  /** Whether there are no more events. */
  #isOver = false;

  /** All processes, each followed by its children. */
  get tree(): readonly TreeEntry[] {
    return this.#tree ??= processTree([...this.#processes.values()]);
  }

  /** How many processes run. */
  get running(): number {
    return this.#running;
  }

  process(pid: Pid): ProcessEntry | undefined {
    return this.#processes.get(pid);
  }

  /** The process whose Pid begins so, if it is the only one. */
  find(start: string): ProcessEntry | undefined {
    const found = [...this.#processes.values()].filter(({ pid }) => pid.startsWith(start));
    return found.length === 1 ? found[0] : undefined;
  }

  seen(pid: Pid): Seen | undefined {
    return this.#seen.get(pid);
  }

  /** Takes events, in their order; the start or end of a process may come again. */
  took(events: readonly PageEvent[]): void {
    for (const event of events) this.#take(event);
  }

  #take(event: PageEvent): void {
    switch (event.event) {
      case "spawn": {
        if (this.#processes.has(event.pid)) return;
        const { pid, parent, name, node, resources = null, time } = event;
        this.#put({
          ...{ pid, parent, name, node, resources, startedMs: time },
          ...{ endedMs: null, status: null, record: null },
        });
        this.#running++;
        return;
      }
      case "exit": {
        const process = this.#processes.get(event.pid);
        if (process === undefined || process.endedMs !== null) return;
        const { status, record = null, time } = event;
        return this.#ended({ ...process, endedMs: time, status, record });
      }
      case "output":
        return this.output.add(event.pid, event.fd, event.text, event.time);
      case "said":
        return this.output.say(event.text, event.time);
      case "missing":
        return this.output.say(missingText(event), 0);
      case "over":
        this.#isOver = true;
    }
  }

  /**
   * The run has ended then: so have processes whose end no event has told.
   *
   * @returns Whether there were any.
   */
  runEnded(endedMs: number): boolean {
    if (!this.#isOver || this.#running === 0) return false;
    for (const process of this.#processes.values()) {
      if (process.status === null) this.#ended(endedWithRun(process, endedMs));
    }
    return true;
  }

  #ended(process: ProcessEntry): void {
    this.#put(process);
    this.#running--;
    this.output.end(process.pid);
    this.traffic.ended(process.pid);
  }

  /** Takes a sample of the processes that run. */
  sampled(atMs: number, samples: readonly ProcessSample[]): void {
    let [memBytes, cores] = [0, 0];
    let isKnown = false;
    for (const sample of samples) {
      const seen = this.#sampled(atMs, sample);
      if (seen === undefined || sample.usage === null) continue;
      isKnown = true;
      memBytes += sample.usage.memBytes;
      cores += seen.cores ?? 0;
    }
    this.series.add(atMs, isKnown ? memBytes : null, isKnown ? cores : null, samples.length);
  }

  #sampled(atMs: number, sample: ProcessSample): Seen | undefined {
    const { pid, usage, activity, on } = sample;
    const process = this.#processes.get(pid);
    if (process === undefined || process.endedMs !== null) return undefined;
    const before = this.#seen.get(pid);
    const seconds = before === undefined ? null : (atMs - before.atMs) / 1_000;
    const cores = before === undefined ? null : coresBetween(before, atMs, usage);
    const segments = before?.segments ?? [];
    const isNear = before !== undefined && atMs - before.atMs <= MAX_GAP_MS;
    const fromMs = isNear ? before.atMs : Math.max(process.startedMs, atMs - 1_000);
    addSegment(segments, { fromMs, toMs: atMs, activity: activityBetween(activity, cores), on });
    const series = before?.series ?? new Series(2);
    series.add(atMs, usage?.memBytes ?? null, cores);
    this.traffic.sampled(sample, seconds);
    const seen = { sample, atMs, cores, segments, series };
    this.#seen.set(pid, seen);
    return seen;
  }

  #put(process: ProcessEntry): void {
    this.#processes.set(process.pid, process);
    this.#tree = undefined;
  }
}

/** How many cores were used between two looks at a process. */
function coresBetween(
  { sample, atMs, cores }: Pick<Seen, "sample" | "atMs" | "cores">,
  nowMs: number,
  now: SampledUsage | null,
): number | null {
  if (now === null || sample.usage === null) return null;
  const lookedMs = (nowMs - now.ageMs) - (atMs - sample.usage.ageMs);
  // It may be the same look again.
  return lookedMs < MIN_LOOK_MS ? cores : (now.cpuMs - sample.usage.cpuMs) / lookedMs;
}

function missingText({ events, bytes }: { events: number; bytes: number }): string {
  return bytes > 0
    ? `${bytes} characters of output came faster than this page shows them, and are left out here`
    : `${events} events before this are no longer kept`;
}
