/**
 * Makes one stream of the events that the nodes of a run send, each on its own connection.
 *
 * Between connections there is no order, so a child may be heard of before its parent. Its node's
 * stream then waits. That cannot go round in a circle: a parent is reported before its child is, and
 * each stream is in the order of time, so of all streams that wait, none waits for a later event.
 */

import type { OutputFd, RunEvent, RunEventSink } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";

/** What one process's events still lack. */
interface Alive {
  readonly open: Set<OutputFd>;
  readonly source: unknown;
}

export class EventMerger {
  readonly #sink: RunEventSink;
  readonly #alive = new Map<Pid, Alive>();
  readonly #known = new Set<Pid>();
  readonly #waiting = new Map<Pid, (() => void)[]>();
  #exited = 0;
  #changed: () => void = () => {};

  constructor(sink: RunEventSink) {
    this.#sink = sink;
  }

  /** How many processes have ended. */
  get exited(): number {
    return this.#exited;
  }

  /** Whether a process is alive that `source` has told of. */
  has(source: unknown): boolean {
    return this.#alive.values().some((process) => process.source === source);
  }

  /** Calls `changed` whenever a process has ended. */
  onExit(changed: () => void): void {
    this.#changed = changed;
  }

  /**
   * Takes the next event of `source`; resolves when the next but one may come. Events of processes that
   * have ended, or never began, are ignored: a lost process may turn out to have lived a little longer.
   */
  async add(source: unknown, event: RunEvent): Promise<void> {
    if (event.event === "spawn") {
      if (this.#known.has(event.pid)) return;
      if (event.parent !== null) await this.#seen(event.parent);
      return await this.#spawn(event.pid, event.parent, source);
    }
    const process = this.#alive.get(event.pid);
    if (process === undefined || process.source !== source) return;
    if (event.event === "exit") {
      this.#alive.delete(event.pid);
      await this.#complete(event.pid, process);
      await this.#sink(event);
      this.#exited++;
      return this.#changed();
    }
    if (!process.open.has(event.fd)) return;
    if (event.event === "eof") process.open.delete(event.fd);
    await this.#sink(event);
  }

  /** A process will not be heard of any more: its events are completed. */
  async lose(pid: Pid, parent: Pid | null, why: string): Promise<void> {
    if (this.#known.has(pid) && !this.#alive.has(pid)) return;
    if (!this.#known.has(pid)) await this.#spawn(pid, parent, undefined);
    const process = this.#alive.get(pid);
    if (process === undefined) return;
    this.#alive.delete(pid);
    await this.#complete(pid, process);
    await this.#sink({ event: "exit", pid, status: { lost: why } });
    this.#exited++;
    this.#changed();
  }

  /** Loses every process that `source` has told of; of all sources, if it is left out. */
  async loseAll(why: string, source?: unknown): Promise<void> {
    const pids = [...this.#alive].filter(([, process]) =>
      source === undefined || process.source === source
    );
    for (const [pid] of pids) await this.lose(pid, null, why);
  }

  async #spawn(pid: Pid, parent: Pid | null, source: unknown): Promise<void> {
    this.#known.add(pid);
    this.#alive.set(pid, { open: new Set([1, 2]), source });
    await this.#sink({ event: "spawn", parent, pid });
    for (const go of this.#waiting.get(pid) ?? []) go();
    this.#waiting.delete(pid);
  }

  async #complete(pid: Pid, { open }: Alive): Promise<void> {
    for (const fd of open) await this.#sink({ event: "eof", pid, fd });
  }

  #seen(pid: Pid): Promise<void> {
    if (this.#known.has(pid)) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(pid);
      if (waiting === undefined) this.#waiting.set(pid, [resolve]);
      else waiting.push(resolve);
    });
  }
}
