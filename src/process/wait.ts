/** Waiting for other processes to end, and ending them. */

import { attempt, type Selectable, subscribe } from "../channel/select.ts";
import { atCaller, callSite, errorAt } from "../core/errors.ts";
import { type ExitStatus, success } from "../core/exit_status.ts";
import { checkOptions, checkSignal } from "../core/options.ts";
import { isPid, type Pid } from "../core/pid.ts";
import { DEFAULT_GRACE_MS, isSignal, MAX_GRACE_MS } from "../core/signals.ts";
import { current, type CurrentProcess, holding } from "./current.ts";
import type { Ending, EndOutcome } from "./endings.ts";
import { QuestionGate } from "./node_link.ts";

/** The options of {@linkcode wait}. */
export interface WaitOptions {
  /**
   * Cancels the wait when it is aborted: `wait` rejects with the signal's reason, and no longer keeps this
   * process alive. The other process is not affected.
   */
  signal?: AbortSignal;
}

/**
 * Resolves with how a process ended, as soon as it has; at once if it had ended before.
 *
 * When it resolves, all output of the process has been passed on. While this is pending, this process does
 * not end. A failure that is returned this way counts as noticed: it no longer affects the exit status of
 * the run.
 *
 * @param pid Any process of this program except this one. At least the latest million ended processes are
 * remembered; older ones are unknown.
 * @throws {TypeError} If `pid` is not a Pid, or an option is unknown or has the wrong type.
 * @throws {Error} If the program has no such process, or before `init()` has resolved.
 *
 * @example
 * ```ts
 * import { type ExitStatus, kill, type Pid, wait } from "deploy";
 *
 * // To be called after init().
 * export async function endWithin(pid: Pid, ms: number): Promise<ExitStatus> {
 *   try {
 *     return await wait(pid, { signal: AbortSignal.timeout(ms) });
 *   } catch (error) {
 *     if (!(error instanceof DOMException)) throw error;
 *     await kill(pid);
 *     return await wait(pid);
 *   }
 * }
 * ```
 */
export function wait(pid: Pid, options?: WaitOptions): Promise<ExitStatus>;
/** The same without options, for `pids.map(wait)`, where the number is an index. */
export function wait(pid: Pid, index: number): Promise<ExitStatus>;
export function wait(pid: Pid, given: WaitOptions | number = {}): Promise<ExitStatus> {
  const options = typeof given === "number" ? {} : given;
  let process: CurrentProcess;
  try {
    process = current("wait", wait);
    checkWaited(process, pid);
    checkOptions(`wait for ${pid}`, options, ["signal"]);
    checkSignal(`wait for ${pid}`, options.signal);
  } catch (error) {
    return Promise.reject(atCaller(error as Error, wait));
  }
  const { signal } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  const site = callSite(wait);
  return new Promise((resolve, reject) => {
    const { endings, hold, waits } = process;
    const ending = endings.of(pid);
    const waited = { kind: "wait", remote: pid, select: false } as const;
    const over = () => {
      waits.delete(waited);
      signal?.removeEventListener("abort", abort);
      hold.release();
    };
    const abort = () => {
      leave();
      over();
      reject(signal!.reason);
    };
    hold.acquire();
    waits.add(waited);
    const leave = ending.wait(() => {
      over();
      const outcome = ending.outcome!;
      give(process, pid, outcome);
      if ("value" in outcome) resolve(outcome.value);
      else reject(errorAt(site, outcome.error));
    });
    signal?.addEventListener("abort", abort);
  });
}

/**
 * A {@linkcode wait} as an operation of `select`: possible when the process has ended, from then on in
 * every `select`. An unknown process makes `select` reject.
 *
 * @throws {TypeError} If `pid` is not a Pid.
 * @throws {Error} If `pid` is this process's own, or before `init()` has resolved.
 *
 * @example
 * ```ts
 * import { type Pid, Receiver, select, selectableWait } from "deploy";
 *
 * // To be called after init().
 * export async function firstValue(pid: Pid): Promise<number | undefined> {
 *   await using receiver = new Receiver<number>(pid);
 *   const selected = await select([receiver.selectableRecv(), selectableWait(pid)]);
 *   if ("error" in selected) throw selected.error;
 *   return selected.index === 0 ? selected.value : undefined;
 * }
 * ```
 */
export function selectableWait(pid: Pid): Selectable<ExitStatus> {
  const process = current("wait", selectableWait);
  try {
    checkWaited(process, pid);
  } catch (error) {
    throw atCaller(error as Error, selectableWait);
  }
  let ending: Ending | undefined;
  // Requested only when it is first needed.
  const asked = () => ending ??= process.endings.of(pid);
  return {
    [attempt]: () => {
      const { outcome } = asked();
      if (outcome !== undefined) give(process, pid, outcome);
      return outcome;
    },
    [subscribe]: (wake) => {
      const waited = { kind: "wait", remote: pid, select: true } as const;
      process.waits.add(waited);
      const leave = asked().wait(wake);
      return () => {
        process.waits.delete(waited);
        leave();
      };
    },
  };
}

