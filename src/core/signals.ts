/** The signals of Unix: their names and numbers, and how a process is ended by one. */

/** Numbers on Linux of the signals that a process can be sent. */
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

/** Whether `value` is the name of a signal that a process can be sent, such as `"SIGTERM"`. */
export function isSignal(value: unknown): value is Deno.Signal {
  return typeof value === "string" && Object.hasOwn(SIGNAL_NUMBERS, value);
}

/** The exit code of a shell's child that a signal ended is 128 and the signal's number. */
const SIGNAL_BASE = 128;

/**
 * The exit code that stands for a signal, as in a shell: 128 and its number on Linux, on every system.
 * It is 128 for a signal that Linux does not have.
 */
export function signalExitCode(signal: Deno.Signal): number {
  const numbers: Partial<Record<Deno.Signal, number>> = SIGNAL_NUMBERS;
  return SIGNAL_BASE + (numbers[signal] ?? 0);
}

/**
 * How processes are ended: told by a signal, given some time, and then killed.
 *
 * With SIGKILL, or a grace of 0, they have no time: they are killed.
 */
export interface Termination {
  readonly signal: Deno.Signal;
  /** How long a process may still be there after the signal, in ms. After that, SIGKILL. */
  readonly graceMs: number;
}

/** How one process is ended for another one that asked for that. */
export interface Kill extends Termination {
  /** Whether the processes that it spawned are ended, too, and those that they spawned, and so on. */
  readonly descendants: boolean;
}

/** The end at once, which nothing in the process can hinder. */
export const KILL: Kill = { signal: "SIGKILL", graceMs: 0, descendants: false };

/** How long a process that is told to stop has, unless somebody says otherwise. */
export const DEFAULT_GRACE_MS = 3_000;

/**
 * How processes are ended that have lost a part of their cluster, so that nobody can say how. No process
 * outlives such a part by 5 s.
 */
export const ORPHANED: Termination = { signal: "SIGTERM", graceMs: DEFAULT_GRACE_MS };

/** The longest grace that can be given: 1 h. */
export const MAX_GRACE_MS = 3_600_000;

/** Whether it leaves a process no time. */
export function isAtOnce({ signal, graceMs }: Termination): boolean {
  return signal === "SIGKILL" || graceMs === 0;
}
