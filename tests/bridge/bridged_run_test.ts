/** A run as the bridge sees it, with nodes that are links in this process. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { BridgedRun } from "../../src/bridge/bridged_run.ts";
import type { RunEvent } from "../../src/core/events.ts";
import { makePid, type Pid } from "../../src/core/pid.ts";
import { manifestOf } from "../../src/store/manifest_of.ts";
import { Store } from "../../src/store/store.ts";
import { LOCAL_NETWORK } from "../../src/net/liveness.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import { eventOf } from "../../src/wire/event_messages.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import {
  BRIDGE_TO_NODE,
  type BridgeToNode,
  NODE_TO_BRIDGE,
  type NodeToBridge,
  STDIN_WINDOW_BYTES,
} from "../../src/wire/run_messages.ts";
import { ManualClock } from "../net/manual_clock.ts";

const FIRST = pidOf(0);

function pidOf(index: number): Pid {
  return makePid(index.toString(16).padStart(32, "0"), "10.0.0.1", 1 + index);
}

function spawn(pid: Pid, parent: Pid | null): NodeToBridge {
  return {
    type: "event",
    event: { event: "spawn", pid, parent, name: "work", node: "a", time: 1 },
  };
}

/** The run spec: the bridge passes it on unchanged. */
const SPEC = new Uint8Array([1, 2, 3]);

/** A node's end of a link to the run, over loopback. */
interface FakeNode {
  readonly link: MessageLink<NodeToBridge, BridgeToNode>;
  /** The messages of the bridge. */
  readonly heard: BridgeToNode[];
  /** Resolves with the reason why the bridge's end has ended. */
  readonly served: Promise<unknown>;
  /** Says that it is done, and closes the connection when the bridge has acknowledged that. */
  readonly done: () => void;
}

/** A run, in a store of its own, and its results. */
class Harness implements AsyncDisposable {
  readonly run: BridgedRun;
  readonly events: RunEvent[] = [];
  readonly store: Store;
  /** Resolves when all events have been taken. */
  readonly shown: Promise<void>;
  taken = 0;
  over = false;
  readonly #folder: string;
  readonly #links: { drop(): void }[] = [];

  /** The clock of the run; links have their own. */
  readonly clock = new ManualClock();

  private constructor(store: Store, folder: string) {
    this.store = store;
    this.#folder = folder;
    this.run = new BridgedRun("run", SPEC, store, (answer) => {
      if (answer.type === "stdin-taken") this.taken += answer.bytes;
    }, {
      by: "anna",
      clock: this.clock,
      startTimer: () => () => {},
    });
    void this.run.over.then(() => this.over = true);
    this.shown = this.#show();
  }

