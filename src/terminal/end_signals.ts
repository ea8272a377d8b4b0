/** The signals with which a user ends a run. */

/** A signal that tells a run to stop: Ctrl-C, `kill`, or the end of the terminal. */
export type EndSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

const END_SIGNALS: readonly EndSignal[] = ["SIGHUP", "SIGINT", "SIGTERM"];

/** A shell's exit code for a program whose reader went away: 128 and the number of SIGPIPE. */
export const STDOUT_GONE_CODE = 141;

/** The actions at the first signal, at the second, and at each one after that. */
export interface EndSteps {
  /** Tells the run to stop, by that signal. */
  tell(signal: EndSignal): void;
  /** Kills the run. */
  kill(signal: EndSignal): void;
  /** Exits without waiting. */
  leave(signal: EndSignal): void;
}

/** On a terminal, the same signal within this time counts as one. A person cannot press a key twice that quickly. */
const REPEAT_MS = 50;

/**
 * The same for what a task runner has started: `deno task` and `npm run` forward to their child the Ctrl-C that the
 * terminal has sent to both, and on a busy machine that takes them a while.
 */
const FORWARDED_REPEAT_MS = 500;

/** The variable with the folder in which a task was started. Task runners set it. */
const TASK_VARIABLE = "INIT_CWD";

/** Counts the signals from a user. */
export class EndSignalCounter {
  readonly #repeatMs: number;
  #count = 0;
  #last: { signal: EndSignal; atMs: number } | undefined;

  /**
   * @param isTerminal Whether signals may come from a terminal.
   * @param isTask Whether a task runner may forward them, too.
   */
  constructor({ isTerminal, isTask }: { isTerminal: boolean; isTask: boolean }) {
    this.#repeatMs = isTerminal ? isTask ? FORWARDED_REPEAT_MS : REPEAT_MS : 0;
  }

  /** The action for this signal; `undefined` if it repeats one that was handled. */
  take(signal: EndSignal, nowMs: number): keyof EndSteps | undefined {
    const last = this.#last;
    // When a terminal closes, both the system and the shell send SIGHUP.
    const isRepeated = last?.signal === signal &&
      (signal === "SIGHUP" || nowMs - last.atMs < this.#repeatMs);
    if (isRepeated) return undefined;
    this.#last = { signal, atMs: nowMs };
    this.#count++;
    return this.#count === 1 ? "tell" : this.#count === 2 ? "kill" : "leave";
  }
}

/**
 * Takes the next action at each such signal. A program that was started with SIGHUP ignored, as by nohup,
 * outlives its terminal.
 *
 * @returns A function that stops listening.
 */
export function onEndSignals(steps: EndSteps): () => void {
  const isTerminal = [Deno.stdin, Deno.stdout, Deno.stderr].some((each) => each.isTerminal());
  const counter = new EndSignalCounter({ isTerminal, isTask: isOfTask() });
  const listening: [EndSignal, () => void][] = [];
  for (const signal of END_SIGNALS) {
    if (signal === "SIGHUP" && ignoresHangup()) continue;
    const listener = () => {
      const step = counter.take(signal, performance.now());
      if (step !== undefined) steps[step](signal);
    };
    Deno.addSignalListener(signal, listener);
    listening.push([signal, listener]);
  }
  return () => {
    for (const [signal, listener] of listening) Deno.removeSignalListener(signal, listener);
  };
}

/** Whether this process descends from a task runner. */
function isOfTask(): boolean {
  try {
    return Deno.env.has(TASK_VARIABLE);
  } catch {
    return false; // only some variables may be read
  }
}

/** Whether this process was started with SIGHUP ignored, as nohup does. */
function ignoresHangup(): boolean {
  try {
    const ignored = /SigIgn:\s*([0-9a-f]+)/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
    return ignored !== undefined && (BigInt(`0x${ignored}`) & 1n) === 1n;
  } catch {
    // There is no /proc on macOS, and it may only be read with all permissions.
    return false;
  }
}
