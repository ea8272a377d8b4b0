/** The link of a node to the bridge of a run, over a bad network: nothing is doubled, lost or reordered. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BridgedRun } from "../../src/bridge/bridged_run.ts";
import { serveNode } from "../../src/bridge/serve_node.ts";
import type { RunEvent } from "../../src/core/events.ts";
import type { Logger } from "../../src/core/logger.ts";
import { formatAddress, makePid } from "../../src/core/pid.ts";
import { loadCredential, PartServer } from "../../src/net/connect.ts";
import { Purpose } from "../../src/net/protocol.ts";
import { LinkError } from "../../src/net/message_link.ts";
import { livenessOf, type LivenessOptions } from "../../src/net/liveness.ts";
import { RunLink } from "../../src/node/run_link.ts";
import { Store } from "../../src/store/store.ts";
import { STDIN_WINDOW_BYTES } from "../../src/wire/run_messages.ts";
import { Random } from "../channel/random.ts";
import { Relay } from "../channel/relay.ts";

const QUIET: Logger = { error() {}, warn() {}, about() {}, info() {}, debug() {} };
const CREDENTIAL = await loadCredential({ logger: QUIET });
const PID = makePid("0".repeat(32), "10.0.0.1", 1);
const SPEC = new Uint8Array([1, 2, 3]);

/** A run at a bridge, a node's link to it, and a relay between the two. */
class Harness implements AsyncDisposable {
  readonly run: BridgedRun;
  readonly relay: Relay;
  readonly events: RunEvent[] = [];
  /** Bytes of stdin that may be sent. */
  room = STDIN_WINDOW_BYTES;
  readonly #server: PartServer;
  readonly #store: Store;
  readonly #folder: string;
  readonly #liveness: LivenessOptions;
  readonly #links: RunLink[] = [];
  readonly #serving: Promise<void>[] = [];
  /** The bridge knows the run. */
  known = true;

  private constructor(store: Store, folder: string, liveness: LivenessOptions) {
    this.#store = store;
    this.#folder = folder;
    this.#liveness = liveness;
    this.run = new BridgedRun("run", SPEC, store, (answer) => {
      if (answer.type === "stdin-taken") this.room += answer.bytes;
    }, { by: "anna", liveness, startTimer: () => () => {} });
    const active = { run: this.run, stop: () => {}, stopProcess: () => {} };
    this.#server = new PartServer({
      address: { host: "127.0.0.1", port: 0 },
      credential: CREDENTIAL,
      logger: QUIET,
      handlers: {
        [Purpose.run]: (conn, remote) => {
          const runs = new Map(this.known ? [["run", active]] : []);
          this.#serving.push(serveNode(conn, remote, { runs, liveness, logger: QUIET }));
        },
      },
    });
    const { host: hostname, port } = this.#server.address;
    this.relay = new Relay({ hostname, port }, { hostname, port: 0 });
    void this.#view();
  }

  static async start(liveness: LivenessOptions): Promise<Harness> {
    const folder = await Deno.makeTempDir();
    return new Harness(await Store.open(`${folder}/store`), folder, liveness);
  }

  async link(): Promise<RunLink> {
    const { endpoint } = this.relay;
    if (!("port" in endpoint)) throw new Error("the relay listens on TCP");
    const link = await RunLink.open({
      bridge: formatAddress("127.0.0.1", endpoint.port),
      run: "run",
      node: "a",
      credential: CREDENTIAL,
      liveness: this.#liveness,
      signal: new AbortController().signal,
    });
    this.#links.push(link);
    return link;
  }

  async #view(): Promise<void> {
    for await (const { records } of this.run.view()) {
      for (const { event } of records) this.events.push(event);
    }
  }

  /** Resolves when the bridge serves no link any more. */
  async served(): Promise<void> {
    await Promise.all(this.#serving);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links) link.drop();
    this.relay.close();
    await this.#server.close();
    // Otherwise the bridge waits for it to return.
    this.run.nodeGone("a", "the test is over");
    await this.served();
    await this.#store[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function exits(events: readonly RunEvent[]): unknown[] {
  return events.flatMap((event) => event.event === "exit" ? [event.status] : []);
}

/** Reports a process that writes `count` lines, each of them a number, to its end. */
async function report(
  link: RunLink,
  count: number,
  padding: number,
  meanwhile?: Promise<void>,
): Promise<void> {
  const time = 1;
  await link.tell({ event: "spawn", pid: PID, parent: null, name: "main", node: "a", time });
  for (let line = 0; line < count; line++) {
    const bytes = new TextEncoder().encode(`${line}${" ".repeat(padding)}\n`);
    await link.tell({ event: "output", pid: PID, fd: 1, bytes, time });
  }
  await meanwhile;
  for (const fd of [1, 2] as const) await link.tell({ event: "eof", pid: PID, fd });
  await link.tell({ event: "exit", pid: PID, status: { code: 0 }, time });
}

function linesOf(events: readonly RunEvent[]): number[] {
  const text = events.map((event) =>
    event.event === "output" ? new TextDecoder().decode(event.bytes) : ""
  ).join("");
  return text.split("\n").slice(0, -1).map(Number);
}

/** Feeds `bytes` as stdin, within the window. */
async function feed(harness: Harness, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    await until(() => harness.room > 0);
    const piece = bytes.subarray(at, at + Math.min(harness.room, 10_000));
    harness.room -= piece.length;
    at += piece.length;
    harness.run.stdin({ type: "stdin", bytes: piece });
  }
  harness.run.stdin({ type: "stdin-end" });
}

function bytesOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

Deno.test("events and stdin arrive once and in order over connections that break at any byte", async () => {
  const seed = Math.floor(Math.random() * 1e9);
  console.log(`seed ${seed}`);
  const random = new Random(seed);
  await using harness = await Harness.start(livenessOf(1_000));
  const link = await harness.link();
  assertEquals(await link.spec, SPEC);
  assertEquals(link.by, "anna");
  // The first connection is whole, since a run is not begun if it cannot be opened.
  harness.relay.fate = () => ({ cutAfter: random.integer(500, 200_000) });
  harness.relay.cutAll();
  const read: Uint8Array[] = [];
  const stdin = new WritableStream<Uint8Array<ArrayBuffer>>({
    write: (bytes) => void read.push(bytes),
  });
  link.stdin.attach(stdin, () => undefined);
  const sent = crypto.getRandomValues(new Uint8Array(60_000));
  const all = new Uint8Array(600_000);
  for (let at = 0; at < all.length; at += sent.length) all.set(sent.map((byte) => byte ^ at), at);
  const fed = feed(harness, all).then(() => until(() => bytesOf(read) >= all.length));
  await report(link, 1_000, 1_000, fed);
  await link.done();
  harness.run.ended(1);
  await harness.run.over;
  await until(() => exits(harness.events).length === 1);
  assertEquals(linesOf(harness.events), Array.from({ length: 1_000 }, (_, line) => line));
  assertEquals(harness.events.length, 1_004);
  assertEquals(exits(harness.events), [{ code: 0 }]);
  assertEquals(new Uint8Array(await new Blob(read as BlobPart[]).arrayBuffer()), all);
  assert(harness.relay.cuts > 5, `${harness.relay.cuts} cuts`);
});

Deno.test("a connection that is silent is replaced, and what was on it is sent again", async () => {
  await using harness = await Harness.start({
    ...livenessOf(1_000),
    heartbeatMs: 40,
    silenceMs: 400,
  });
  const link = await harness.link();
  await link.spec;
  harness.relay.freeze();
  // More than the system's buffers take.
  const reporting = report(link, 100, 100_000);
  await until(() => harness.relay.accepted > 1);
  assertEquals(exits(harness.events), []);
  harness.relay.thaw();
  await reporting;
  await link.done();
  harness.run.ended(1);
  await harness.run.over;
  assertEquals(linesOf(harness.events), Array.from({ length: 100 }, (_, line) => line));
  assertEquals(exits(harness.events), [{ code: 0 }]);
});

Deno.test("what cannot be sent is kept up to a bound, and then its source waits", async () => {
  await using harness = await Harness.start(livenessOf(1_000));
  const link = await harness.link();
  await link.spec;
  harness.relay.close();
  let told = 0;
  const bytes = new Uint8Array(64 * 1024);
  const telling = (async () => {
    for (; told < 100; told++) {
      await link.tell({ event: "output", pid: PID, fd: 1, bytes, time: 1 });
    }
  })();
  // Each source may have one more in flight.
  await until(() => told >= 15);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert(told <= 16, `${told} outputs of 64 KiB were taken`);
  link.drop();
  await telling;
});

Deno.test("a link whose bridge cannot be reached again ends, and its processes are lost", async () => {
  await using harness = await Harness.start({
    ...livenessOf(1_000),
    ...{ reconnectMs: 300, returnMs: 440, newsMs: 40 },
  });
  const link = await harness.link();
  await link.spec;
  await link.tell({ event: "spawn", pid: PID, parent: null, name: "main", node: "a", time: 1 });
  await until(() => harness.events.length === 1);
  harness.relay.close();
  assertMatch((await link.ended).message, /no other connection within 0.3 s/);
  await until(() => exits(harness.events).length === 1);
  const [status] = exits(harness.events);
  assertMatch(JSON.stringify(status), /node a did not connect again within 0.44 s/);
});

Deno.test("a link that the bridge does not know any more ends at once", async () => {
  await using harness = await Harness.start(livenessOf(1_000));
  const link = await harness.link();
  await link.spec;
  harness.known = false;
  harness.relay.cutAll();
  assertMatch((await link.ended).message, /it does not know the run any more/);
  await assertRejects(() => harness.link(), LinkError, "it does not know the run any more");
});

// Chaos, seed 408: a bridge that had been frozen asked all nodes of a run that was over.
Deno.test("a question of the bridge that crosses the last message is not answered, and the link ends", async () => {
  await using harness = await Harness.start(livenessOf(1_000));
  const link = await harness.link();
  await link.spec;
  let asked = 0;
  link.waits = () => {
    asked++;
    return Promise.resolve(new Map());
  };
  harness.relay.freeze();
  const waits = harness.run.waits();
  const done = link.done();
  harness.relay.thaw();
  await done;
  assertEquals(asked, 1);
  assertEquals(await waits, []);
  await harness.served();
});