  /** Takes the events of the run, as the bytes that viewers are sent. */
  async #show(): Promise<void> {
    for await (const { records } of this.run.view()) {
      for (const { body } of records) this.events.push(eventOf(body));
    }
  }

  static async start(): Promise<Harness> {
    const folder = await Deno.makeTempDir();
    return new Harness(await Store.open(`${folder}/store`), folder);
  }

  get folder(): string {
    return this.#folder;
  }

  async node(name: string): Promise<FakeNode> {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const [near, far] = await Promise.all([
      listener.accept(),
      Deno.connect({ port: listener.addr.port }),
    ]);
    const bridge = new MessageLink<BridgeToNode, NodeToBridge>(near, {
      schema: NODE_TO_BRIDGE,
    });
    const link = new MessageLink<NodeToBridge, BridgeToNode>(far, {
      schema: BRIDGE_TO_NODE,
    });
    this.#links.push(bridge, link);
    const host = { type: "host", run: "run", node: name, link: name, taken: 0 } as const;
    const served = this.run.serve(host, bridge, bridge.received()).then(
      () => undefined,
      (error) => error,
    );
    const heard: BridgeToNode[] = [];
    let isDone = false;
    const messages = link.messages();
    assertEquals((await messages.next()).value, { type: "hosted", taken: 0 });
    assertEquals((await messages.next()).value, { type: "run", spec: SPEC, by: "anna" });
    void (async () => {
      for await (const message of messages) {
        if (message.type !== "ack") heard.push(message);
        // The bridge acknowledges everything only at the end.
        else if (isDone) link.drop();
      }
    })();
    const done = () => {
      isDone = true;
      void link.send({ type: "done" });
    };
    return { link, heard, served, done };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links) link.drop();
    await this.store[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function exits(events: readonly RunEvent[]): unknown[] {
  return events.flatMap((event) => event.event === "exit" ? [[event.pid, event.status]] : []);
}

Deno.test("the run is over when the master says so and every exit has been taken", async () => {
  await using harness = await Harness.start();
  const node = await harness.node("a");
  void node.link.send(spawn(FIRST, null));
  await until(() => harness.events.length === 1);
  harness.run.ended(1);
  void node.link.send({ type: "event", event: { event: "eof", pid: FIRST, fd: 1 } });
  void node.link.send({ type: "event", event: { event: "eof", pid: FIRST, fd: 2 } });
  await until(() => harness.events.length === 3);
  assertEquals(harness.over, false);
  void node.link.send({
    type: "event",
    event: { event: "exit", pid: FIRST, status: { code: 3 }, time: 2 },
  });
  node.done();
  await harness.shown;
  assertEquals(exits(harness.events), [[FIRST, { code: 3 }]]);
  assertEquals(await node.served, undefined);
});

Deno.test("a node that is done and does not close the connection is given up", async () => {
  await using harness = await Harness.start();
  const node = await harness.node("a");
  void node.link.send({ type: "done" });
  await until(() => harness.clock.timers === 1);
  harness.clock.advance(LOCAL_NETWORK.silenceMs);
  assertEquals(await node.served, undefined);
  assertEquals((await node.link.ended).message, "it closed the connection");
  assertEquals(harness.clock.timers, 0);
});

Deno.test("processes that the master reports lost are shown as lost before the run is over", async () => {
  await using harness = await Harness.start();
  const node = await harness.node("a");
  void node.link.send(spawn(FIRST, null));
  await until(() => harness.events.length === 1);
  node.link.drop();
  for (const index of [0, 1, 2, 3]) {
    const parent = index === 0 ? null : pidOf(index - 1);
    const process = { pid: pidOf(index), parent, name: "work", node: "a" };
    harness.run.lost(process, "node a is gone");
  }
  harness.run.ended(4);
  await harness.shown;
  assertEquals(
    exits(harness.events),
    [0, 1, 2, 3].map((index) => [pidOf(index), { lost: "node a is gone" }]),
  );
});

Deno.test("a node that does not connect again loses its processes, even if the master is silent", async () => {
  await using harness = await Harness.start();
  const [a, b] = [await harness.node("a"), await harness.node("b")];
  void a.link.send(spawn(FIRST, null));
  // The spawn of its parent would have come from a.
  void b.link.send(spawn(pidOf(2), pidOf(1)));
  await until(() => harness.events.length === 1);
  a.link.drop();
  await until(() => harness.clock.timers === 1);
  harness.clock.advance(LOCAL_NETWORK.returnMs);
  // The master may still report the reason.
  await new Promise((resolve) => setTimeout(resolve, 0));
  await until(() => harness.clock.timers === 1);
  harness.clock.advance(LOCAL_NETWORK.newsMs - 1);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(harness.events.length, 1);
  harness.clock.advance(1);
  await until(() => harness.events.length >= 5);
  assertEquals(exits(harness.events), [[FIRST, {
    lost: "node a did not connect again within 44 s: it closed the connection",
  }]]);
  assert(harness.events.some((event) => event.event === "spawn" && event.pid === pidOf(2)));
  harness.run.ended(3);
  b.link.drop();
  await until(() => harness.clock.timers === 1);
  // The master knows that it will not come back.
  harness.run.nodeGone("b", "node b is gone");
  await until(() => harness.clock.timers === 1);
  harness.clock.advance(LOCAL_NETWORK.newsMs);
  await harness.shown;
  assertEquals(exits(harness.events).length, 2);
});

Deno.test("a node that breaks the protocol is dropped, and its processes are lost", async () => {
  await using harness = await Harness.start();
  const node = await harness.node("a");
  void node.link.send(spawn(FIRST, null));
  void node.link.send({ type: "host", run: "run", node: "a", link: "a", taken: 0 });
  const error = await node.served;
  assert(error instanceof ProtocolError);
  assertEquals(error.message, `a second "host" message`);
  harness.run.ended(1);
  await until(() => harness.clock.timers === 1);
  harness.clock.advance(LOCAL_NETWORK.newsMs);
  await harness.shown;
  assertEquals(exits(harness.events).length, 1);
});

Deno.test("a node that reports impossible events is dropped, and the run continues without it", async () => {
  await using harness = await Harness.start();
  const [good, bad] = [await harness.node("a"), await harness.node("b")];
  const tell = (node: FakeNode, event: RunEvent) => void node.link.send({ type: "event", event });
  void good.link.send(spawn(FIRST, null));
  await until(() => harness.events.length === 1);
  void bad.link.send(spawn(pidOf(7), null));
  const error = await bad.served;
  assert(error instanceof ProtocolError);
  assertMatch(error.message, /cannot be the first process/);
  for (const fd of [1, 2] as const) tell(good, { event: "eof", pid: FIRST, fd });
  tell(good, { event: "exit", pid: FIRST, status: { code: 0 }, time: 2 });
  await until(() => exits(harness.events).length === 1);
  harness.run.ended(1);
  await harness.shown;
  assertEquals(exits(harness.events), [[FIRST, { code: 0 }]]);
});

Deno.test("a node gets the pieces that it needs, and is dropped for wanting others", async () => {
  await using harness = await Harness.start();
  const path = `${harness.folder}/data`;
  const bytes = crypto.getRandomValues(new Uint8Array(50_000));
  await Deno.writeFile(path, bytes);
  const manifest = await manifestOf(path);
  await using _file = await harness.store.ensure([manifest], ([hash], put) => put(hash!, bytes));
  const node = await harness.node("a");
  void node.link.send({ type: "need", pieces: [manifest.pieces[0]!] });
  await until(() => node.heard.length === 1);
  assertEquals(node.heard, [{ type: "piece", hash: manifest.pieces[0]!, bytes }]);
  void node.link.send({ type: "need", pieces: ["0".repeat(64)] });
  assertMatch(String(await node.served), /it asked for a piece that the run does not have/);
});

Deno.test("stdin goes to the first process, also data that came before it", async () => {
  await using harness = await Harness.start();
  const bytes = new TextEncoder().encode("one");
  harness.run.stdin({ type: "stdin", bytes });
  const [a, b] = [await harness.node("a"), await harness.node("b")];
  void b.link.send(spawn(FIRST, null));
  await until(() => b.heard.length === 1);
  harness.run.stdin({ type: "stdin", bytes });
  harness.run.stdin({ type: "stdin-end" });
  await until(() => b.heard.length === 3);
  assertEquals(b.heard, [{ type: "stdin", bytes }, { type: "stdin", bytes }, {
    type: "stdin-end",
  }]);
  assertEquals(a.heard, []);
  void b.link.send({ type: "stdin-taken", bytes: 6 });
  await until(() => harness.taken === 6);
  assertThrows(
    () => harness.run.stdin({ type: "stdin", bytes }),
    ProtocolError,
    "sent after its end",
  );
  void b.link.send({
    type: "event",
    event: { event: "exit", pid: FIRST, status: { code: 0 }, time: 2 },
  });
  b.done();
  harness.run.ended(1);
  await harness.shown;
  assertEquals(b.heard.length, 3);
});

Deno.test("more stdin than there is room for is refused", async () => {
  await using harness = await Harness.start();
  harness.run.stdin({ type: "stdin", bytes: new Uint8Array(STDIN_WINDOW_BYTES) });
  const more = () => harness.run.stdin({ type: "stdin", bytes: new Uint8Array(1) });
  assertThrows(more, ProtocolError, "more bytes of stdin");
});
