/**
 * Marks of processes: numbers by which everything that a process started is found, when it has left its group
 * and session, and its parent has ended.
 *
 * A mark is set as a resource limit (see new_session.ts). A variable in the environment would be visible to
 * the program, and would be lost where a program gives its child another environment.
 *
 * A program may change its limits. One that runs as another user is marked by two groups instead, of the run and of the
 * process: nobody without privileges can get rid of a group.
 */

/** Where the marks of a machine's processes are read. */
export interface MarkPlace {
  /** The name of the file in `/proc/<pid>`. */
  readonly file: string;
  /** An extended regular expression for what comes before a mark in it; a space comes after it. */
  readonly before: string;
  /** Matches the line that the mark is in. */
  readonly line: RegExp;
}

const LIMIT: MarkPlace = {
  file: "limits",
  before: "^Max file locks +",
  line: /^Max file locks .*$/m,
};
const GROUP: MarkPlace = {
  file: "status",
  before: "^Groups:.*[[:space:]]",
  line: /^Groups:.*$/m,
};

/** How many decimal digits each half of a mark by a limit has. Together they fit a limit, which has 63 bits. */
const HALF_DIGITS = 9;

/** The groups that are marks: no system gives any of these to anybody. */
const LEAST_GROUP = 2 ** 31;
const GROUPS = 2_000_000_000;

/** Makes the marks of one run's processes on one node. */
export class Marks {
  readonly place: MarkPlace;
  /** Matches all of them, and those of no other run. */
  readonly pattern: string;
  readonly #run: string;
  readonly #random: () => number;
  #count = 0;

  /**
   * @param byGroups Whether they are groups. @default they are limits
   * @param random Below 1.
   */
  constructor(byGroups: boolean = false, random: () => number = Math.random) {
    this.#random = random;
    this.place = byGroups ? GROUP : LIMIT;
    const least = 10 ** (HALF_DIGITS - 1);
    this.#run = byGroups ? this.#group() : String(least + Math.floor(random() * 9 * least));
    this.pattern = byGroups ? this.#run : `${this.#run}[0-9]{${HALF_DIGITS}}`;
  }

  /** The group that all processes of the run have, and nobody else; `undefined` if its marks are limits. */
  get group(): number | undefined {
    return this.place === GROUP ? Number(this.#run) : undefined;
  }

  /** The mark of another process: a number, or its groups, that of the run first. */
  next(): string {
    if (this.place === GROUP) return `${this.#run},${this.#group()}`;
    return this.#run + String(this.#count++ % 10 ** HALF_DIGITS).padStart(HALF_DIGITS, "0");
  }

  #group(): string {
    return String(LEAST_GROUP + Math.floor(this.#random() * GROUPS));
  }
}

/** What is looked for to find what a process with that mark started. */
export function ownMark(mark: string): string {
  return mark.slice(mark.lastIndexOf(",") + 1);
}
