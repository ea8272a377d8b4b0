/** Connections that have not authenticated yet: how many there may be, and which of them goes if another comes. */

/** How many there may be. */
export interface StrangerLimits {
  /** In all; a function, if that changes. */
  readonly max: number | (() => number);
  /** Of one host. @default half of `max`, so that no host can take all places */
  readonly maxOfHost?: number;
}

/** The connections of one host, or of all, by whether they have begun as peers do; oldest first. */
class Places<Entry> {
  readonly #silent = new Set<Entry>();
  readonly #begun = new Set<Entry>();

  get size(): number {
    return this.#silent.size + this.#begun.size;
  }

  add(entry: Entry): void {
    this.#silent.add(entry);
  }

  begin(entry: Entry): void {
    if (this.#silent.delete(entry)) this.#begun.add(entry);
  }

  delete(entry: Entry): void {
    if (!this.#silent.delete(entry)) this.#begun.delete(entry);
  }

  /** The one to give up first. */
  first(): Entry | undefined {
    return (this.#silent.size > 0 ? this.#silent : this.#begun).values().next().value;
  }
}

/**
 * The places of connections until they authenticate.
 *
 * Where there are too many, one that has not begun as a peer does, by a valid hello, goes first, and of those
 * the oldest: a peer with a long way needs its place for some round trips, and others can connect faster
 * than that. Each step costs the same, however many there are.
 */
export class Strangers<Entry> {
  readonly #limits: StrangerLimits;
  readonly #all = new Places<Entry>();
  readonly #hosts = new Map<string, Places<Entry>>();
  readonly #hostOf = new Map<Entry, string>();

  constructor(limits: StrangerLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Adds one. Returns the one that has to go for it, and is no longer here; `undefined` if none has to. */
  add(entry: Entry, host: string): Entry | undefined {
    const own = this.#hosts.get(host) ?? new Places();
    const { max: limit } = this.#limits;
    const max = typeof limit === "number" ? limit : limit();
    const { maxOfHost = Math.ceil(max / 2) } = this.#limits;
    const gone = own.size >= maxOfHost
      ? own.first()
      : this.size >= max
      ? this.#all.first()
      : undefined;
    if (gone !== undefined) this.delete(gone);
    // It may just have lost its last entry.
    this.#hosts.set(host, own);
    this.#hostOf.set(entry, host);
    own.add(entry);
    this.#all.add(entry);
    return gone;
  }

  /** One has begun as peers do. */
  begin(entry: Entry): void {
    this.#all.begin(entry);
    this.#of(entry)?.begin(entry);
  }

  /** Removes one, if it is here. */
  delete(entry: Entry): void {
    const own = this.#of(entry);
    if (own === undefined) return;
    this.#all.delete(entry);
    own.delete(entry);
    if (own.size === 0) this.#hosts.delete(this.#hostOf.get(entry)!);
    this.#hostOf.delete(entry);
  }

  /** Removes and returns the one to give up first; `undefined` if there is none. */
  shift(): Entry | undefined {
    const first = this.#all.first();
    if (first !== undefined) this.delete(first);
    return first;
  }

  #of(entry: Entry): Places<Entry> | undefined {
    const host = this.#hostOf.get(entry);
    return host === undefined ? undefined : this.#hosts.get(host);
  }
}
