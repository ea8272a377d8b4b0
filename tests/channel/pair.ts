/** The hubs of several processes in one, connected by real sockets, for tests of channels. */

import { Acceptor } from "../../src/channel/acceptor.ts";
import { setHub } from "../../src/channel/channel_end.ts";
import { Hold } from "../../src/channel/hold.ts";
import { Hub } from "../../src/channel/hub.ts";
import { Receiver } from "../../src/channel/receiver.ts";
import { Sender } from "../../src/channel/sender.ts";
import type { ExitStatus } from "../../src/core/exit_status.ts";
import { makePid, NO_PORT, parsePid, type Pid, randomId } from "../../src/core/pid.ts";
import { readReply, type Reply, writeGreeting } from "../../src/channel/greeting.ts";
import { passOf, Protection, Purpose } from "../../src/net/protocol.ts";
import { ChannelProtection } from "../../src/net/channel_protection.ts";
import {
  connect,
  type Endpoint,
  listen,
  type Transport,
  type TransportListener,
} from "../../src/net/transport.ts";
import { encode } from "../../src/codec/value_encoder.ts";
import { HEADER_BYTES, WINDOW_BYTES } from "../../src/wire/frame.ts";
import { endpointOf, Relay } from "./relay.ts";

/** A process as a test sees it. */
export interface TestProcess {
  readonly pid: Pid;
  readonly hub: Hub;
  readonly hold: Hold;
  readonly listener: TransportListener;
  readonly log: string[];
  /** The lines about refused and broken connections. */
  readonly refused: string[];
  /** The relay in front of its port, if there is one. */
  readonly relay: Relay | undefined;
  /** The failed processes of which the program was told. */
  readonly noticed: Pid[];
  sender<T>(to: TestProcess | Pid, name?: string): Sender<T>;
  receiver<T>(from: TestProcess | Pid, name?: string): Receiver<T>;
  acceptor<T>(name?: string): Acceptor<T>;
}

/** What may be between processes: a Unix socket, or TCP that is protected like this. */
export type Between = "unix" | "tcp" | "macs" | "tls";

const PROTECTION: Readonly<Record<Between, Protection>> = {
  unix: Protection.open,
  tcp: Protection.open,
  macs: Protection.plain,
  tls: Protection.encrypted,
};

/** The transport between the processes of the current test. */
let transport: Between = "unix";

/** Processes of one run. The test reports their ends with `end`. */
export class TestRun implements Disposable {
  /** The folder with their Unix sockets, if they have any. */
  readonly sockets: string | undefined = transport === "unix"
    ? Deno.makeTempDirSync({ dir: "/tmp", prefix: "dpl-test-" })
    : undefined;
  readonly protection: Protection = PROTECTION[transport];
  /** That of a process, or a node, of the run. */
  newProtection(): ChannelProtection {
    return new ChannelProtection({ key: this.key, protection: this.protection });
  }

  readonly key: Uint8Array<ArrayBuffer> = crypto.getRandomValues(new Uint8Array(32));
  readonly #ends = new Map<Pid, PromiseWithResolvers<ExitStatus>>();
  readonly #processes: TestProcess[] = [];
  /** The runtime does not keep a process alive that only waits for others. A test has to. */
  readonly #alive = setInterval(() => {}, 60_000);

  /** Starts a process; with `relayed`, others reach it through a relay. */
  process(options: { relayed?: boolean } = {}): TestProcess {
    const { sockets } = this;
    const tls = this.protection === Protection.encrypted;
    const id = randomId();
    const place = (name: string): Endpoint =>
      sockets === undefined ? { hostname: "127.0.0.1", port: 0 } : { path: `${sockets}/${name}` };
    const listener = listen(place(options.relayed ? `of-${id}` : id));
    const relay = options.relayed ? new Relay(endpointOf(listener), place(id), { tls }) : undefined;

    const outer = relay?.endpoint ?? endpointOf(listener);
    const pid = makePid(id, "127.0.0.1", "port" in outer ? outer.port : NO_PORT);
    const hold = new Hold(listener);
    const [log, refused]: [string[], string[]] = [[], []];
    const noticed: Pid[] = [];
    this.#ends.set(pid, Promise.withResolvers());
    const hub = new Hub({
      pid,
      key: this.key,
      listeners: [listener],
      protection: sockets === undefined ? this.newProtection() : undefined,
      sockets,
      hold,
      ended: (remote) => this.ended(remote),
      log: (line) => log.push(line),
      refused: ({ line }) => refused.push(line),
      noticed: (remote) => noticed.push(remote),
    });
    const process: TestProcess = {
      pid,
      hub,
      hold,
      listener,
      log,
      refused,
      noticed,
      relay,
      sender: (to, name) => {
        setHub(hub);
        return new Sender(typeof to === "string" ? to : to.pid, name);
      },
      receiver: (from, name) => {
        setHub(hub);
        return new Receiver(typeof from === "string" ? from : from.pid, name);
      },
      acceptor: (name) => {
        setHub(hub);
        return new Acceptor(name);
      },
    };
    this.#processes.push(process);
    return process;
  }

