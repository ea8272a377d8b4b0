/** Unix signals: their names and numbers, and how a process is ended by one. */

/** The numbers on Linux of the signals that can be sent to a process. */
const SIGNAL_NUMBERS = {
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
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const satisfies Partial<Record<Deno.Signal, number>>;

/** Whether `value` is the name of a signal that can be sent to a process, such as `"SIGTERM"`. */
export function isSignal(value: unknown): value is Deno.Signal {
  return typeof value === "string" && Object.hasOwn(SIGNAL_NUMBERS, value);
}

/** A shell reports a child that was ended by a signal as 128 plus the signal's number. */
const SIGNAL_BASE = 128;

/**
 * The exit code for a signal, as in a shell: 128 plus its number on Linux, on every system.
 * 128 for a signal that Linux does not have.
 */
export function signalExitCode(signal: Deno.Signal): number {
  const numbers: Partial<Record<Deno.Signal, number>> = SIGNAL_NUMBERS;
  return SIGNAL_BASE + (numbers[signal] ?? 0);
}

/**
 * How processes are ended: by a signal, followed by SIGKILL after a grace.
 *
 * With SIGKILL or a grace of 0 they are killed at once.
 */
export interface Termination {
  readonly signal: Deno.Signal;
  /** How long a process may run after the signal, in ms. After that, SIGKILL. */
  readonly graceMs: number;
}

/** How one process is ended at the request of another. */
export interface Kill extends Termination {
  /** Whether all its descendants are ended as well. */
  readonly descendants: boolean;
}

/** Immediate termination, which a process cannot prevent. */
export const KILL: Kill = { signal: "SIGKILL", graceMs: 0, descendants: false };

/** The default grace of a process that is told to stop. */
export const DEFAULT_GRACE_MS = 3_000;

/**
 * How processes are ended when they have lost a part of their cluster that would decide it. No process
 * outlives such a part by 5 s.
 */
export const ORPHANED: Termination = { signal: "SIGTERM", graceMs: DEFAULT_GRACE_MS };

/** The maximum grace: 1 h. */
export const MAX_GRACE_MS = 3_600_000;

/** Whether it gives a process no time. */
export function isAtOnce({ signal, graceMs }: Termination): boolean {
  return signal === "SIGKILL" || graceMs === 0;
}
