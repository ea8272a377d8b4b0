/** Finds out what failed first in a run that failed, and says so. */

import type { RunEvent } from "../core/events.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import { success } from "../core/exit_status.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { visibleLine } from "../core/visible.ts";
import type { RunState } from "./run_state.ts";

/**
 * A process that fails this soon after it was told of the failure of another one has probably failed because of
 * that.
 */
const CASCADE_MS = 2_000;

/** How many failures are remembered at a time, from the first one on. */
const MAX_KEPT = 256;

/** What has been shown since a failure, in bytes, if that is no longer in sight: 20 lines or so. */
const SCREEN_BYTES = 1_600;

/** What the lines about the start or the end of a process take. */
const LINE_BYTES = 40;

/** The sequences of colours, as in an error that Deno shows. */
// deno-lint-ignore no-control-regex -- escape sequences are what is looked for
const COLOR = /\x1b\[[\d;:]*m/g;

/** A process that has failed. Times are in milliseconds since the epoch. */
interface Failure {
  readonly pid: Pid;
  readonly name: string;
  readonly node: string | null;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly status: ExitStatus;
  readonly lastLines: string;
  /** How many processes had failed before. */
  readonly order: number;
  /** How much had been shown before, and with its end. */
  readonly shownBytes: number;
  /** When another process was told of it; `undefined` if none was yet. */
  noticedMs: number | undefined;
}

/**
 * Watches a run, event by event, and remembers which of its failures may have been the first.
 *
 * That is the earliest one that no process was told of, or, if a process failed soon after it was told of
 * another one's failure, that other one. A failure that the program was told of, and went on, is none.
 */
export class FirstFailure {
  /** In order. */
  #failures: Failure[] = [];
  #shownBytes = 0;
  /** The time of the latest event. */
  #timeMs = 0;

  /** Takes the next event; `before` is the state of the run before it. */
  took(before: RunState, event: RunEvent): void {
    if ("time" in event) this.#timeMs = event.time;
    switch (event.event) {
      case "output":
        this.#shownBytes += event.bytes.length;
        return;
      case "spawn":
        this.#shownBytes += LINE_BYTES;
        return;
      case "exit":
        this.#shownBytes += LINE_BYTES;
        if (!success(event.status)) this.#fail(before, event);
        return;
      case "noticed":
        for (const failure of this.#failures) {
          if (failure.pid === event.pid) failure.noticedMs ??= this.#timeMs;
        }
    }
  }

  /**
   * A paragraph about what failed first, of a run that is over with that exit code; `undefined` if there is
   * nothing to say that is not in sight: the run has not failed, or only its first process has, at its end.
   *
   * @param state The state of the run at its end.
   * @param run The id of the run, if it has one, by which its output can be shown again.
   */
  text(state: RunState, code: number, run?: string): string | undefined {
    if (code === 0) return undefined;
    const first = this.#find(state);
    if (first === undefined) return undefined;
    const shownSince = this.#shownBytes - first.shownBytes;
    if (first.pid === state.first && shownSince === 0) return undefined;
    const others = state.failures - 1 - first.order;
    const after = others > 0 ? `; ${others} other${others === 1 ? "" : "s"} failed after it` : "";
    const lines = [`the run failed with ${code}: ${describe(first)}${after}`];
    const { lastLines } = first;
    if (shownSince > SCREEN_BYTES && lastLines !== "") {
      lines[0] += "; its last lines:";
      for (const line of lastLines.replace(/\r?\n$/, "").split(/\r?\n/)) {
        lines.push(`   ${visibleLine(line.replaceAll(COLOR, ""))}`);
      }
    }
    if (run !== undefined) {
      lines.push(
        `see: deploy logs ${run} --process ${shortPid(first.pid)}, and deploy ps ${run}`,
      );
    }
    return lines.join("\n");
  }

  #fail(before: RunState, { pid, status, record, time }: Extract<RunEvent, { event: "exit" }>) {
    const process = before.running.get(pid);
    if (process === undefined) return;
    // Those that the program was told of some time ago are none of the reasons why it fails.
    if (this.#failures.length >= MAX_KEPT) {
      this.#failures = this.#failures.filter((failure) => mayHaveCaused(failure, time));
    }
    const isKept = this.#failures.length < MAX_KEPT || pid === before.first;
    if (!isKept) return;
    const { name, node, time: startedMs, noticed } = process;
    this.#failures.push({
      ...{ pid, name, node, startedMs, endedMs: time, status },
      lastLines: record?.lastLines ?? "",
      order: before.failures,
      shownBytes: this.#shownBytes,
      noticedMs: noticed ? time : undefined,
    });
  }

  /** The failure that the end of the run is about: that of its first process, or one of which none was told. */
  #find({ first }: RunState): Failure | undefined {
    const own = this.#failures.find(({ pid }) => pid === first);
    const last = own ?? this.#failures.find(({ noticedMs }) => noticedMs === undefined);
    if (last === undefined) return undefined;
    return this.#failures.find((failure) => mayHaveCaused(failure, last.endedMs)) ?? last;
  }
}

/** Whether a process that ended at `endedMs` without success may have done so because of that failure. */
function mayHaveCaused({ noticedMs }: Failure, endedMs: number): boolean {
  return noticedMs === undefined || noticedMs >= endedMs - CASCADE_MS;
}

/** `8a3be21 worker on 10.0.0.2:9999 exited with 1, 12 s after its start` */
function describe({ pid, name, node, startedMs, endedMs, status }: Failure): string {
  const where = node === null ? "" : ` on ${node}`;
  const ranMs = Math.max(0, endedMs - startedMs);
  const what = visibleLine(`${shortPid(pid)} ${name}${where} ${ended(status)}`);
  return `${what}, ${duration(ranMs)} after its start`;
}

function ended(status: ExitStatus): string {
  if ("code" in status) return `exited with ${status.code}`;
  if ("signal" in status) return `was ended by ${status.signal}`;
  if ("killed" in status) return `was killed (${status.killed})`;
  return `was lost (${status.lost})`;
}

/** `0.3 s`, `12 s`, `5 min`, `3 h` */
function duration(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}
