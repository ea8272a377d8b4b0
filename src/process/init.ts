/** `init()`: what makes a process one of a run, and decides which one it is. */

import { setHub } from "../channel/channel_end.ts";
import { comesWithin, startTimer } from "../net/delay.ts";
import { connect, listen, listenWithin, type TransportListener } from "../net/transport.ts";
import { Hold } from "../channel/hold.ts";
import { Hub } from "../channel/hub.ts";
import { atCaller, messageOf } from "../core/errors.ts";
import { createLogger, limitLines, parseLogLevel } from "../core/logger.ts";
import { NO_PORT, type Pid } from "../core/pid.ts";
import type { Wait } from "../core/waits.ts";
import { checkOptions } from "../core/options.ts";
import { invalidResource, resolveResources, type Resources } from "../core/resources.ts";
import { decode } from "../codec/value_decoder.ts";
import { type Bootstrap, takeBootstrap } from "./bootstrap.ts";
import { setCurrent } from "./current.ts";
import { Endings } from "./endings.ts";
import {
  endPrelude,
  eventLoopTurn,
  flushAtNaturalEnd,
  type LastWill,
  runToEnd,
  silencePrelude,
} from "./ending.ts";
import { applyChange, checkChange, moveTo, readEnvironment } from "./environment.ts";
import { leaveWill, Unwinding, unwindInsteadOfExit, WillFile } from "./exits.ts";
import type { Protection } from "../net/protocol.ts";
import { orThrow, type ProcessMessage } from "../wire/control.ts";
import type { Inspector } from "./inspector.ts";
import { NodeLink, type StartMessage } from "./node_link.ts";
import { registry, type SpawnFunction } from "./registry.ts";
import { tellUnread, waitReport } from "./wait_report.ts";

/** What `init()` needs to know of a program. */
export interface InitOptions {
  /** Functions that `spawn()` may start, by name. The names are unique in the program. */
  functions?: Record<string, SpawnFunction>;
  /** What the first process needs. What is not given is as in `DEFAULT_RESOURCES`. */
  resources?: Partial<Resources>;
}

/** Where the program was started: its prelude may go elsewhere before it calls `init()`. */
const startDirectory = Deno.cwd();

/** Deno's own: the program may put another one in its place, and so does exits.ts. */
const exit: typeof Deno.exit = Deno.exit;

/** A process that has not been told what to run for so long is a spare. */
const REHEARSAL_MS = 20;

/** Where OpenTelemetry puts its API, if there is any. */
const TRACING_API = Symbol.for("opentelemetry.js.api.1");

let called = false;

/**
 * Makes this process part of a run. It is the first thing that a program awaits.
 *
 * The code before it is the program's prelude. It runs once in every process, so it should only define and
 * register.
 *
 * It must not use anything that only one process can have: a program that listens on a port before
 * `await init()` does so in every process, and all but the first of them fail (`AddrInUse`).
 *
 * - In the process that a user started, `init()` runs the whole program: it starts the program again
 * as its first process, shows the output of all processes, and exits with the program's exit status.
 *   It never resolves there, and what the prelude listens for, signals and `unload`, does not happen there.
 * - In the first process, it resolves, and the rest of the program runs.
 * - In a spawned process, it never resolves: it runs the function that the process was spawned for,
 *   waits until everything that was sent has arrived, and exits.
 *
 * A process ends as a program of Deno does. When a spawned function has returned, and in the first process
 * when nothing is pending, listeners are called for `beforeunload`, Node's `beforeExit`, `unload` and Node's
 * `exit`, in this order; the exit code is that of `Deno.exitCode` or `process.exitCode`. What these listeners
 * send is delivered. A spawned process does not wait for timers or other work that its function has left.
 *
 * Everything that a process sent is also delivered if it ends by `Deno.exit` or an uncaught error. This
 * includes values sent by listeners for `unload` and Node's `exit`, and by listeners for `error` and
 * `unhandledrejection` that were added before `init()`. Where the process may not write to the system's
 * folder for temporary files, or cannot (it is missing, read-only or full), `Deno.exit` throws, and the
 * process ends when everything is delivered.
 *
 * The first process of a local run has the stdin of the program that was started, so what it does not read is
 * left for others, and at a terminal `prompt`, `confirm` and `Deno.stdin.setRaw` work in it. On a cluster
 * its stdin is a pipe, and `deploy` reads its own as the process asks for more. Other processes have no
 * stdin. stdout and stderr are pipes everywhere: `Deno.stdout.isTerminal()` is false.
 *
 * The promise must be awaited: if it is not by the next turn of the event loop, the process ends with exit
 * code 1 and a line that says so.
 *
 * @throws {TypeError} If an option is invalid or unknown.
 * @throws {Error} If it was called before, if a name is used for two functions, or in `deno test`, where
 * `runProgram()` of `deploy/testing` runs programs.
 */
