/** What this process waits for, as its node is told it. Loaded when that is first asked for. */

import type { Hub } from "../channel/hub.ts";
import { pendingTimers } from "../channel/select.ts";
import { MAX_WAITS, type Wait, type WaitReport } from "../core/waits.ts";

/** The runtime's own resources, of which each process has one, by the names that Deno gives them. */
const OWN = new Map([["stdin", 1], ["stdout", 1], ["stderr", 1], ["tcpListener", 1]]);

/** The resources that wake nobody: files are read by threads, and their operations end by themselves. */
const IDLE = /^(file|fsFile)$/;

const AFTER: Wait = { kind: "after", select: true };

/** @param asked What is pending at the node. */
export function waitReport(hub: Hub, asked: ReadonlySet<Wait>): WaitReport {
  const timers = Array.from({ length: pendingTimers() }, () => AFTER);
  const all = [...hub.pending(), ...asked, ...timers];
  return {
    waits: all.slice(0, MAX_WAITS),
    count: all.length,
    progress: hub.traffic,
    mayWake: hasOwnSources(hub.connections),
  };
}

/**
 * Whether the program has something open that its input may come from: a server, a request, a child
 * process. Deno tells that only inside of itself, and if some version does not, it is taken to have none.
 *
 * @param connections How many connections to other processes there are.
 */
function hasOwnSources(connections: number): boolean {
  const open = new Map<string, number>();
  for (const name of resourceNames()) open.set(name, (open.get(name) ?? 0) + 1);
  for (const [name, count] of open) {
    if (IDLE.test(name)) continue;
    // One connection more leads to the node.
    const own = name === "tcpStream" ? connections + 1 : OWN.get(name) ?? 0;
    if (count > own) return true;
  }
  return isReadingStdin();
}

function resourceNames(): string[] {
  const internal: unknown = Reflect.get(Deno, Reflect.get(Deno, "internal") as PropertyKey);
  const core: unknown = isObject(internal) ? Reflect.get(internal, "core") : undefined;
  const resources: unknown = isObject(core) ? Reflect.get(core, "resources") : undefined;
  return typeof resources === "function" ? Object.values(resources()) : [];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether the program reads stdin by way of its stream, which nobody else locks. */
function isReadingStdin(): boolean {
  return Deno.stdin.readable.locked;
}
