/** The state of a run, derived from its events: running processes, failures, and the exit status. */

import type { OutputFd, RunEvent } from "../core/events.ts";
import { type ExitStatus, runExitCode, success } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import { signalExitCode } from "../core/signals.ts";
import { PidMap } from "./pid_map.ts";

/**
 * How many unnoticed failures are remembered. With more at one time the run has failed, whatever is noticed
 * later.
 */
export const MAX_FAILURES = 10_000;

/** An event that is impossible now: an error of its source. */
export class EventOrderError extends Error {
  override readonly name = "EventOrderError";
}

/** A process that has not ended. */
export interface RunningProcess {
  readonly pid: Pid;
  /** It may have ended. */
  readonly parent: Pid | null;
  readonly name: string;
  /** The address of its node; `null` in a local run. */
  readonly node: string | null;
  /** When it was spawned, in milliseconds since the epoch. */
  readonly time: number;
  /** Its place in the order in which the processes of the run were spawned, from 0. */
  readonly index: number;
  /** Its output streams that have not ended. */
  readonly open: readonly OutputFd[];
  /** Whether its end, when it comes, is already noticed. */
  readonly noticed: boolean;
}

/**
 * What is known of a run after some of its events.
 *
 * Ended processes that need not be remembered are dropped: a long run takes no more memory than a short
 * one.
 */
export interface RunState {
  /** The first process, once it has been spawned. */
  readonly first: Pid | null;
  /** How the first process ended, once it has. */
  readonly firstStatus: ExitStatus | null;
  /** The processes that have not ended. */
  readonly running: PidMap<RunningProcess>;
  /** How processes other than the first ended whose failure is unnoticed; at most {@linkcode MAX_FAILURES}. */
  readonly failed: PidMap<ExitStatus>;
  /** How many processes have been spawned. */
  readonly spawns: number;
  /** How many processes have failed, noticed or not. */
  readonly failures: number;
  /** Whether there were ever more unnoticed failures than are remembered. */
  readonly overflowed: boolean;
}

/** The state of a run before its first event. */
export const NEW_RUN: RunState = {
  first: null,
  firstStatus: null,
  running: PidMap.empty(),
  failed: PidMap.empty(),
  spawns: 0,
  failures: 0,
  overflowed: false,
};

/**
 * The state of a run after one more event.
 *
 * @throws {EventOrderError} If the event is impossible now: see {@linkcode RunEvent} for their order.
 */
export function step(state: RunState, event: RunEvent): RunState {
  switch (event.event) {
    case "spawn":
      return spawned(state, event);
    case "output": {
      const { open } = running(state, event);
      if (!open.includes(event.fd)) throw ended(event);
      return state;
    }
    case "eof": {
      const process = running(state, event);
      if (!process.open.includes(event.fd)) throw ended(event);
      const open = process.open.filter((fd) => fd !== event.fd);
      return { ...state, running: state.running.with(event.pid, { ...process, open }) };
    }
    case "exit":
      return exited(state, event);
    case "noticed":
      return noticed(state, event.pid);
    case "said":
      return state;
  }
}

/** The processes that have not ended, in the order in which they were spawned. */
export function runningProcesses({ running }: RunState): RunningProcess[] {
  return [...running.values()].sort((one, other) => one.index - other.index);
}

/**
 * Whether the last process has ended. A spawn in progress at that moment is not known here: when its
 * process appears, the run is no longer over.
 */
export function isOver({ first, running }: RunState): boolean {
  return first !== null && running.size === 0;
}

/**
 * The exit code of a run that is over, and `undefined` of one that is not: the first process's own if
 * that is not 0, otherwise 0 if every process succeeded or its failure was noticed, otherwise 101.
 */
export function exitCodeOf(state: RunState): number | undefined {
  const { firstStatus, failed, overflowed } = state;
  if (!isOver(state) || firstStatus === null) return undefined;
  return runExitCode(firstStatus, failed.size === 0 && !overflowed);
}

/**
 * The exit code of a run that was told to stop by `signal`, and has ended: the usual one if the first
 * process ended by itself within its grace; otherwise (it was killed, had ended before, or never started)
 * that of the signal.
 *
 * A process that ended of the signal did as it was told, so that it has not failed. One that had to be
 * killed has.
 *
 * @param told The state of the run when it was told.
 */
export function stoppedExitCodeOf(state: RunState, signal: Deno.Signal, told: RunState): number {
  const { firstStatus, failed, overflowed } = state;
  const isKilled = firstStatus !== null && "signal" in firstStatus &&
    firstStatus.signal === "SIGKILL";
  const isItsOwn = isOver(state) && firstStatus !== null && told.firstStatus === null && !isKilled;
  if (!isItsOwn) return signalExitCode(signal);
  const obeyed = (status: ExitStatus) => "signal" in status && status.signal === signal;
  return runExitCode(firstStatus, !overflowed && failed.values().every(obeyed));
}

function spawned(state: RunState, event: Extract<RunEvent, { event: "spawn" }>): RunState {
  const { pid, parent, name, node, time } = event;
  if (state.running.has(pid)) throw impossible(event, "is running");
  if (parent === pid) throw impossible(event, "cannot be its own parent");
  if (parent === null && state.first !== null) {
    throw impossible(event, `cannot be the first process, which is ${state.first}`);
  }
  if (parent !== null && state.first === null) {
    throw impossible(event, "has a parent, and the first process of a run has none");
  }
  const index = state.spawns;
  const process: RunningProcess = {
    ...{ pid, parent, name, node, time, index },
    ...{ open: [1, 2], noticed: false },
  };
  return {
    ...state,
    first: state.first ?? pid,
    running: state.running.with(pid, process),
    spawns: state.spawns + 1,
  };
}

function exited(state: RunState, event: Extract<RunEvent, { event: "exit" }>): RunState {
  const { pid, status } = event;
  const process = running(state, event);
  const [open] = process.open;
  if (open !== undefined) throw impossible(event, `has not ended its stream ${open}`);
  const left = { ...state, running: state.running.without(pid) };
  const failures = success(status) ? state.failures : state.failures + 1;
  if (pid === state.first) return { ...left, firstStatus: status, failures };
  if (success(status)) return left;
  if (process.noticed) return { ...left, failures };
  if (state.failed.size >= MAX_FAILURES) return { ...left, failures, overflowed: true };
  return { ...left, failures, failed: state.failed.with(pid, status) };
}

/** A notice of a process that has succeeded, or has been dropped, changes nothing. */
function noticed(state: RunState, pid: Pid): RunState {
  const process = state.running.get(pid);
  if (process === undefined) {
    const failed = state.failed.without(pid);
    return failed === state.failed ? state : { ...state, failed };
  }
  if (process.noticed) return state;
  return { ...state, running: state.running.with(pid, { ...process, noticed: true }) };
}

function running(state: RunState, event: { event: string; pid: Pid }): RunningProcess {
  const process = state.running.get(event.pid);
  if (process === undefined) throw impossible(event, "is not running");
  return process;
}

function ended(event: Extract<RunEvent, { fd: OutputFd }>): EventOrderError {
  return impossible(event, `has ended its stream ${event.fd}`);
}

function impossible(event: { event: string; pid: Pid }, why: string): EventOrderError {
  return new EventOrderError(`Cannot record "${event.event}" of process ${event.pid}: it ${why}`);
}
