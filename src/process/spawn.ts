/** Starting other processes, and what these may do. */

import { hubIfAny } from "../channel/channel_end.ts";
import { type BlobHole, fillHoles } from "../codec/value_buffers.ts";
import { encode, encodeWithHoles } from "../codec/value_encoder.ts";
import { isRefusal } from "../codec/value_rejection.ts";
import { atCaller, callSite, type Operation, SpawnError } from "../core/errors.ts";
import { checkOptions, checkSignal } from "../core/options.ts";
import type { Pid } from "../core/pid.ts";
import { invalidResource, MiB, resolveResources, type Resources } from "../core/resources.ts";
import { current, type CurrentProcess, holding } from "./current.ts";
import { changeBetween, type Environment, readEnvironment } from "./environment.ts";
import { type NodeLink, QuestionGate } from "./node_link.ts";
import { isShowable, registry, type SpawnFunction } from "./registry.ts";
import {
  type AnswerMessage,
  type FailedMessage,
  MAX_ENVIRONMENT_BYTES,
  type ProcessMessage,
} from "../wire/control.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The resources and the name of a new process, and a signal that cancels it. */
export interface SpawnOptions extends Partial<Resources> {
  /**
   * The displayed name of the process: at most 255 bytes of UTF-8, in one line and without control
   * characters.
   *
   * @default the name that its function is registered under
   */
  name?: string;
  /**
   * Cancels the spawn when it is aborted, also while it waits for room or the process boots: the spawn
   * rejects with the signal's reason, and no process is left behind. This process does not end before that
   * is ensured. Once the spawn has resolved, the signal has no effect.
   */
  signal?: AbortSignal;
  /**
   * What the process may do: only what is named here, as in a test or a worker of Deno. `{}` is nothing,
   * `{ net: ["example.com"], read: "inherit" }` connects to one host, and reads what this process may read. What it
   * spawns may do no more. What the runtime needs itself is always allowed.
   *
   * Relative paths are relative to the working directory that the program was started in. A process that is started
   * with other permissions than its program takes as long to start as the first one.
   *
   * Spawning is refused as `invalid` if this is more than this process may do itself, or if the program is an
   * executable, whose permissions were fixed when it was compiled.
   *
   * @default what this process may do, where it runs
   */
  permissions?: Deno.PermissionOptionsObject;
}

const OPTIONS = ["mem", "cpu", "name", "signal", "permissions"] as const;

/** The longest name of a process, in bytes of UTF-8. */
const MAX_NAME_BYTES = 255;

/**
 * Whether one of the functions `F` takes an argument.
 *
 * @internal
 */
type Taking<F> = F extends (parent: Pid, ...rest: infer Rest) => unknown
  ? Rest extends [] ? "none" : Rest extends [unknown, ...unknown[]] ? "required" : "optional"
  : never;

/**
 * The arguments of the functions `F`.
 *
 * @internal
 */
type Taken<F> = [F] extends [(parent: Pid, arg: infer A) => unknown] ? A : never;

/**
 * The arguments after the function in a call of {@linkcode spawn}: the function's own argument after
 * `parent`, as if the program called it, and the options.
 *
 * For a function without an argument, `undefined` takes its place if there are options.
 *
 * @typeParam F The type of the function.
 *
 * @example A function that spawns another one's functions
 * ```ts
 * import { type Pid, spawn, type SpawnArguments, type SpawnFunction } from "deploy";
 *
 * export async function spawnLogged<F extends SpawnFunction>(
 *   fn: F,
 *   ...rest: SpawnArguments<F>
 * ): Promise<Pid> {
 *   const pid = await spawn(fn, ...rest);
 *   console.log(`${fn.name} is ${pid}`);
 *   return pid;
 * }
 * ```
 */
export type SpawnArguments<F extends SpawnFunction> = "required" extends Taking<F>
  ? [arg: Taken<F>, options?: SpawnOptions]
  : "optional" extends Taking<F> ? [arg?: Taken<F> | undefined, options?: SpawnOptions]
  : [arg?: undefined, options?: SpawnOptions];

