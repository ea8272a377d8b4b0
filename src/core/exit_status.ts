/** How a process ended, and the exit status of a whole run. */

import { signalExitCode } from "./signals.ts";

/**
 * How a process ended.
 *
 * - `code`: it exited; 0 is success.
 * - `signal`: a signal ended it.
 * - `killed`: its node ended it, and why, such as `memory: 131 MiB used, 100 MiB asked`.
 * - `lost`: its node went away, and how that was noticed.
 */
export type ExitStatus =
  | { code: number }
  | { signal: Deno.Signal }
  | { killed: string }
  | { lost: string };

/**
 * How a process ended, as nodes and the master pass it on to other processes. Where it exited by itself, but what
 * it sent could not be delivered, that is part of it: its channels are lost, while its own status is kept.
 */
export type EndStatus = ExitStatus | { code: number; undelivered: string };

/** What people and programs are told of that: how the process itself ended. */
export function ownStatus(status: EndStatus): ExitStatus {
  return "undelivered" in status ? { code: status.code } : status;
}

/** What its channels are told of that. */
export function channelStatus(status: EndStatus): ExitStatus {
  if (!("undelivered" in status)) return status;
  return { lost: `what it sent could not be delivered: ${status.undelivered}` };
}

/** Whether `status` is success: exit code 0. */
export function success(status: ExitStatus): boolean {
  return "code" in status && status.code === 0;
}

/** `3`, `SIGKILL`, `killed: ...` or `lost: ...`; the empty string for success. */
export function formatStatus(status: ExitStatus): string {
  if ("code" in status) return status.code === 0 ? "" : String(status.code);
  if ("signal" in status) return status.signal;
  if ("killed" in status) return `killed: ${status.killed}`;
  return `lost: ${status.lost}`;
}

/** The exit code of a run in which a process failed, but not the first one. */
const OTHERS_FAILED = 101;

/**
 * A process's status as the exit code of an OS process.
 *
 * A signal counts by its number on Linux, wherever the process ran: a run has the same exit code on
 * every machine.
 */
export function exitCode(status: ExitStatus): number {
  if ("code" in status) return status.code;
  if ("signal" in status) return signalExitCode(status.signal);
  return "killed" in status ? signalExitCode("SIGKILL") : 1;
}

/**
 * The exit code of a run: the first process's own if that is not 0, otherwise 0 if every process
 * succeeded, otherwise 101.
 */
export function runExitCode(first: ExitStatus, othersSucceeded: boolean): number {
  const own = exitCode(first);
  if (own !== 0) return own;
  return othersSucceeded ? 0 : OTHERS_FAILED;
}
