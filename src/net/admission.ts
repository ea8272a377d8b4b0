/**
 * Accepts connections, and authenticates each before it is used: how many there may be that have not
 * authenticated yet, and which of them goes if another comes.
 */

import { lacksFiles, messageOf } from "../core/errors.ts";
import type { HostLine } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import { type DeadlineClock, Deadlines } from "./deadlines.ts";
import { delay, lookAtSockets, startTimer, type Timer } from "./delay.ts";
import { closeQuietly } from "./transport.ts";

/** How long to wait when no connection can be accepted, usually because file descriptors have run out. */
const ACCEPT_RETRY_MS = 50;

/** After so many in a row that are gone, everything else in this process has its turn. */
const GONE_AT_A_TIME = 64;

/** What is said instead of the address of a connection over a Unix socket. */
const THIS_HOST = "this host";

/** A source of connections. */
export interface AdmissionListener<Conn> {
  accept(): Promise<Conn>;
  close(): void;
}

/** The other end of a connection. */
export interface Remote {
  readonly host: string;
  /** With its port. */
  readonly address: string;
}

/** How connections are admitted: at most so many at a time, and which goes if there is another, {@linkcode Strangers} says. */
export interface AdmissionOptions<Conn, Shown> extends StrangerLimits {
  /** The listener, owned by the admission from now on. */
  readonly listener: AdmissionListener<Conn>;
  /** How long a connection may be unauthenticated. */
  readonly timeoutMs: number;
  /** Measures that. @default real time */
  readonly clock?: DeadlineClock;
  /**
   * Authenticates a connection; called as soon as it is accepted. If it throws, the connection is refused
   * for that reason. It reads from the connection, so closing the connection ends it.
   *
   * It calls `begun` once the other side has begun as peers do, and so may keep its place for longer; and
   * `known`, if more is to follow once it is known to be a peer: that may take so long again.
   */
  readonly authenticate: (
    conn: Conn,
    begun: () => void,
    known: (ms: number) => void,
  ) => Promise<Shown>;
  /** What those are told to have not done that are given up, in the log. @default "authenticate" */
  readonly task?: string;
  /** Takes an authenticated connection, and owns it from now on. */
  readonly take: (conn: Conn, shown: Shown, remote: Remote) => void;
  /** Called each time that no connection can be accepted. It is tried again soon. */
  readonly refused?: (() => void) | undefined;
  /** Takes a line about each refused connection, and the host that it came from: see `Logger.about`. */
  readonly log: (line: HostLine) => void;
}

interface Unauthenticated {
  refuse(why: string): void;
}

/**
 * How many connections may be given up for others, or which part of all, until what has come on sockets is looked at. Those
 * that wait to be accepted are there at once, and what a peer has sent already only after a turn or two of the event loop;
 * and the more are accepted in a turn, the longer each step of a handshake takes.
 */
const IN_A_TURN = 32;
const PART_IN_A_TURN = 1 / 8;

/** How long such a turn takes at least: in no time, older versions of Deno do not look at sockets. */
const TURN_MS = 1;

/** How many connections are given up at a time where the system has no more file descriptors. */
const SHED = 64;

const CROWD = ", and there are too many unauthenticated connections";

/**
 * Accepts connections until it is closed.
 *
 * Unauthenticated connections cost little: there are at most `max`, each for at most `timeoutMs`, and those
 * that never authenticate do not keep others out, however many come. A connection that ends before it has sent anything is not
 * an error, and is not logged.
 */
export class Admission<Conn extends Deno.Conn, Shown> implements AsyncDisposable {
  readonly #options: AdmissionOptions<Conn, Shown>;
  readonly #unauthenticated: Strangers<Unauthenticated>;
  readonly #deadlines: Deadlines<Unauthenticated>;
  /** The authentications under way, also those of connections that have been refused meanwhile. */
  readonly #admitting = new Set<Promise<void>>();
  /** How many connections it has refused. */
  #refusals = 0;
  /** How many of them had to go for others since the last turn. */
  #crowded = 0;
  #closed = false;

  constructor(options: AdmissionOptions<Conn, Shown>) {
    this.#options = options;
    this.#unauthenticated = new Strangers(options);
    this.#deadlines = new Deadlines(
      options.timeoutMs,
      (entry) => entry.refuse(this.#late(options.timeoutMs)),
      options.clock,
    );
    void this.#acceptAll();
  }

  /** How many connections it has refused so far. Those that just ended are not counted. */
  get refusals(): number {
    return this.#refusals;
  }

