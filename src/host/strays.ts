/**
 * The processes that programs have started and that have left those that started them, as daemons do: they are found by
 * their marks.
 */

import { type MarkPlace, ownMark } from "./marks.ts";
import { textOf } from "./proc_usage.ts";

/** What everything that a process starts is marked with. */
export interface Marked {
  readonly mark: string;
  readonly place: MarkPlace;
}

/** How often all processes of the machine are gone through at most, in ms; and for no more than this share of the time. */
const LOOK_MS = 1_000;
const MOST_SHARE = 1 / 50;

/** What is read of processes. */
export interface ProcFiles {
  /** The names in `/proc`. */
  list(): Iterable<string>;
  /** The text of such a file; `undefined` if there is none any more. */
  read(path: string): string | undefined;
}

/** Goes through all processes now and then, which takes about 20 µs for each. */
export class Strays {
  readonly #files: ProcFiles;
  readonly #now: () => number;
  /** The processes with each mark, as of the last look. */
  #found = new Map<string, number[]>();
  #nextMs = -Infinity;

  /** @param now The time in ms. @default `performance.now` */
  constructor(files: ProcFiles = PROC, now: () => number = () => performance.now()) {
    this.#files = files;
    this.#now = now;
  }

  /**
   * The processes that have that mark, but for those that have got it since the last look. All that is looked for must have it in
   * the same place.
   */
  of({ mark, place }: Marked): number[] {
    if (this.#now() >= this.#nextMs) this.#look(place);
    const own = ownMark(mark);
    // An id may be another process's by now.
    return (this.#found.get(own) ?? []).filter((id) => this.#marksOf(id, place).includes(own));
  }

  #look(place: MarkPlace): void {
    const beganMs = this.#now();
    this.#found = new Map();
    for (const name of this.#files.list()) {
      const id = Number(name);
      if (!Number.isInteger(id)) continue;
      for (const mark of this.#marksOf(id, place)) {
        const ids = this.#found.get(mark);
        if (ids === undefined) this.#found.set(mark, [id]);
        else ids.push(id);
      }
    }
    const tookMs = this.#now() - beganMs;
    this.#nextMs = beganMs + Math.max(LOOK_MS, tookMs / MOST_SHARE);
  }

  /** All numbers in the line, of which some may be marks. A limit is there twice. */
  #marksOf(id: number, { file, line }: MarkPlace): string[] {
    const text = this.#files.read(`/proc/${id}/${file}`);
    const found = text === undefined ? undefined : line.exec(text)?.[0].match(/\b\d+\b/g);
    return [...new Set(found)];
  }
}

const PROC: ProcFiles = {
  *list() {
    for (const { name } of Deno.readDirSync("/proc")) yield name;
  },
  read: textOf,
};
