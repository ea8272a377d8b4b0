/**
 * What the prelude of a program listens for: signals, and the end of its process. A launcher runs the prelude,
 * too, but is no process of the program: there these listeners are removed, since they would end it, or do
 * once more what the processes do.
 */

import { nodeProcess } from "./ending.ts";

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