/**
 * Starts a new process that runs `fn(parent, arg)`, where `parent` is this one's Pid.
 *
 * Waits until there is room for the process. Resolves when it has its Pid and accepts connections. The
 * process sees the same arguments, environment and working directory as this one does now. While this is
 * pending, this process does not end.
 *
 * The call is type-checked like a call of `fn`: an argument of its type is required if it takes one, and
 * not allowed if it takes none. Options are the third argument in either case:
 * `spawn(quiet, undefined, { mem: 1 * GiB })`.
 *
 * @param fn A function that `init()` or `spawnable()` registered. It is looked up by name in the new
 * process, so its closure is the one that the program's prelude creates there.
 * @param rest The argument, which may be any value that a channel carries and is copied before this
 * returns; and the options.
 * @throws {SpawnError} See its `reason`. `no-capacity` is only for {@linkcode trySpawn}.
 * @throws {TypeError} If `arg` cannot be copied (the message names the part that cannot), `fn` is not a
 * function, or an option is unknown (the message suggests the nearest one) or has the wrong type.
 * @throws {RangeError} If `arg` is larger than 256 MiB once encoded, or what was changed of the environment larger than
 * 4 MiB: send that over a channel.
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
 *   return spawn(greet, name, { name: `greet ${name}`, mem: 200 * MiB, cpu: 0.5 });
 * }
 * ```
 */
export function spawn<F extends SpawnFunction>(fn: F, ...rest: SpawnArguments<F>): Promise<Pid> {
  return start(fn, rest, true, spawn);
}

/**
 * As {@linkcode spawn}, but rejects at once where that would wait for room.
 *
 * @throws {SpawnError} Also `no-capacity`: no node has room now.
 */
export function trySpawn<F extends SpawnFunction>(
  fn: F,
  ...rest: SpawnArguments<F>
): Promise<Pid> {
  return start(fn, rest, false, trySpawn);
}

