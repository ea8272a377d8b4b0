/** The reports of this process for its node: what it waits for, and what it leaves unread. */

import type { Hub } from "../channel/hub.ts";
import { pendingTimers } from "../channel/select.ts";
import { MAX_WAITS, type UnreadChannel, type Wait, type WaitReport } from "../core/waits.ts";

/** The runtime's own resources in each process, by Deno's names. */
const OWN = new Map([["stdin", 1], ["stdout", 1], ["stderr", 1], ["tcpListener", 1], [
  "unixListener",
  1,
]]);

/** Connections, to the node and to other processes. */
const STREAMS = ["tcpStream", "tlsStream", "unixStream"];

/** The resources that do not count as wake-ups: file operations run in threads and end by themselves. */
const IDLE = /^(file|fsFile)$/;

const AFTER: Wait = { kind: "after", select: true };

/** @param asked The requests pending at the node. */
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
 * Calls `tell` with the channels that hold values that nobody has taken, whenever the process is about to end by
 * itself: inside `Deno.exit`, at its natural end, and at an error that ends it unless a listener prevents that.
 * An empty list is told only after another one.
 *
 * @param unread Looks at the channels.
 */
export function tellUnread(
  unread: () => readonly UnreadChannel[],
  tell: (channels: readonly UnreadChannel[]) => void,
): void {
  let told = 0;
  const look = () => {
    const channels = unread();
    if (channels.length === 0 && told === 0) return;
    told = channels.length;
    tell(channels);
  };
  for (const end of ["unload", "error", "unhandledrejection"]) {
    globalThis.addEventListener(end, look);
  }
}

/**
 * Whether the program has an open resource that may wake it: a server, a request, a child process. Only
 * Deno's internals tell this; in a version that does not, the answer is no.
 *
 * @param connections How many connections to other processes there are.
 */
function hasOwnSources(connections: number): boolean {
  const open = new Map<string, number>();
  let streams = 0;
  for (const name of resourceNames()) open.set(name, (open.get(name) ?? 0) + 1);
  for (const [name, count] of open) {
    if (IDLE.test(name)) continue;
    if (STREAMS.includes(name)) streams += count;
    else if (count > (OWN.get(name) ?? 0)) return true;
  }
  // One more connection leads to the node.
  if (streams > connections + 1) return true;
  return isReadingStdin();
}

export function resourceNames(): string[] {
  const internal: unknown = Reflect.get(Deno, Reflect.get(Deno, "internal") as PropertyKey);
  const core: unknown = isObject(internal) ? Reflect.get(internal, "core") : undefined;
  const resources: unknown = isObject(core) ? Reflect.get(core, "resources") : undefined;
  return typeof resources === "function" ? Object.values(resources()) : [];
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether the program reads stdin through its stream, which only the program locks. */
function isReadingStdin(): boolean {
  return Deno.stdin.readable.locked;
}
