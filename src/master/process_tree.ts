/** Who spawned whom in a run. */

import type { Pid } from "../core/pid.ts";

/** The maximum number of ended processes that are kept because they have running descendants. */
const MAX_ENDED = 10_000;

interface Entry {
  parent: Pid | null;
  readonly children: Set<Pid>;
  ended: boolean;
}

/**
 * The processes of a run that have not ended, and their ancestors.
 *
 * At most {@linkcode MAX_ENDED} ended ancestors are kept. Beyond that, the one that ended first is removed,
 * and its children become its parent's: the memory for a chain of processes, each of which spawns the
 * next one and ends, does not grow with its length.
 */
export class ProcessTree {
  readonly #maxEnded: number;
  readonly #entries = new Map<Pid, Entry>();
  /** In the order in which they ended. */
  readonly #ended = new Set<Pid>();

  constructor(maxEnded: number = MAX_ENDED) {
    this.#maxEnded = maxEnded;
  }

  /** The number of processes it keeps. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether it has a process, or a child of it that was added first. */
  has(pid: Pid): boolean {
    return this.#entries.has(pid);
  }

  /**
   * Adds a process; `parent` is `null` for the first one, and for one whose parent has ended and is
   * not kept. A child may be added before its parent.
   */
  add(pid: Pid, parent: Pid | null): void {
    const entry = this.#entry(pid);
    entry.parent = parent;
    if (parent !== null) this.#entry(parent).children.add(pid);
  }

  /** Marks a process as ended. */
  end(pid: Pid): void {
    const entry = this.#entries.get(pid);
    if (entry === undefined) return;
    entry.ended = true;
    this.#ended.add(pid);
    this.#prune(pid);
    if (this.#ended.size > this.#maxEnded) this.#leaveOut(this.#ended.values().next().value!);
  }

  /** `root` and its descendants, each after its parent. */
  from(root: Pid): Pid[] {
    const found = [root];
    for (const pid of found) found.push(...this.#entries.get(pid)?.children ?? []);
    return found;
  }

  /** Whether `pid` is one of `roots`, or descends from one. */
  descends(pid: Pid | null, roots: ReadonlySet<Pid>): boolean {
    for (let at = pid; at !== null; at = this.#entries.get(at)?.parent ?? null) {
      if (roots.has(at)) return true;
    }
    return false;
  }

  #entry(pid: Pid): Entry {
    let entry = this.#entries.get(pid);
    if (entry === undefined) {
      entry = { parent: null, children: new Set(), ended: false };
      this.#entries.set(pid, entry);
    }
    return entry;
  }

  /** Removes an ended process without children, and then its ended ancestors that have none left. */
  #prune(pid: Pid): void {
    for (let at: Pid | null = pid; at !== null;) {
      const entry = this.#entries.get(at);
      if (entry === undefined || !entry.ended || entry.children.size > 0) return;
      this.#remove(at, entry);
      at = entry.parent;
    }
  }

  #leaveOut(pid: Pid): void {
    const entry = this.#entries.get(pid)!;
    this.#remove(pid, entry);
    for (const child of entry.children) {
      this.#entries.get(child)!.parent = entry.parent;
      if (entry.parent !== null) this.#entries.get(entry.parent)?.children.add(child);
    }
  }

  #remove(pid: Pid, { parent }: Entry): void {
    this.#entries.delete(pid);
    this.#ended.delete(pid);
    if (parent !== null) this.#entries.get(parent)?.children.delete(pid);
  }
}