/** Passes a status to the program, which has noticed it then. */
function give({ link }: CurrentProcess, pid: Pid, outcome: EndOutcome): void {
  if ("value" in outcome && !success(outcome.value)) link.send({ type: "noticed", pid });
}

/** How {@linkcode kill} ends a process. */
export interface KillOptions {
  /**
   * The signal that the process is sent first, so that it can finish its work.
   *
   * @default "SIGKILL"
   */
  signal?: Deno.Signal;
  /**
   * How long after that signal the process gets SIGKILL if it is still running, in ms: at most an hour.
   *
   * @default 3_000
   */
  graceMs?: number;
  /**
   * Whether its whole subtree of spawned processes ends with it. Without this, they go on.
   *
   * @default false
   */
  descendants?: boolean;
}

/**
 * Ends a process, and everything that it started other than by `spawn`; resolves when they are gone.
 *
 * Processes that it spawned go on, unless `descendants` is true. Children in sessions of their own (daemons,
 * browsers, `detached: true`) end with it on Linux; elsewhere they may go on.
 *
 * By default with SIGKILL: values of the process that have not arrived are then lost. Ending one that has
 * ended is not an error. While this is pending, this process does not end.
 *
 * @param pid Any process of this program.
 * @throws {TypeError} If `pid` is not a Pid, or an option is unknown or has the wrong type.
 * @throws {RangeError} If `graceMs` is negative, NaN, or more than an hour.
 * @throws {Error} If the program has no such process, or before `init()` has resolved.
 *
 * @example
 * ```ts
 * import { kill, type Pid } from "deploy";
 *
 * // To be called after init().
 * export async function stopService(service: Pid): Promise<void> {
 *   await kill(service, { signal: "SIGTERM", graceMs: 10_000, descendants: true });
 * }
 * ```
 */
export function kill(pid: Pid, options?: KillOptions): Promise<void>;
/** The same without options, for `pids.map(kill)`, where the number is an index. */
export function kill(pid: Pid, index: number): Promise<void>;
export function kill(pid: Pid, given: KillOptions | number = {}): Promise<void> {
  const options = typeof given === "number" ? {} : given;
  let process: CurrentProcess;
  try {
    process = current("kill", kill);
    checkPid("kill", pid);
    checkKill(`kill ${pid}`, options);
  } catch (error) {
    return Promise.reject(atCaller(error as Error, kill));
  }
  const { signal = null, graceMs = DEFAULT_GRACE_MS, descendants = false } = options;
  return holding(process, { kind: "kill", remote: pid }, callSite(kill), async () => {
    const question = { type: "kill", pid, signal, graceMs, descendants } as const;
    const turn = kills.enter();
    if (turn !== undefined) await turn;
    const answer = await process.link.ask(question).finally(() => kills.leave());
    if (answer.type === "failed") throw new Error(answer.message);
  });
}

/** The most processes that this one is ending at a time. */
const MAX_KILLS = 1_000;

const kills = new QuestionGate(MAX_KILLS);

function checkKill(action: string, options: KillOptions): void {
  checkOptions(action, options, ["signal", "graceMs", "descendants"]);
  const { signal, graceMs, descendants } = options;
  if (signal !== undefined && !isSignal(signal)) {
    throw new TypeError(`Cannot ${action}: there is no signal ${show(signal)}`);
  }
  if (descendants !== undefined && typeof descendants !== "boolean") {
    throw new TypeError(`Cannot ${action}: descendants is ${show(descendants)}, not a boolean`);
  }
  if (graceMs === undefined) return;
  if (typeof graceMs !== "number") {
    throw new TypeError(`Cannot ${action}: graceMs is ${show(graceMs)}, not a number`);
  }
  if (!(graceMs >= 0 && graceMs <= MAX_GRACE_MS)) {
    throw new RangeError(
      `Cannot ${action}: graceMs is ${graceMs}, and must be from 0 to ${MAX_GRACE_MS}`,
    );
  }
}

function checkWaited(process: CurrentProcess, pid: Pid): void {
  checkPid("wait for", pid);
  if (pid !== process.pid) return;
  throw new Error(`Cannot wait for ${pid}: it is this process`);
}

function checkPid(action: string, pid: unknown): void {
  if (isPid(pid)) return;
  throw new TypeError(`Cannot ${action} ${show(pid)}: it is not a Pid`);
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
