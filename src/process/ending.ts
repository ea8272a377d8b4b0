/**
 * The natural end of a process, once nothing is pending, with everything delivered first.
 *
 * Also what the prelude of a program listens for: signals, and the end of its process. A launcher runs the prelude,
 * too, but is no process of the program: there these listeners are removed, since they would end it, or do
 * once more what the processes do.
 */

import type { Hold } from "../channel/hold.ts";
import type { Hub } from "../channel/hub.ts";

/** The sent data of a process, as its end needs it. */
export type Outgoing = Pick<Hub, "dirty" | "flush" | "writeWill" | "resume" | "fail">;

/** Writes what is not acknowledged when the process ends; see exits.ts. */
export interface LastWill {
  /** Writes it again after the `unload` listeners that there are now. */
  moveToEnd(): void;
  /** Writes it, or removes it if there is nothing to write. Nothing is sent to others from then on. */
  write(): void;
  /** Removes it: the process goes on, and what was sent meanwhile goes to others. */
  reopen(): void;
}

/** What is called when the event loop of the first process is empty, once that is known to be the first process. */
let onEmptyLoop: ((event: Event) => void) | undefined;

// Listeners are called in the order in which they were added. Modules are evaluated before those that import
// them, so this one comes before those of the program.
globalThis.addEventListener("beforeunload", (event) => onEmptyLoop?.(event));

/**
 * Makes the natural end of the first process, when its event loop is empty, wait until everything that it
 * sent is acknowledged.
 *
 * Deno dispatches `beforeunload` whenever the loop is empty, and again after the work that a listener
 * began. The program's listeners must not be called again because of the work here. So they get an event of
 * their own, and this one is kept from them. If nothing was sent, the rest of the end is Deno's; otherwise
 * the process ends as a spawned one does.
 *
 * @param will Is written if listeners for `unload` send something.
 * @param exit Deno's own `exit`.
 */
export function flushAtNaturalEnd(
  hub: Outgoing,
  hold: Hold,
  will: LastWill | undefined,
  exit: typeof Deno.exit,
): void {
  let asking = false;
  /** Node's `beforeExit` has been emitted, and what its listeners began has ended. */
  let agreed = false;
  onEmptyLoop = (event) => {
    if (asking) return;
    event.stopImmediatePropagation();
    if (!agreed) {
      asking = true;
      const agrees = agreesToEnd();
      asking = false;
      if (!agrees) return event.preventDefault();
      if (!hub.dirty) return writeWillLast(will);
      agreed = true;
      emitBeforeExit();
      return event.preventDefault();
    }
    event.preventDefault();
    onEmptyLoop = undefined;
    hold.acquire(); // for good
    void endInOrder(hub, will, exit);
  };
}

/** Asks the program's listeners for `beforeunload`, as Deno does: whether none prevents the end. */
function agreesToEnd(): boolean {
  return globalThis.dispatchEvent(new Event("beforeunload", { cancelable: true }));
}

/**
 * Runs the function that a process was spawned for, and ends the process.
 *
 * If it returns, the process waits for pending operations and unacknowledged data, and ends as a program of
 * Deno does: listeners are called for `beforeunload`, Node's `beforeExit`, `unload` and Node's `exit`, in
 * this order, and it exits with `Deno.exitCode`. If it throws, the error becomes an unhandled rejection, which Deno prints as usual, and
 * the exit code is 1, even if a listener of the program handles the event.
 *
 * @param run The function, which is called with `arg` and nothing else.
 * @param will As for {@linkcode flushAtNaturalEnd}.
 * @param exit Deno's own `exit`.
 */
export async function runToEnd(
  run: (arg: unknown) => unknown,
  arg: unknown,
  hub: Outgoing,
  hold: Hold,
  will: LastWill | undefined,
  exit: typeof Deno.exit,
): Promise<void> {
  try {
    await callBare(run, arg);
  } catch (error) {
    hub.fail();
    endAfterRejection(error, hub, exit);
    throw error;
  }
  do {
    await hold.idle();
    // Code that waited for the last operation runs now, and may begin another one.
    await eventLoopTurn();
  } while (hold.count > 0 || !agreesToEnd() || (emitBeforeExit() && hold.count > 0));
  await endInOrder(hub, will, exit);
}

/**
 * Delivers everything, dispatches what Deno dispatches at the end of a program, and exits with `Deno.exitCode`.
 * What the listeners send is delivered, too, and the exit code that they set counts.
 */
async function endInOrder(
  hub: Outgoing,
  will: LastWill | undefined,
  exit: typeof Deno.exit,
): Promise<void> {
  await hub.flush(Deno.exitCode, () => {
    will?.moveToEnd();
    // `exit` does not dispatch it again.
    globalThis.dispatchEvent(new Event("unload"));
    emitExit();
    will?.reopen();
    return Deno.exitCode;
  });
  will?.write();
  exit();
}