export function init(options: InitOptions = {}): Promise<void> {
  let checked: Checked;
  try {
    checked = begin(options);
  } catch (error) {
    return Promise.reject(atCaller(error as Error, init));
  }
  const promise: InitPromise = new InitPromise((resolve, reject) => {
    become(checked, () => promise.awaited || exitUnawaited()).then(resolve, reject);
  });
  return promise;
}

/** A promise that knows whether it is awaited. */
class InitPromise extends Promise<void> {
  awaited = false;

  /** `then` returns an ordinary promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  // An await calls this as well, since the promise is not an ordinary one.
  override then<A = void, B = never>(
    onFulfilled?: ((value: void) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.awaited = true;
    return super.then(onFulfilled, onRejected);
  }
}

/** The options of `init()`. */
interface Checked {
  readonly bootstrap: Bootstrap | undefined;
  readonly resources: Partial<Resources>;
}

/** What `init()` does before it returns. */
function begin(options: InitOptions): Checked {
  const { functions, resources } = check(options);
  if (called) {
    throw new Error("Cannot init() twice: call it once, and await it, in the main module");
  }
  if ("WorkerGlobalScope" in globalThis) {
    throw new Error("Cannot init() in a worker: call it in the main module");
  }
  // Outside of `deno test` and `deno bench`, it is a function without parameters that does nothing.
  if (Deno.test.length > 0) {
    throw new Error(
      "Cannot init() in deno test: a program runs in processes of its own; run it from the test with " +
        "runProgram() of deploy/testing",
    );
  }
  called = true;
  endPrelude();
  for (const [name, fn] of functions) registry.add(name, fn);
  return { bootstrap: takeBootstrap(), resources };
}

/**
 * Makes this the process of a run, or a launcher.
 *
 * @param requireAwait Ends the process if `init()` is not awaited. Called after a turn of the event loop.
 */
async function become(
  { bootstrap, resources }: Checked,
  requireAwait: () => unknown,
): Promise<void> {
  if (bootstrap !== undefined) {
    return await joinRun(bootstrap, resolveResources(resources), requireAwait);
  }
  const atExit = silencePrelude();
  const turned = eventLoopTurn();
  // Only the launcher needs that half of the system, and loading it takes time. Bundles omit it: they
  // search for this exact import (src/build/deno_bundle.ts).
  const { launch } = await import("../local/launcher.ts");
  await turned;
  requireAwait();
  await launch({ resources, cwd: startDirectory, atExit });
}

function exitUnawaited(): never {
  console.error(
    "deploy: Cannot run: init() was called but not awaited; write `await init(\u2026)` at the top level of the " +
      "main module",
  );
  exit(1);
}

function check(
  options: InitOptions,
): { functions: [string, SpawnFunction][]; resources: Partial<Resources> } {
  checkOptions("init()", options, ["functions", "resources"]);
  const { functions = {}, resources = {} } = options;
  checkOptions("init()", functions, undefined, "functions");
  checkOptions("init()", resources, ["mem", "cpu"], "resources");
  const entries = Object.entries(functions);
  for (const [name, fn] of entries) {
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot init(): functions.${name} is ${String(fn)}, not a function`);
    }
  }
  const reason = invalidResource(resolveResources(resources));
  if (reason !== undefined) throw new TypeError(`Cannot init(): resources.${reason}`);
  return { functions: entries, resources };
}

/**
 * Makes this one of the processes of a run, and runs its task. `resources` are those of the first process.
 */
async function joinRun(
  bootstrap: Bootstrap,
  resources: Resources,
  requireAwait: () => unknown,
): Promise<void> {
  let will: WillFile | undefined;
  // Without its node a process belongs to no run, and its output is lost.
  const lost = (cause: unknown) => {
    will?.abandon();
    try {
      say(`deploy: Cannot go on: this process has lost its node: ${messageOf(cause)}\n`);
    } finally {
      exit(1);
    }
  };
  const { socket, host } = bootstrap;
  const listeners: TransportListener[] = [];
  if (socket !== undefined) listeners.push(listen({ path: socket }));
  const { ports, patience, protection: kind } = bootstrap;
  const tcp = host === undefined
    ? undefined
    : listenWithin({ hostname: host, ports }, (at) => Deno.listen(at));
  if (tcp !== undefined) listeners.push(tcp);
  for (const listener of listeners) listener.unref();
  // Only now: the node gives up those first that have connected long ago and said nothing.
  const conn = await connect(bootstrap.control);
  requireAwait();
  const link = new NodeLink(conn, lost);
  link.send({ type: "hello", token: bootstrap.token, port: tcp?.addr.port ?? NO_PORT, resources });

  // Everything that does not depend on the task is done before it is known: a spare process has time for
  // it, and afterwards its parent waits for each step.
  const environment = readEnvironment();
  // What not every process needs is loaded by those that do, and before the program goes on, which may give up the
  // permission to read files.
  const far = tcp === undefined ? undefined : await import("../net/channel_protection.ts");
  const tracing = TRACING_API in globalThis ? await import("./traced.ts") : undefined;
  const hold = new Hold(listeners[0]!);
  const { pid, key, will: willPath } = await link.welcome;
  const endings = new Endings(link);
  const ended = (remote: Pid) => endings.status(remote);
  const noticed = (remote: Pid) => link.send({ type: "noticed", pid: remote });
  const sockets = socket?.slice(0, socket.lastIndexOf("/"));
  const unreached = async (remote: Pid, why: string) =>
    orThrow(await link.ask({ type: "unreached", pid: remote, why })).runs;
  const undelivered = (remote: Pid, why: string) =>
    link.send({ type: "undelivered", pid: remote, why });
  const protection = far && new far.ChannelProtection({ key, protection: kind, ports });
  const hub = new Hub({
    pid,
    key,
    listeners,
    protection,
    sockets,
    ended,
    noticed,
    unreached,
    undelivered,
    ...(patience === undefined ? {} : { patience }),
    hold,
    log: warn,
    // In the log of the node: strangers have no part in this program's output.
    refused: limitLines((line) => link.send({ type: "refused", ...line }), { later: startTimer }),
  });
  const waits = new Set<Wait>();
  link.onWhy = (request) =>
    link.send({ type: "waits", request, ...waitReport(hub, waits), traffic: hub.sent() });
  tellUnread(() => hub.unread(), (channels) => link.sendLast({ type: "unread", channels }));
  let lastWill: LastWill | undefined;
  if (willPath !== null && WillFile.isAllowed(willPath)) {
    will = new WillFile(willPath);
    lastWill = leaveWill(hub, will, new Unwinding(hub, hold, exit), exit);
  } else {
    unwindInsteadOfExit(hub, hold, exit);
  }

  if (!await comesWithin(link.start, REHEARSAL_MS)) {
    // It is only practice: what fails here is reported when it counts.
    practise({ hub, sockets, start: link.start, far: far && { kind } }).catch(() => {});
  }
  const start = await link.start;
  if (start.cwd !== null && start.cwd !== Deno.cwd()) moveTo(start.cwd);
  if (start.env !== null) applyChange(checkChange(decode(start.env)));
  if (bootstrap.limits !== undefined) {
    const { explainDenials } = await import("./denials.ts");
    explainDenials(bootstrap.limits, say);
  }
  setHub(hub);
  const own = Object.freeze(start.resources);
  setCurrent({ pid, resources: own, link, endings, hold, waits, environment, tracing });

  const inspector = start.inspect === undefined ? undefined : await openInspector();
  const breaks = inspector !== undefined && start.inspect === "break";
  const started: ProcessMessage = inspector === undefined
    ? { type: "started" }
    : { type: "started", inspector: inspector.port };
  if (start.function === null) {
    flushAtNaturalEnd(hub, hold, lastWill, exit);
    link.send(started);
    link.unref();
    if (breaks) {
      await eventLoopTurn();
      await inspector.break();
    }
    return;
  }
  const { fn, arg } = prepare(start, start.function);
  let run = bound(fn, start);
  link.send(started);
  // Before the function, which may compute for long: the parent need not wait for it to connect.
  if (start.parent !== null) await hub.meet(start.parent);
  if (breaks) {
    run = await inspector.breakAt(fn, run);
    // What has been sent leaves before everything stops.
    await eventLoopTurn();
  }
  // The link is not unreferenced: this process ends when its function has, and not before.
  if (tracing !== undefined) {
    run = tracing.traced(run, { function: start.function, name: start.name, pid });
  }
  runToEnd(run, arg, hub, hold, lastWill, exit);
  await new Promise(() => {});
}

/** What a spare rehearses with. */
interface Practice {
  readonly hub: Hub;
  readonly sockets: string | undefined;
  /** Resolves when it is told what to run, and is no spare any more. */
  readonly start: Promise<unknown>;
  /** How connections with other hosts are protected; `undefined` if there are none. */
  readonly far: { readonly kind: Protection | undefined } | undefined;
}

/** Does what a spare has time for, so that it is not done for the first time when it counts. */
async function practise({ hub, sockets, start, far }: Practice): Promise<void> {
  let isSpare = true;
  void start.then(() => isSpare = false);
  const { rehearse } = await import("./rehearsal.ts");
  if (!isSpare) return;
  rehearse(hub.pid, sockets);
  if (far === undefined) return;
  const { prepareFar } = await import("./far_rehearsal.ts");
  await prepareFar(hub, far.kind, () => isSpare);
}

/** Opens the inspector; `undefined`, with a line that says why, if that is not possible. */
async function openInspector(): Promise<Inspector | undefined> {
  try {
    const { Inspector } = await import("./inspector.ts");
    return Inspector.open();
  } catch (error) {
    say(`deploy: Cannot let a debugger attach: ${messageOf(error)}\n`);
    return undefined;
  }
}

/** The call that a process was spawned for. Exits if the function is unknown. */
function prepare(start: StartMessage, name: string): { fn: SpawnFunction; arg: unknown } {
  const fn = registry.find(name);
  if (fn === undefined) {
    console.error(
      `Cannot run ${name}: no such function is registered in this process; register it before ` +
        `init(), at module scope, so that every process does`,
    );
    exit(1);
  }
  return { fn, arg: decode(start.arg) };
}

/** The function with its parent: bound, and not called by a function of the runtime, which would appear in its traces. */
function bound(
  fn: SpawnFunction,
  { parent, function: name }: StartMessage,
): (arg: unknown) => unknown {
  if (parent === null) throw new Error(`Cannot run ${name}: the node named no parent`);
  return fn.bind(undefined, parent);
}

/** Writes to stderr, if there is still a reader. */
function say(text: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Logs a message of the system itself, in the common format. */
function warn(line: string): void {
  const level = parseLogLevel(Deno.env.get("DEPLOY_LOG"));
  const write = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  createLogger(level, write).warn(line);
}