  ended(pid: Pid): Promise<ExitStatus> {
    return this.#ends.get(pid)?.promise ?? Promise.reject(new Error(`there is no process ${pid}`));
  }

  /** A process without a hub runs: otherwise, it would be lost to those who ask after a second how it ended. */
  runs(pid: Pid): void {
    this.#ends.set(pid, Promise.withResolvers());
  }

  /** Reports the end of a process. */
  end(process: TestProcess, status: ExitStatus): void {
    this.#ends.get(process.pid)!.resolve(status);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#alive);
    for (const { pid, listener, relay } of this.#processes) {
      this.#ends.get(pid)!.resolve({ code: 0 });
      listener.close();
      relay?.close();
    }
    if (this.sockets !== undefined) Deno.removeSync(this.sockets, { recursive: true });
  }

  /** Connects to a process as the one with `from` would, with a greeting; gives the answer, too. */
  async dial(from: Pid, to: TestProcess): Promise<{ conn: Transport; reply: Reply }> {
    const key = this.key;
    const at = endpointOf(to.listener);
    const greeting = { from, to: parsePid(to.pid)!.id, offset: 0, posthumous: false };
    if ("path" in at) {
      const conn = await connect(at);
      await writeGreeting(conn, greeting, passOf(key, Purpose.channels));
      return { conn, reply: await readReply(conn) };
    }
    const protection = this.newProtection();
    const { signal } = new AbortController();
    const conn = await protection.dialed(await connect(at), at.hostname, signal);
    await writeGreeting(conn, greeting);
    return { conn, reply: await readReply(conn) };
  }
}

/** Two processes with a channel from the first to the second. */
export interface Channel<T> extends Disposable {
  readonly run: TestRun;
  readonly one: TestProcess;
  readonly two: TestProcess;
  readonly sender: Sender<T>;
  readonly receiver: Receiver<T>;
}

/** A {@linkcode Channel}, with relays in front of both processes. */
export function channel<T>(): Channel<T> {
  const run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  const [sender, receiver] = [one.sender<T>(two), two.receiver<T>(one)];
  return { run, one, two, sender, receiver, [Symbol.dispose]: () => run[Symbol.dispose]() };
}

/** Resolves when `condition` has become true; rejects if it has not after half a minute. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`not within half a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** What a channel has carried before it is filled. */
const SENT_BEFORE_BYTES = 512;

/**
 * Sends `value` until the window is full, even if the Sender has yet to learn that it is the full window;
 * returns the number of values.
 */
export async function fill<T>(
  sender: Sender<T>,
  value: T,
  windowBytes: number = WINDOW_BYTES,
): Promise<number> {
  const size = HEADER_BYTES + encode(value).length;
  let count = 0;
  await until(() => {
    while (sender.trySend(value)) count++;
    return count * size > windowBytes - SENT_BEFORE_BYTES;
  }, "a full window");
  return count;
}

/** Waits for several turns of the event loop: enough for everything that does not have to wait. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve));
}

/** How often time is looked at. */
const TICK_MS = 10;

/** How long something takes, without the time in which a busy machine gives this process no turn. */
export async function ownMs(work: () => Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, TICK_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return ticks * TICK_MS;
}

/** All transports that differ in how a connection is made, ends, and breaks. */
export const EVERY_TRANSPORT: readonly Between[] = ["unix", "tcp", "tls"];

/**
 * A test with hubs, over each transport. They and their connections live as long as their process does, so
 * nothing is closed at the end of a test, where older versions of Deno look for leaks.
 */
export function test(
  name: string,
  fn: () => void | Promise<void>,
  transports: readonly Between[] = ["unix", "tcp"],
): void {
  for (const over of transports) {
    testOver(over, `${name} (${over})`, fn);
  }
}

/** The same over one transport. */
export function testOver(
  over: Between,
  name: string,
  fn: () => void | Promise<void>,
): void {
  const run = async () => {
    transport = over;
    await fn();
  };
  Deno.test({ name, fn: run, sanitizeOps: false, sanitizeResources: false });
}
