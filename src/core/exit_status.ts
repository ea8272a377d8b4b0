/** How a process ended, and what that means for the exit status of a whole run. */

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

/** Whether `status` is that of a process that did what it should: exit code 0. */
export function success(status: ExitStatus): boolean {
  return "code" in status && status.code === 0;
}

/** `3`, `SIGKILL`, `killed: …` or `lost: …`; the empty string for success. */
export function formatStatus(status: ExitStatus): string {
  if ("code" in status) return status.code === 0 ? "" : String(status.code);
  if ("signal" in status) return status.signal;
  if ("killed" in status) return `killed: ${status.killed}`;
  return `lost: ${status.lost}`;
}

/** The exit code of a shell's child that a signal ended is 128 and the signal's number. */
const SIGNAL_BASE = 128;

/** Numbers of the signals that end a process which does not handle them, on Linux. */
const SIGNAL_NUMBERS: Partial<Record<Deno.Signal, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
};

/** The exit code of a run in which only other processes than the first failed. */
const OTHERS_FAILED = 101;

/**
 * What a process's status is as the exit code of an OS process.
 *
 * A signal counts with its number on Linux, wherever the process ran: a run has the same exit code on
 * every machine.
 */
export function exitCode(status: ExitStatus): number {
  if ("code" in status) return status.code;
  if ("signal" in status) return SIGNAL_BASE + (SIGNAL_NUMBERS[status.signal] ?? 0);
  return "killed" in status ? SIGNAL_BASE + 9 : 1;
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
