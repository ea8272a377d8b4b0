/** Starting other processes, waiting for them, and ending them. */

import { SpawnError } from "../core/errors.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import { isPid, type Pid } from "../core/pid.ts";
import { invalidResource, resolveResources, type Resources } from "../core/resources.ts";
import { encode } from "../codec/value_encoder.ts";
import { current, type CurrentProcess } from "./current.ts";
import { changeBetween, readEnvironment } from "./environment.ts";
import { registry, type SpawnFunction } from "./registry.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What a new process needs; what is not given is as in `DEFAULT_RESOURCES`. */
export interface SpawnOptions extends Partial<Resources> {}

/**
 * Starts a new process that runs `fn(parent, arg)`, where `parent` is this one's Pid.
 *
 * Resolves when the process has its Pid and can be talked to; until there is room for it, waits. The
 * process sees the same arguments, environment and working directory as this one does now. While
 * this is pending, this process does not end.
 *
 * @param fn A function that `init()` or `spawnable()` registered. It is looked up by name in the new
 * process, so what it closes over is what the program's prelude makes there.
 * @param arg Anything that a channel carries. It is copied.
 * @throws {SpawnError} See its `reason`. `no-capacity` is only for {@linkcode trySpawn}.
 * @throws {TypeError} If `arg` cannot be copied (the message names the part that cannot), or `fn` is
 * no function.
 * @throws {RangeError} If `arg` is larger than 256 MiB once encoded: send that over a channel.
 * @throws {Error} Before `init()` has resolved.
 *
 * @example
 * ```ts
 * import { MiB, type Pid, spawn, spawnable } from "deploy";
 *
 * const greet = spawnable("greetings/greet", (_parent: Pid, name: string) => {
 *   console.log(`Hello ${name}!`);
 * });
 *
 * // To be called after init().
 * export function greetElsewhere(name: string): Promise<Pid> {
 *   return spawn(greet, name, { mem: 200 * MiB, cpu: 0.5 });
 * }
 * ```
 */
export function spawn<A>(fn: SpawnFunction<A>, arg?: A, options: SpawnOptions = {}): Promise<Pid> {
  return start(fn, arg, options, true);
}

/**
 * As {@linkcode spawn}, but where that would wait for room, rejects at once.
 *
 * @throws {SpawnError} Also `no-capacity`: no node has room now.
 */
export function trySpawn<A>(
  fn: SpawnFunction<A>,
  arg?: A,
  options: SpawnOptions = {},
): Promise<Pid> {
  return start(fn, arg, options, false);
}

async function start(
  fn: SpawnFunction,
  arg: unknown,
  options: SpawnOptions,
  wait: boolean,
): Promise<Pid> {
  const process = current("spawn");
  const name = registry.nameOf(fn);
  const resources = checkOptions(name, options);
  const encoded = encode(arg);
  const cwd = Deno.cwd();
  const env = encodeChange(process);
  const answer = await holding(
    process,
    () =>
      process.link.ask({
        type: "spawn",
        function: name,
        name,
        arg: encoded,
        resources,
        wait,
        cwd,
        env,
      }),
  );
  if (answer.type === "spawned") return answer.pid;
  throw new SpawnError(answer.reason === "unknown" ? "lost" : answer.reason, answer.message);
}

function checkOptions(name: string, options: SpawnOptions): Resources {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot spawn ${name}(): options is ${String(options)}, not an object`);
  }
  // Whoever narrows permissions relies on it, so that leaving them as they are is not an option.
  if ("permissions" in options && options.permissions !== undefined) {
    throw new SpawnError(
      "invalid",
      `Cannot spawn ${name}(): permissions cannot be narrowed yet; leave the option out`,
    );
  }
  const wanted = resolveResources(options);
  const reason = invalidResource(wanted);
  if (reason === undefined) return wanted;
  throw new SpawnError("invalid", `Cannot spawn ${name}(): ${reason}`);
}

/** The environment of this process, as what differs from the one that all processes start with. */
function encodeChange({ environment }: CurrentProcess): Bytes | null {
  const now = readEnvironment();
  if (environment === undefined || now === undefined) return null;
  const change = changeBetween(environment, now);
  return change === undefined ? null : encode(change);
}

/**
 * Resolves with how a process ended, as soon as it has; at once if it had ended before.
 *
 * When it resolves, everything that the process wrote has been passed on. While this is pending, this
 * process does not end.
 *
 * @param pid Any process of this program, but for this one itself.
 * @throws {TypeError} If `pid` is no Pid.
 * @throws {Error} If the program has no such process, or before `init()` has resolved.
 */
export async function wait(pid: Pid): Promise<ExitStatus> {
  const process = current("wait");
  checkPid("wait for", pid);
  if (pid === process.pid) {
    throw new Error(`Cannot wait for ${pid}: it is this process, which would wait for ever`);
  }
  const answer = await holding(process, () => process.link.ask({ type: "wait", pid }));
  if (answer.type === "ended") return answer.status;
  throw new Error(answer.message);
}

/**
 * Ends a process and everything that it started, by SIGKILL; resolves when they are gone.
 *
 * To end one that has ended is no error. What the process sent, and what has not arrived yet, is
 * lost. While this is pending, this process does not end.
 *
 * @param pid Any process of this program.
 * @throws {TypeError} If `pid` is no Pid.
 * @throws {Error} If the program has no such process, or before `init()` has resolved.
 */
export async function kill(pid: Pid): Promise<void> {
  const process = current("kill");
  checkPid("kill", pid);
  const answer = await holding(
    process,
    () => process.link.ask({ type: "kill", pid, signal: null, graceMs: 0, descendants: false }),
  );
  if (answer.type === "failed") throw new Error(answer.message);
}

function checkPid(action: string, pid: unknown): void {
  if (isPid(pid)) return;
  const shown = typeof pid === "string" ? JSON.stringify(pid) : String(pid);
  throw new TypeError(`Cannot ${action} ${shown}: it is not a Pid`);
}

/** Keeps the process alive until what `operation` returns has settled. */
async function holding<T>(process: CurrentProcess, operation: () => Promise<T>): Promise<T> {
  process.hold.acquire();
  try {
    return await operation();
  } finally {
    process.hold.release();
  }
}
