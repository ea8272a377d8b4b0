/** A node with a master, and its events, for tests that start real processes. */

import type { RunEvent, RunEventSink } from "../../src/core/events.ts";
import { createLogger } from "../../src/core/logger.ts";
import type { Pid } from "../../src/core/pid.ts";
import { DEFAULT_RESOURCES } from "../../src/core/resources.ts";
import type { SpawnRequest } from "../../src/core/roles.ts";
import { Master } from "../../src/master/master.ts";
import { Unlimited } from "../../src/master/unlimited.ts";
import type { Boots } from "../../src/host/boots.ts";
import type { Enforcement } from "../../src/host/enforcement.ts";
import { readOsProcess } from "../../src/host/os_process.ts";
import type { DeliverWill } from "../../src/host/run_context.ts";
import { NodeRun, type NodeRunOptions } from "../../src/node/node_run.ts";
import { ProcessSource } from "../../src/node/process_source.ts";
import { isGoneOrForbidden } from "../../src/testing/os_processes.ts";

/** The fake process, and the configuration that its imports need. */
const FIXTURE = new URL("../host/fake_process.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

export const KEY = new Uint8Array(32).fill(7);

export interface Harness extends AsyncDisposable {
  readonly node: NodeRun;
  readonly master: Master;
  readonly events: RunEvent[];
  readonly logged: string[];
  /** The OS processes of its run: those of no other test, which may run in another thread. */
  children(): number[];
  /** The current graces, in ms. */
  readonly graces: number[];
  /** Lets the time of every grace pass. */
  passGraces(): void;
  /** Launches a process that runs this function; `null` is the first one. */
  launch(fn: string | null, parent?: Pid | null, mem?: number): Promise<Pid>;
  /** The output of a process to `fd` so far. */
  output(pid: Pid, fd: 1 | 2): string;
  /** Resolves when an event of this kind has been reported. */
  until(matches: (event: RunEvent) => boolean): Promise<RunEvent>;
}

export function startNode(
  options: {
    /** The arguments of the program. */
    args?: string[];
    sink?: RunEventSink;
    deliverWill?: DeliverWill;
    command?: string;
    willFolder?: string;
    maxSpares?: number;
    reachable?: boolean;
    enforcement?: Enforcement;
    bootLimitMs?: number;
    boots?: Boots;
    /** Whether the first process boots at once. */
    prepares?: boolean;
    disk?: NodeRunOptions["disk"];
  } = {},
): Harness {
  const events: RunEvent[] = [];
  const logged: string[] = [];
  const timers = new Map<number, { ms: number; then: () => void }>();
  let started = 0;
  const watchers = new Set<(event: RunEvent) => void>();
  const mark = `run=${crypto.randomUUID()}`;
  const room = new Unlimited();
  const master = new Master(room);
  const nodeOptions: NodeRunOptions = {
    master,
    key: KEY,
    node: "node 1",
    sink: async (event) => {
      // The memory is used again when this has resolved.
      events.push(event.event === "output" ? { ...event, bytes: event.bytes.slice() } : event);
      for (const watch of watchers) watch(event);
      await options.sink?.(event);
    },
    logger: createLogger("info", (line) => logged.push(line)),
    startTimer: (ms, then) => {
      const id = started++;
      timers.set(id, { ms, then });
      return () => timers.delete(id);
    },
    deliverWill: options.deliverWill ?? (() => Promise.reject(new Error("no will was expected"))),
    program: {
      command: options.command ?? Deno.execPath(),
      args: ["run", "-A", "--config", CONFIG, FIXTURE, ...options.args ?? [], mark],
      flagsAt: 2,
      cwd: Deno.cwd(),
    },
    hostname: "127.0.0.1",
    reachable: options.reachable ?? false,
    willFolder: options.willFolder ?? "/tmp",
    maxSpares: options.maxSpares ?? 0,
    spareIdleMs: 600_000, // a busy machine may take long to boot one
    enforcement: options.enforcement,
    bootLimitMs: options.bootLimitMs,
    boots: options.boots,
    disk: options.disk,
  };
  const source = new ProcessSource(nodeOptions);
  if (options.prepares) source.prepare(requestFor(null, null));
  const node = new NodeRun({ ...nodeOptions, source });
  room.addNode(node);
  return {
    node,
    master,
    events,
    logged,
    children: () =>
      Array.from(Deno.readDirSync("/proc"), ({ name }) => Number(name))
        .filter((pid) => pid > 0 && commandOf(pid).includes(mark) && isAlive(pid)),
    get graces() {
      return Array.from(timers.values(), ({ ms }) => ms);
    },
    passGraces: () => {
      const over = [...timers.values()];
      timers.clear();
      for (const { then } of over) then();
    },
    launch: (fn, parent = null, mem = DEFAULT_RESOURCES.mem) => {
      const request = requestFor(fn, parent);
      return master.spawn({ ...request, resources: { ...request.resources, mem } }, { wait: true });
    },
    output: (pid, fd) => textOf(events, pid, fd),
    until: (matches) => {
      const found = events.find(matches);
      if (found !== undefined) return Promise.resolve(found);
      const { promise, resolve } = Promise.withResolvers<RunEvent>();
      const watch = (event: RunEvent): void => {
        if (!matches(event)) return;
        watchers.delete(watch);
        resolve(event);
      };
      watchers.add(watch);
      return promise;
    },
    [Symbol.asyncDispose]: () => node.stop(),
  };
}

export function requestFor(fn: string | null, parent: Pid | null): SpawnRequest {
  return {
    parent,
    function: fn,
    name: `a ${fn}`,
    arg: new Uint8Array([4, 5]),
    resources: DEFAULT_RESOURCES,
    cwd: null,
    env: null,
  };
}

function textOf(events: readonly RunEvent[], pid: Pid, fd: 1 | 2): string {
  const decoder = new TextDecoder();
  let text = "";
  for (const event of events) {
    if (event.event !== "output" || event.pid !== pid || event.fd !== fd) continue;
    text += decoder.decode(event.bytes, { stream: true });
  }
  return text + decoder.decode();
}

/** Whether the OS process exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  const state = readOsProcess(pid)?.state;
  return state !== undefined && state !== "Z" && state !== "X";
}

/** The command line of an OS process; empty if it has ended. */
export function commandOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`);
  } catch (error) {
    if (isGoneOrForbidden(error)) return "";
    throw error;
  }
}

/** Resolves when all these OS processes are gone; rejects after `ms`, which is long also for a busy machine. */
export async function untilGone(pids: readonly number[], ms = 30_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (pids.some(isAlive)) {
    if (performance.now() > deadline) {
      throw new Error(`still there after ${ms} ms: ${pids.filter(isAlive).join(", ")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
