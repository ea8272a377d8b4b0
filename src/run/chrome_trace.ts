/**
 * A run as a trace for Perfetto and `chrome://tracing`, in the JSON format of
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMCN4h5JPZ2dGrT_sYM (Trace Event Format).
 *
 * A node is a process of the trace, and a process of the run a thread in it. Its life is a slice, and what it
 * does, as far as that is known, are slices in that one. A spawn is an arrow from its parent.
 */

import type { Doing, SeenDoing } from "../core/doing.ts";
import type { RunEvent } from "../core/events.ts";
import { formatStatus, success } from "../core/exit_status.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { type TraceEntry, TracePart } from "./trace_part.ts";
import { describeWait, titlesOf } from "./wait_lines.ts";

export type { TraceEntry };

/** The node of a local run. */
const THIS_MACHINE = "this machine";

/** How much of what a process wrote at once an entry shows, in characters. */
const SHOWN_OUTPUT = 200;

/** What a process does, in words. */
interface Told {
  readonly category: string;
  readonly text: string;
}

/** The same, since when, how far apart the looks were that showed it, and the CPU time until then. */
interface Sampled extends Told {
  readonly sinceMs: number;
  readonly everyMs: number;
  readonly cpuMs: number | undefined;
}

/** A process of the run. */
interface Row {
  readonly pid: Pid;
  readonly name: string;
  /** The numbers of its node and of itself in the trace. */
  readonly at: { readonly pid: number; readonly tid: number };
  readonly startMs: number;
  /** `undefined` while it runs. */
  endMs?: number;
  readonly args: Readonly<Record<string, unknown>>;
  /** What it was seen to do last; `undefined` while that is not known. */
  state: Sampled | undefined;
}

/** What a trace shows, and of which processes. */
export interface TraceOptions {
  readonly keepsEnded?: boolean;
  /** In ms since the epoch. */
  readonly fromMs?: number | undefined;
}

/** Makes the entries of a trace, from the events of a run in their order. */
export class ChromeTrace {
  readonly #decoder = new TextDecoder();
  readonly #nodes = new Map<string, number>();
  readonly #rows = new Map<Pid, Row>();
  readonly #keepsEnded: boolean;
  readonly #fromMs: number | undefined;
  readonly #part = new TracePart();
  /** Those that have ended, if they are kept. */
  readonly #ended = new Map<Pid, Row>();
  /** The titles of all that have begun; `undefined` if there are new ones. */
  #titles: ((pid: Pid) => string) | undefined;
  #count = 0;
  #firstMs: number | undefined;
  #lastMs = 0;

  /**
   * With `keepsEnded` it remembers processes that have ended, for {@linkcode ChromeTrace.does}. What has ended before
   * `fromMs` is left out; the starts and ends of processes have to be taken all the same.
   */
  constructor({ keepsEnded = false, fromMs }: TraceOptions = {}) {
    this.#keepsEnded = keepsEnded;
    this.#fromMs = fromMs;
  }

  /** The entries that an event adds. */
  took(event: RunEvent): TraceEntry[] {
    return this.#shown(this.#took(event));
  }