/** Has the will written after all listeners for `unload` and Node's `exit` that there are now. */
function writeWillLast(will: LastWill | undefined): void {
  if (will === undefined) return;
  will.moveToEnd();
  const node = nodeProcess();
  node?.removeListener("exit", will.write);
  node?.on("exit", will.write);
}

/** The part of Node's `process` that is used here. */
export interface NodeProcess {
  exitCode: number | undefined;
  /** Node's own mark, so that `process.exit()` in a listener for `exit` does not call them again. */
  _exiting: boolean;
  emit(event: string, code: number): boolean;
  on(event: string, listener: () => void): unknown;
  removeListener(event: string, listener: () => void): unknown;
  eventNames(): (string | symbol)[];
  removeAllListeners(event: string): unknown;
}

/**
 * Node's `process`, if the program uses it. Loading it takes longer than the rest of the end.
 *
 * Deno 2.9 loads it on demand, and only its internals tell whether it has; before, it was always loaded.
 */
export function nodeProcess(): NodeProcess | undefined {
  const internals: unknown = Reflect.get(Deno, Reflect.get(Deno, "internal") as PropertyKey);
  const isLoaded = Object.getOwnPropertyDescriptor(globalThis, "process")?.get === undefined ||
    (typeof internals === "object" && internals !== null &&
      "dispatchProcessExitEvent" in internals);
  return isLoaded ? Reflect.get(globalThis as object, "process") : undefined;
}

/** Emits Node's `beforeExit`. @returns Whether the program uses Node's `process`. */
function emitBeforeExit(): boolean {
  const node = nodeProcess();
  node?.emit("beforeExit", node.exitCode ?? 0);
  return node !== undefined;
}

/** Emits Node's `exit`, as at the natural end of a program. */
function emitExit(): void {
  const node = nodeProcess();
  if (node === undefined) return;
  node._exiting = true;
  try {
    node.emit("exit", node.exitCode ?? 0);
  } catch (error) {
    reportError(error); // which ends the process
  }
}

/**
 * Calls `run` with `arg`, and settles as what it returns.
 *
 * Its errors, thrown now or later, have no frames of the runtime in their traces: it is called with an
 * empty stack, as the reaction of a promise, and its waiter is behind a closure, through which V8 does not
 * follow promises.
 */
function callBare(run: (arg: unknown) => unknown, arg: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // A value from a channel has no methods, so `arg` is never taken for a promise.
    void Promise.resolve(arg).then(run).then((value) => resolve(value), (error) => reject(error));
  });
}

/** Ends the process even if a listener prevents Deno from doing so, for `error`. */
function endAfterRejection(error: unknown, hub: Outgoing, exit: typeof Deno.exit): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    if (!Object.is(event.reason, error)) return;
    queueMicrotask(async () => {
      if (!event.defaultPrevented) return;
      const code = Deno.exitCode === 0 ? 1 : Deno.exitCode;
      await hub.flush(code);
      exit(code);
    });
  });
}

/** Resolves when the event loop has gone round. `setTimeout` would be slow to load. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    AbortSignal.timeout(0).addEventListener("abort", () => resolve());
  });
}

/** Deno's own. */
const { addSignalListener, removeSignalListener } = Deno;

let added: [Deno.Signal, () => void][] = [];

/** What a launcher does at its end; `undefined` in all other processes. */
let atExit: (() => void)[] | undefined;

Object.assign(Deno, {
  addSignalListener(signal: Deno.Signal, handler: () => void): void {
    addSignalListener(signal, handler);
    added.push([signal, handler]);
  },
  removeSignalListener(signal: Deno.Signal, handler: () => void): void {
    removeSignalListener(signal, handler);
    added = added.filter((other) => other[0] !== signal || other[1] !== handler);
  },
});

// Listeners are called in the order in which they were added, and this module is evaluated before the program.
globalThis.addEventListener("unload", (event) => {
  if (atExit === undefined) return;
  event.stopImmediatePropagation();
  for (const step of atExit) step();
});

/** The prelude has ended: from now on, listeners for signals are not taken notice of. */
export function endPrelude(): void {
  Object.assign(Deno, { addSignalListener, removeSignalListener });
}

/**
 * Makes this process one in which no listener of the prelude is called for a signal, nor for `unload`.
 *
 * @returns Takes what is to be done when this process ends.
 */
export function silencePrelude(): (step: () => void) => void {
  for (const [signal, handler] of added) removeSignalListener(signal, handler);
  added = [];
  const node = nodeProcess();
  for (const name of node?.eventNames() ?? []) {
    if (typeof name === "string" && name.startsWith("SIG")) node?.removeAllListeners(name);
  }
  const steps: (() => void)[] = [];
  atExit = steps;
  return (step) => void steps.push(step);
}