function start(
  fn: SpawnFunction,
  [arg, options = {}]: [arg?: unknown, options?: SpawnOptions],
  wait: boolean,
  operation: Operation,
): Promise<Pid> {
  let process: CurrentProcess;
  let wanted: Wanted;
  let signal: AbortSignal | undefined;
  try {
    process = current("spawn", operation);
    wanted = check(fn, options);
    ({ signal } = options);
  } catch (error) {
    return Promise.reject(atCaller(error as Error, operation));
  }
  if (signal?.aborted) return Promise.reject(signal.reason);
  let encoded: Bytes;
  const missing: BlobHole[] = [];
  try {
    encoded = encodeWithHoles(arg, 0, missing);
  } catch (error) {
    // Any other error was thrown by a getter of the program, and has its own stack.
    return Promise.reject(isRefusal(error) ? atCaller(error, operation) : error);
  }
  const site = callSite(operation);
  const span = process.tracing?.beginSpawn(wanted.name);
  return new Promise((resolve, reject) => {
    let givenUp = false;
    const giveUp = () => {
      givenUp = true;
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", giveUp);
    const waited = { kind: "spawn", name: wanted.name } as const;
    const started = holding(process, waited, site, async () => {
      const cwd = Deno.cwd();
      const env = encodeChange(process, span && process.tracing?.traceVariables(span));
      if (missing.length > 0) await fillHoles(encoded, missing);
      // While the process starts: it may be on another host.
      void hubIfAny()?.prepare();
      const question = { type: "spawn", ...wanted, arg: encoded, wait, cwd, env } as const;
      const answer = await askInTurn(process.link, question, signal)
        .finally(() => signal?.removeEventListener("abort", giveUp));
      if (answer.type === "failed") {
        throw new SpawnError(answer.reason === "unknown" ? "lost" : answer.reason, answer.message);
      }
      // The answer was in flight when the spawn was cancelled.
      if (givenUp) await endUnwanted(process, answer.pid);
      hubIfAny()?.hasSpawned(answer.pid);
      return answer.pid;
    });
    started.then(resolve, reject);
    if (span !== undefined) {
      const begun = (pid: Pid) => {
        span.set("deploy.pid", pid);
        span.end();
      };
      void started.then(begun, (error) => span.fail(error));
    }
  });
}

/** The most spawns of this process that its node holds at a time, and the most bytes of their arguments. */
const MAX_PENDING = 1_000;
const MAX_PENDING_BYTES = 64 * MiB;

/** The master holds the environments, too, so they count as so many times their bytes. */
const ENVIRONMENT_WEIGHT = 8;

const gate = new QuestionGate(MAX_PENDING, MAX_PENDING_BYTES);

type SpawnQuestion = Omit<Extract<ProcessMessage, { type: "spawn" }>, "request">;

/**
 * Asks the node to start a process. If it may wait for room, it does so once few others of this process wait;
 * if not, it is answered soon, and asked at once.
 */
async function askInTurn(
  link: NodeLink,
  question: SpawnQuestion,
  signal: AbortSignal | undefined,
): Promise<Extract<AnswerMessage, { type: "spawned" }> | FailedMessage> {
  if (!question.wait) return await link.ask(question, { signal });
  const { arg, env } = question;
  const bytes = arg.length + (env?.length ?? 0) * ENVIRONMENT_WEIGHT;
  const turn = gate.enter(bytes);
  if (turn !== undefined) await turn;
  try {
    signal?.throwIfAborted();
    return await link.ask(question, { signal });
  } finally {
    gate.leave(bytes);
  }
}

/** Ends a process whose spawn was cancelled. */
async function endUnwanted({ link }: CurrentProcess, pid: Pid): Promise<void> {
  const how = { signal: null, graceMs: 0, descendants: true };
  const answer = await link.ask({ type: "kill", pid, ...how });
  if (answer.type === "failed") throw new Error(answer.message);
}

/** The process to start. */
interface Wanted {
  /** The name that the function is registered under. */
  readonly function: string;
  /** The displayed name. */
  readonly name: string;
  readonly resources: Resources;
  /** What it may do, if that is said. */
  readonly permissions?: readonly string[];
}

function check(fn: SpawnFunction, options: SpawnOptions): Wanted {
  const registered = registry.nameOf(fn);
  const action = `spawn ${registered}()`;
  checkOptions(action, options, OPTIONS);
  const { name = registered } = options;
  checkName(action, name);
  checkSignal(action, options.signal);
  const { permissions } = options;
  const wanted = permissions === undefined
    ? {}
    : { permissions: permissionTexts(action, permissions) };
  const resources = resolveResources(options);
  const reason = invalidResource(resources);
  if (reason !== undefined) throw new SpawnError("invalid", `Cannot ${action}: ${reason}`);
  return { function: registered, name, resources, ...wanted };
}

function checkName(action: string, name: unknown): void {
  if (typeof name !== "string" || name === "") {
    const shown = typeof name === "string" ? JSON.stringify(name) : String(name);
    throw new TypeError(`Cannot ${action}: name is ${shown}, not a non-empty string`);
  }
  const bytes = new TextEncoder().encode(name).length;
  if (bytes > MAX_NAME_BYTES) {
    throw new TypeError(
      `Cannot ${action}: name has ${bytes} bytes in UTF-8; at most ${MAX_NAME_BYTES} are allowed`,
    );
  }
  if (!isShowable(name)) {
    throw new TypeError(
      `Cannot ${action}: name is ${JSON.stringify(name)}, which contains a control character`,
    );
  }
}

/**
 * The difference between this process's environment, with `added` variables, and the one that all processes
 * start with.
 */
function encodeChange(
  { environment }: CurrentProcess,
  added: Environment | undefined,
): Bytes | null {
  const now = readEnvironment();
  if (environment === undefined || now === undefined) return null;
  const change = changeBetween(environment, added === undefined ? now : { ...now, ...added });
  if (change === undefined) return null;
  const bytes = encode(change);
  if (bytes.length <= MAX_ENVIRONMENT_BYTES) return bytes;
  throw new RangeError(
    `Cannot spawn: the changes of the environment have ${bytes.length} bytes; at most ${MAX_ENVIRONMENT_BYTES} are ` +
      "allowed: send them over a channel",
  );
}

const NAMES = ["env", "ffi", "import", "net", "read", "run", "sys", "write"] as const;

/**
 * What the option asks for, as the node takes it: `inherit-net`, `allow-net`, or `allow-net=example.com,...` for
 * each permission that is not left out.
 *
 * @param action What is refused, for the message: `spawn work()`.
 * @throws {TypeError} If it is not what `Deno.PermissionOptionsObject` says, or names a permission that does not exist.
 */
export function permissionTexts(
  action: string,
  permissions: Deno.PermissionOptionsObject,
): string[] {
  checkOptions(action, permissions, NAMES, "permissions");
  return NAMES.flatMap((name) => {
    const value: unknown = permissions[name];
    if (value === undefined || value === false) return [];
    if (value === true) return [`allow-${name}`];
    if (value === "inherit") return [`inherit-${name}`];
    if (!Array.isArray(value)) {
      throw new TypeError(
        `Cannot ${action}: permissions.${name} is ${
          String(value)
        }, not "inherit", a boolean or a list`,
      );
    }
    const entries = value.map((entry) => entryText(action, name, entry));
    return entries.length === 0 ? [] : [`allow-${name}=${entries.join(",")}`];
  });
}

function entryText(action: string, name: string, entry: unknown): string {
  const isFile = entry instanceof URL && entry.protocol === "file:";
  const text = isFile ? decodeURIComponent(entry.pathname) : entry;
  // Deno has no way to write a list with such an entry that all its versions understand.
  if (typeof text === "string" && text !== "" && !/[,\0]/.test(text)) return text;
  throw new TypeError(
    `Cannot ${action}: permissions.${name} has ${
      typeof text === "string" ? JSON.stringify(text) : String(text)
    }, not a text without commas`,
  );
}
