/** Who spawned whom in a run. */

import type { Pid } from "../core/pid.ts";

/** The processes of a run, those that have ended too: a process descends from one that is gone. */
export class ProcessTree {
  readonly #parents = new Map<Pid, Pid | null>();
  readonly #children = new Map<Pid, Pid[]>();

  /** A process has started; `parent` is `null` for the first one. A child may come before its parent. */
  add(pid: Pid, parent: Pid | null): void {
    this.#parents.set(pid, parent);
    if (parent === null) return;
    const siblings = this.#children.get(parent);
    if (siblings === undefined) this.#children.set(parent, [pid]);
    else siblings.push(pid);
  }

  /** `root`, and all that descend from it, each after its parent. */
  from(root: Pid): Pid[] {
    const found = [root];
    for (const pid of found) found.push(...this.#children.get(pid) ?? []);
    return found;
  }

  /** Whether `pid` is one of `roots`, or descends from one. */
  descends(pid: Pid | null, roots: ReadonlySet<Pid>): boolean {
    for (let at = pid; at !== null; at = this.#parents.get(at) ?? null) {
      if (roots.has(at)) return true;
    }
    return false;
  }
}