  #shown(entries: TraceEntry[]): TraceEntry[] {
    return this.#fromMs === undefined ? entries : this.#part.of(entries, this.#at(this.#fromMs));
  }

  #took(event: RunEvent): TraceEntry[] {
    if ("time" in event) {
      this.#firstMs ??= event.time;
      this.#lastMs = Math.max(this.#lastMs, event.time);
    }
    switch (event.event) {
      case "spawn":
        return this.#spawned(event);
      case "output": {
        const row = this.#rows.get(event.pid);
        if (row === undefined) return [];
        const text = this.#decoder.decode(event.bytes.subarray(0, 4 * SHOWN_OUTPUT));
        const args = { bytes: event.bytes.length, text: text.slice(0, SHOWN_OUTPUT) };
        const name = event.fd === 1 ? "stdout" : "stderr";
        return [this.#instant(name, "output", event.time, row, args)];
      }
      case "exit": {
        const row = this.#rows.get(event.pid);
        this.#rows.delete(event.pid);
        return row === undefined ? [] : this.#exited(row, event);
      }
      case "said":
        return [{
          ...{ ph: "i", s: "g", name: event.text, cat: "deploy", ts: this.#at(event.time) },
          ...{ pid: 0, tid: 0 },
        }];
      default:
        return [];
    }
  }

  /**
   * The entries that follow from what a process was seen to do, after the events until then. They say that they are
   * samples: `everyMs` is how far apart the two looks were between which the slice begins, and `cpuMs` what the
   * process has used in it, if the next slice tells that.
   */
  does({ pid, doing, time, everyMs, cpuMs }: SeenDoing): TraceEntry[] {
    const row = this.#rows.get(pid) ?? this.#ended.get(pid);
    if (row === undefined) return [];
    this.#titles ??= titlesOf([...this.#ended.values(), ...this.#rows.values()]);
    const entries = this.#closeState(row, time, cpuMs);
    const sinceMs = Math.max(time, row.startMs);
    row.state = {
      ...describe(doing, this.#titles),
      ...{ sinceMs, cpuMs, everyMs: Math.round(everyMs) },
    };
    if (row.endMs === undefined) this.#lastMs = Math.max(this.#lastMs, time);
    return this.#shown(entries);
  }

  /** The entries of the processes that still run, at least until then, and of what each one did last. */
  end(atMs = 0): TraceEntry[] {
    this.#lastMs = Math.max(this.#lastMs, atMs);
    const ended = [...this.#ended.values()].flatMap((row) => this.#closeState(row, row.endMs!));
    const running = [...this.#rows.values()].flatMap((row) =>
      this.#life(row, this.#lastMs, { running: true })
    );
    return this.#shown([...ended, ...running]);
  }

  #spawned(event: Extract<RunEvent, { event: "spawn" }>): TraceEntry[] {
    const entries: TraceEntry[] = [];
    const node = event.node ?? THIS_MACHINE;
    let pid = this.#nodes.get(node);
    if (pid === undefined) {
      pid = this.#nodes.size + 1;
      this.#nodes.set(node, pid);
      entries.push({ ph: "M", name: "process_name", pid, tid: 0, args: { name: node } });
    }
    const at = { pid, tid: ++this.#count };
    const title = `${shortPid(event.pid)} ${event.name}`;
    const args = { pid: event.pid, ...event.resources };
    const row = {
      pid: event.pid,
      name: event.name,
      at,
      startMs: event.time,
      args,
      state: undefined,
    };
    const parent = event.parent === null ? undefined : this.#rows.get(event.parent);
    this.#rows.set(event.pid, row);
    this.#titles = undefined;
    entries.push({ ph: "M", name: "thread_name", ...at, args: { name: title } });
    entries.push({ ph: "M", name: "thread_sort_index", ...at, args: { sort_index: at.tid } });
    if (parent !== undefined) {
      const flow = { name: "spawn", cat: "spawn", id: at.tid, ts: this.#at(event.time) };
      entries.push({ ph: "s", ...flow, ...parent.at }, { ph: "f", bp: "e", ...flow, ...at });
    }
    return entries;
  }

  #exited(row: Row, { status, record, time }: Extract<RunEvent, { event: "exit" }>): TraceEntry[] {
    const how = formatStatus(status);
    const used = record === undefined ? {} : { peakBytes: record.peakBytes, cpuMs: record.cpuMs };
    row.endMs = time;
    if (this.#keepsEnded) this.#ended.set(row.pid, row);
    const life = this.#life(row, time, { status: how === "" ? "success" : how, ...used });
    if (success(status)) return life;
    return [...life, this.#instant(`exited: ${how}`, "exit", time, row, {})];
  }

  /** The slice of a process, and that of what it does at its end. */
  #life(row: Row, endMs: number, more: Readonly<Record<string, unknown>>): TraceEntry[] {
    return [
      ...this.#closeState(row, endMs),
      {
        ...this.#slice(row.name, "process", row.startMs, endMs, row),
        args: { ...row.args, ...more },
      },
    ];
  }

  /** @param cpuMs The CPU time of the process until then. */
  #closeState(row: Row, endMs: number, cpuMs?: number): TraceEntry[] {
    const { state } = row;
    row.state = undefined;
    if (state === undefined) return [];
    const { text, category, sinceMs, everyMs } = state;
    const toMs = Math.min(endMs, row.endMs ?? endMs);
    if (toMs <= sinceMs) return [];
    const used = cpuMs === undefined || state.cpuMs === undefined
      ? {}
      : { cpuMs: Math.max(0, cpuMs - state.cpuMs) };
    const args = { sampled: true, everyMs, ...used };
    return [{ ...this.#slice(text, category, sinceMs, toMs, row), args }];
  }

  #slice(name: string, cat: string, fromMs: number, toMs: number, { at }: Row): TraceEntry {
    const ts = this.#at(fromMs);
    return { ph: "X", name, cat, ts, dur: Math.max(0, this.#at(toMs) - ts), ...at };
  }

  #instant(name: string, cat: string, timeMs: number, { at }: Row, args: object): TraceEntry {
    return { ph: "i", s: "t", name, cat, ts: this.#at(timeMs), ...at, args };
  }

  /** In microseconds. The clocks of nodes differ: what comes before the first event counts as that. */
  #at(timeMs: number): number {
    return Math.max(0, Math.round((timeMs - (this.#firstMs ?? timeMs)) * 1_000));
  }
}

function describe(doing: Doing, title: (pid: Pid) => string): Told {
  const category = doing.activity;
  switch (doing.activity) {
    case "computes":
      return { category, text: "computing" };
    case "silent":
      return { category, text: "no answer" };
    case "stopped":
      return { category, text: "stopped by a signal" };
    case "idle":
      return { category, text: "timers, or I/O of its own" };
    case "waits":
      // Numbers in it, such as unread bytes, change all the time.
      return {
        category,
        text: describeWait(doing.wait, title).replace(/ \(.*unread\)$/, "")
          .replace(/^delivering .*? to /, "delivering to "),
      };
  }
}

/** The text of a trace: its first line, each entry as it comes, and its end. */
export class TraceText {
  #isFirst = true;

  /** The text of the next entries. */
  add(entries: readonly TraceEntry[]): string {
    return entries.map((entry) => {
      const before = this.#isFirst ? '{"displayTimeUnit":"ms","traceEvents":[\n' : ",\n";
      this.#isFirst = false;
      return before + JSON.stringify(entry);
    }).join("");
  }

  /** The text of the last entries, and the end. */
  end(entries: readonly TraceEntry[]): string {
    const text = this.add(entries);
    return this.#isFirst ? '{"displayTimeUnit":"ms","traceEvents":[]}\n' : `${text}\n]}\n`;
  }
}