  /**
   * Stops accepting, and closes unauthenticated connections. Authenticated ones stay open. Resolves when
   * nothing is being authenticated any more: cryptography that has begun cannot be cancelled.
   */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#options.listener.close();
      this.#shed(Infinity, "");
    }
    await Promise.all(this.#admitting);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #acceptAll(): Promise<void> {
    while (!this.#closed) {
      try {
        const conn = await acceptNext(this.#options.listener);
        const admitting = this.#admit(conn);
        this.#admitting.add(admitting);
        void admitting.finally(() => this.#admitting.delete(admitting));
        const most = Math.min(IN_A_TURN, PART_IN_A_TURN * this.#unauthenticated.size);
        if (this.#crowded < most) continue;
        this.#crowded = 0;
        await delay(TURN_MS);
        // By now, those that were given up have been dealt with, which may have taken all of that time.
        await delay(TURN_MS);
      } catch (error) {
        if (this.#closed || error instanceof Deno.errors.BadResource) return;
        const line = `cannot accept connections: ${messageOf(error)}`;
        this.#options.log({ host: THIS_HOST, line });
        this.#options.refused?.();
        // Those of strangers are the first to be given up.
        if (lacksFiles(error)) this.#shed(SHED, this.#undone(CROWD));
        await delay(ACCEPT_RETRY_MS);
      }
    }
  }

  /** Why one is given up: it has not done in time, or before others came, what it was to do. */
  #undone(rest: string): string {
    return `it did not ${this.#options.task ?? "authenticate"}${rest}`;
  }

  #late(ms: number): string {
    return this.#undone(` within ${ms / 1_000} s`);
  }

  /** Gives up so many unauthenticated connections. */
  #shed(count: number, why: string): void {
    for (let left = count; left > 0; left--) {
      const stranger = this.#unauthenticated.shift();
      if (stranger === undefined) return;
      stranger.refuse(why);
    }
  }

  async #admit(conn: Conn): Promise<void> {
    const { authenticate, take, clock } = this.#options;
    let refused: string | undefined;
    const entry: Unauthenticated = {
      refuse: (why) => {
        if (refused !== undefined) return;
        refused = why;
        this.#deadlines.delete(entry);
        this.#unauthenticated.delete(entry);
        conn.close();
      },
    };
    this.#deadlines.add(entry);
    let timer: Timer | undefined;
    const known = (ms: number) => {
      this.#deadlines.delete(entry);
      if (timer !== undefined) timer.onabort = null;
      timer = (clock?.startTimer ?? startTimer)(ms, () => entry.refuse(this.#late(ms)));
    };
    const remote = remoteOf(conn);
    const gone = this.#unauthenticated.add(entry, remote.host);
    if (gone !== undefined) this.#crowded++;
    gone?.refuse(this.#undone(CROWD));
    let shown: Shown;
    try {
      shown = await authenticate(conn, () => this.#unauthenticated.begin(entry), known);
      if (refused !== undefined) throw new Error(refused);
    } catch (error) {
      if (refused === undefined) conn.close();
      const why = refused ?? messageOf(error);
      if (!this.#closed && (refused !== undefined || !justEnded(error))) {
        this.#refusals++;
        this.#options.log({
          host: remote.host,
          line: `refused a connection from ${remote.address}: ${why}`,
        });
      }
      return;
    } finally {
      if (timer !== undefined) timer.onabort = null;
      this.#deadlines.delete(entry);
      this.#unauthenticated.delete(entry);
    }
    take(conn, shown, remote);
  }
}

/**
 * The next connection of a listener, which sends what is written at once.
 *
 * One that was reset before it is accepted is passed over: anybody who reaches the port can make as many of them as they
 * like, so it costs nobody time, and is no failure of the listener.
 *
 * @throws If no connection can be accepted: the listener is closed, or the system lacks something.
 */
async function acceptNext<Conn extends Deno.Conn>(
  listener: { accept(): Promise<Conn> },
): Promise<Conn> {
  for (let gone = 1;; gone++) {
    const conn = await acceptOne(listener);
    if (conn !== undefined) return conn;
    if (gone % GONE_AT_A_TIME === 0) await lookAtSockets();
  }
}

/** `undefined` for one that is gone. */
async function acceptOne<Conn extends Deno.Conn>(
  listener: { accept(): Promise<Conn> },
): Promise<Conn | undefined> {
  let conn: Conn | undefined;
  try {
    conn = await listener.accept();
    // Before its first byte: an answer of two small writes would take 40 ms otherwise.
    if (hasNoDelay(conn)) conn.setNoDelay(true);
    return conn;
  } catch (error) {
    // Some systems give the connection all the same, and refuse to set anything of it.
    if (conn !== undefined) closeQuietly(conn);
    else if (!isGone(error)) throw error;
    return undefined;
  }
}

/** Whether that is said of the connection that was to be accepted, and not of the listener. */
function isGone(error: unknown): boolean {
  const { ConnectionAborted, ConnectionReset, NotConnected } = Deno.errors;
  return [ConnectionAborted, ConnectionReset, NotConnected].some((kind) => error instanceof kind);
}

function hasNoDelay(conn: Deno.Conn): conn is Deno.TcpConn {
  return "setNoDelay" in conn;
}

function remoteOf({ remoteAddr }: Deno.Conn): Remote {
  if (!("hostname" in remoteAddr)) return { host: THIS_HOST, address: THIS_HOST };
  const { hostname, port } = remoteAddr;
  return { host: hostname, address: formatAddress(hostname, port) };
}

/** Whether the other side closed the connection, or is gone. */
function justEnded(error: unknown): boolean {
  const { UnexpectedEof, ConnectionReset, BrokenPipe, ConnectionAborted } = Deno.errors;
  return [UnexpectedEof, ConnectionReset, BrokenPipe, ConnectionAborted]
    .some((kind) => error instanceof kind);
}

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
