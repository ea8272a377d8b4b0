/** Holds what the runs of each person take on the disk of a node, together, to a limit. */

import { formatMem } from "../core/resources.ts";
import { visibleLine } from "../core/visible.ts";
import { judgeDisk, judgePerson, type PersonRun } from "./disk_limit.ts";

/** The processes of a run on a node. */
export interface RunHere {
  /** Whether there are any. */
  readonly isRunning: boolean;
  /** Ends them, for that reason. */
  endFor(why: string): void;
}

/** All persons with runs on a node. */
export class PersonDisks {
  /** How many bytes the runs of each may take. */
  readonly mostBytes: number;
  readonly #now: () => number;
  readonly #persons = new Map<string, Set<DiskShare>>();

  /** @param now The time in ms. @default that since the start of this process */
  constructor(mostBytes: number, now: () => number = () => performance.now()) {
    this.mostBytes = mostBytes;
    this.#now = now;
  }

  /**
   * A run of that person begins here, with files that take so much.
   *
   * @throws {Error} If that is too much, in one line.
   */
  begin(person: string, bytes: number): DiskShare {
    const shares = this.#persons.get(person) ?? new Set();
    const used = shares.values().reduce((sum, { usedBytes }) => sum + usedBytes, 0);
    if (used + bytes > this.mostBytes) {
      const already = shares.size === 0
        ? ""
        : `, other runs of ${visibleLine(person)} take ${formatMem(used)}`;
      throw new Error(
        `its files have ${formatMem(bytes)}${already}, and the runs of each person may take ${
          formatMem(this.mostBytes)
        } here (fabric --person-disk)`,
      );
    }
    const share = new DiskShare(bytes, {
      looked: () => this.#judge(person, shares),
      gone: () => {
        shares.delete(share);
        if (shares.size === 0) this.#persons.delete(person);
      },
    });
    this.#persons.set(person, shares.add(share));
    return share;
  }

  /** Ends what has to end; returns when to look again at the latest, in ms. */
  #judge(person: string, shares: ReadonlySet<DiskShare>): number {
    const nowMs = this.#now();
    const { usedBytes, over } = judgePerson([...shares], this.mostBytes, nowMs);
    const [used, most] = [usedBytes, this.mostBytes].map(formatMem);
    for (const share of over) {
      share.end(`disk: ${used} used by all runs of ${visibleLine(person)}, ${most} allowed`, nowMs);
    }
    const verdict = judgeDisk({ usedBytes, tookMs: 0 }, this.mostBytes, shares.size);
    return verdict.kind === "over" ? 0 : verdict.nextMs;
  }
}

/** What one run takes of it. */
export class DiskShare implements PersonRun, Disposable {
  /** Its processes, once there can be any. */
  run: RunHere | undefined;
  readonly #on: { looked(): number; gone(): void };
  #usedBytes: number;
  #endedMs: number | undefined;

  constructor(usedBytes: number, on: { looked(): number; gone(): void }) {
    this.#usedBytes = usedBytes;
    this.#on = on;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get isRunning(): boolean {
    return this.run?.isRunning ?? false;
  }

  get endedMs(): number | undefined {
    return this.#endedMs;
  }

  /** Its files have been looked at, and take so much. Returns after how many ms to look again at the latest. */
  took(usedBytes: number): number {
    this.#usedBytes = usedBytes;
    return this.#on.looked();
  }

  /** Ends its processes. */
  end(why: string, nowMs: number): void {
    this.#endedMs = nowMs;
    this.run?.endFor(why);
  }

  /** Its files are removed. */
  [Symbol.dispose](): void {
    this.#on.gone();
  }
}
