/** The connections between processes: their number, and what they survive. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import { FAR_EXPECT_MS } from "../../src/channel/connection.ts";
import { ChannelError } from "../../src/core/errors.ts";
import type { Pid } from "../../src/core/pid.ts";
import { passOf, Protection, PROTOCOL_VERSION, Purpose } from "../../src/net/protocol.ts";
import {
  EVERY_TRANSPORT,
  ownMs,
  test,
  testOver,
  type TestProcess,
  TestRun,
  turns,
  until,
} from "./pair.ts";
import { forSeeds, type Random } from "./random.ts";

/** The number of connections to two processes. */
function connections(...processes: TestProcess[]): number {
  return processes.reduce((sum, { relay }) => sum + relay!.open, 0);
}

test("there is no connection until the first end, one while there are ends, none after", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  await turns();
  assertEquals(connections(one, two), 0);
  const sender = one.sender<number>(two);
  await until(() => two.hub.dirty, "a connection");
  await sender.send(1);
  const receiver = two.receiver<number>(one);
  assertEquals(await receiver.recv(), 1);
  const back = two.sender<number>(one);
  await back.send(2);
  assertEquals(await one.receiver<number>(two).recv(), 2);
  assertEquals(one.relay!.accepted + two.relay!.accepted, 1, "all of it on one connection");
  await sender.close();
  await receiver.close();
  await back.close();
  await turns(20);
  assertEquals(connections(one, two), 1, "there still is a Receiver");
  assertEquals(one.relay!.accepted + two.relay!.accepted, 1);
});

test("a process that only receives is not dialled back, and hears no refusal", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  const receiver = one.receiver<string>(two);
  await until(() => two.hub.dirty, "a connection");
  const sender = two.sender<string>(one);
  await sender.send("hello");
  assertEquals(await receiver.recv(), "hello");
  assertEquals([one.relay!.accepted, two.relay!.accepted], [0, 1]);
  assertEquals([...one.log, ...two.log], []);
});

test("of connections dialled at once one is left, and none when the ends are closed", async () => {
  using run = new TestRun();
  for (let round = 0; round < 25; round++) {
    const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
    const ends = [
      one.sender<number>(two),
      two.receiver<number>(one),
      two.sender<number>(one),
      one.receiver<number>(two),
    ] as const;
    for (let count = 0; count < 10; count++) {
      void ends[0].send(count);
      void ends[2].send(-count);
    }
    for (let count = 0; count < 10; count++) {
      assertEquals(await ends[1].recv(), count);
      assertEquals(await ends[3].recv(), -count);
    }
    await until(() => connections(one, two) === 1, "one connection");
    await turns(round % 5);
    assertEquals(connections(one, two), 1);
    assert(one.relay!.accepted + two.relay!.accepted <= 2, "nobody dialled again");
    await Promise.all(ends.map((end) => end.close()));
    await until(() => connections(one, two) === 0, "no connection");
    await turns();
    assertEquals(one.relay!.accepted + two.relay!.accepted <= 2, true, "nor after that");
    assertEquals([...one.log, ...two.log], []);
    assertEquals([one.hold.count, two.hold.count], [0, 0]);
  }
});

test("ends that are opened while the connection is being closed have another one", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  for (let round = 0; round < 60; round++) {
    const sender = one.sender<number>(two);
    const receiver = two.receiver<number>(one);
    await sender.send(round);
    assertEquals(await receiver.recv(), round);
    const closing = [sender.close(), receiver.close()];
    if (round % 2 === 0) await Promise.all(closing);
    if (round % 3 === 0) await turns(round % 5);
  }
  await until(() => connections(one, two) === 0, "no connection");
  assertEquals([...one.log, ...two.log], []);
}, EVERY_TRANSPORT);

/** Sends and receives at random in one direction, on several channels. */
async function converse(from: TestProcess, to: TestProcess, random: Random): Promise<void> {
  const channels = random.integer(1, 4);
  const plan = Array.from(
    { length: channels },
    () =>
      Array.from(
        { length: random.integer(0, 60) },
        () => random.pick([1, 1, 1, 10, 3_000, 40_000, random.chance(0.2) ? 2_500_000 : 1]),
      ),
  );
  const send = async () => {
    const closes: Promise<void>[] = [];
    for (const [channel, values] of plan.entries()) {
      const sender = from.sender<[number, number, Uint8Array]>(to);
      const sends = values.map((size, index) =>
        sender.send([channel, index, new Uint8Array(size).fill(index)])
      );
      if (random.chance(0.5)) await Promise.all(sends);
      const closed = sender.close();
      if (random.chance(0.5)) await closed;
      closes.push(closed);
    }
    await Promise.all(closes);
  };
  const receive = async () => {
    for (const [channel, values] of plan.entries()) {
      const receiver = to.receiver<[number, number, Uint8Array]>(from);
      for (const [index, size] of values.entries()) {
        const [ofChannel, number, bytes] = await receiver.recv();
        assertEquals([ofChannel, number, bytes.length], [channel, index, size]);
        assert(bytes.every((byte) => byte === index));
      }
      const error = await assertRejects(() => receiver.recv(), ChannelError);
      assertEquals(error.kind, "closed");
      await receiver.close();
    }
  };
  await Promise.all([send(), receive()]);
}

test("everything arrives once and in order, wherever connections break", async () => {
  let cuts = 0;
  await forSeeds(12, async (random) => {
    using run = new TestRun();
    const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
    for (const { relay } of [one, two]) {
      // Connections break from the handshake on, but not forever, so that the test ends.
      relay!.fate = () =>
        relay!.accepted > 8 || random.chance(0.2)
          ? { cutAfter: Infinity }
          : random.chance(0.5)
          ? { cutAfter: random.integer(1, 5_000), pieceBytes: 13 }
          : { cutAfter: random.integer(1, random.pick([250, 1_000_000])), pieceBytes: 1_000 };
    }
    await Promise.all([converse(one, two, random), converse(two, one, random)]);
    cuts += one.relay!.cuts + two.relay!.cuts;
    assertEquals([one.hold.count, two.hold.count], [0, 0]);
  });
  // With these chances, none breaks in one of a million runs. Few do in one of a thousand.
  assert(cuts > 0, "no connection broke");
}, EVERY_TRANSPORT);

test("acknowledged and unacknowledged data survives a cut at every byte of a short exchange", async () => {
  using run = new TestRun();
  // A handshake, a greeting and its reply take 260 bytes; a value, its ack and its end follow.
  for (let cutAfter = 1; cutAfter < 340; cutAfter += 5) {
    const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
    let cut = false;
    two.relay!.fate = () => {
      if (cut) return { cutAfter: Infinity };
      cut = true;
      return { cutAfter };
    };
    const sender = one.sender<number>(two);
    void sender.send(cutAfter);
    const closed = sender.close();
    const receiver = two.receiver<number>(one);
    const received: number[] = [];
    for await (const value of receiver) received.push(value);
    assertEquals(received, [cutAfter]);
    await closed;
    await receiver.close();
  }
});

test("a connection to an ended process fails, with the reason if it was lost", async () => {
  using run = new TestRun();
  const one = run.process();
  const [two, three] = [run.process({ relayed: true }), run.process({ relayed: true })];
  const ends = [[two, { code: 0 }, "exited"], [three, { signal: "SIGKILL" }, "lost"]] as const;
  for (const [process, status, kind] of ends) {
    process.relay!.close();
    run.end(process, status);
    const receiver = one.receiver<number>(process);
    const error = await assertRejects(() => receiver.recv(), ChannelError);
    assertEquals(error.kind, kind);
    assertEquals(error.remote, process.pid);
  }
});

test("a host that falls silent is noticed though no connection breaks", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const sender = two.sender<number>(one);
  await sender.send(1);
  const receiver = one.receiver<number>(two);
  assertEquals(await receiver.recv(), 1);
  const pending = assertRejects(() => receiver.recv(), ChannelError);
  run.end(two, { lost: "its node was silent for 10 s" });
  const error = await pending;
  assertEquals(error.kind, "lost");
  assertEquals(error.message.includes("its node was silent for 10 s"), true);
}, EVERY_TRANSPORT);

test("a peer that has ended while there was no connection is forgotten", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  const sender = one.sender<number>(two);
  await sender.close();
  const receiver = two.receiver<number>(one);
  await assertRejects(() => receiver.recv(), ChannelError);
  await receiver.close();
  await until(() => connections(one, two) === 0, "no connection");
  const peer = one.hub.peer(two.pid);
  run.end(two, { code: 0 });
  await until(() => one.hub.peer(two.pid) !== peer, "another peer");
});

testOver("tcp", "a process of another run is refused, on both sides", async () => {
  using run = new TestRun();
  using other = new TestRun();
  const [one, two] = [run.process(), other.process()];
  const receiver = two.receiver<number>(one);
  const lost = await assertRejects(() => receiver.recv(), ChannelError);
  assertEquals(lost.kind, "lost");
  assertEquals(two.log.length, 1);
  assertEquals(two.log[0]!.includes("a different secret"), true, two.log[0]);
  await until(() => one.refused.length > 0, "a line for the log of its node");
  assert(one.refused.every((line) => line.startsWith("refused a connection from 127.0.0.1:")));
  assertEquals(one.log, [], "strangers have no part in the output of the program");
  assertEquals(one.hub.dirty, false, "nothing was made for it");
});

testOver(
  "macs",
  "with MACs, what was changed on the way ends the connection, and is sent again",
  async () => {
    using run = new TestRun();
    const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
    const [sender, receiver] = [one.sender<number[]>(two), two.receiver<number[]>(one)];
    let changes = 0;
    for (const { relay } of [one, two]) {
      relay!.change = (bytes, passed) => {
        // A byte of a value, and not of the handshake.
        if (changes > 0 || passed < 100_000) return;
        bytes[bytes.length - 1]! ^= 1;
        changes++;
      };
    }
    const value = Array.from({ length: 1_000 }, (_, index) => index);
    const sending = (async () => {
      for (let count = 0; count < 200; count++) await sender.send([count, ...value]);
      await sender.close();
    })();
    let count = 0;
    for await (const received of receiver) assertEquals(received, [count++, ...value]);
    await sending;
    assertEquals([count, changes], [200, 1]);
  },
);

testOver("unix", "a process takes no connection without the key of its run", async () => {
  using run = new TestRun();
  const two = run.process();
  const { path } = two.listener.addr as Deno.UnixAddr;
  for (
    const [bytes, line] of [
      [new Uint8Array(38).fill(1), "its first bytes are not of this protocol"],
      [passOf(new Uint8Array(32), Purpose.channels), "it is not a process of this run"],
      [passOf(run.key, Purpose.node), "it is not a process of this run"],
    ] as const
  ) {
    const conn = await Deno.connect({ transport: "unix", path });
    await conn.write(bytes);
    assertEquals(await conn.read(new Uint8Array(1)), null, "closed without an answer");
    conn.close();
    assertEquals(two.refused.at(-1), `refused a connection from this host: ${line}`);
  }
  assertEquals(two.hub.dirty, false, "nothing was made for it");
});

test("a process does not take connections that are for another one", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  // Another process has taken over the port, so the Pid has its address.
  const stale = `${"0".repeat(32)}@${two.pid.split("@")[1]}` as Pid;
  const receiver = one.receiver<number>(stale);
  const error = await assertRejects(() => receiver.recv(), ChannelError);
  assertEquals(error.kind, "lost");
  assertEquals(two.log, []);
});

testOver(
  "tcp",
  "invalid connections to the port do not affect channels, nor the output of the program",
  async () => {
    await forSeeds(1, async (random) => {
      using run = new TestRun();
      const [one, two] = [run.process(), run.process()];
      const { port } = two.listener.addr as Deno.NetAddr;
      const idle: Deno.TcpConn[] = [];
      const protection = Protection.plain;
      const start = [0x44, 0x50, 0x4c, 0x59, PROTOCOL_VERSION, Purpose.channels, protection];
      for (let count = 0; count < 1_500; count++) {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port });
        if (count % 3 === 1) await conn.write(new Uint8Array(start));
        if (count % 3 === 2) {
          const hello = crypto.getRandomValues(new Uint8Array(39));
          hello.set(start);
          await conn.write(hello);
        }
        idle.push(conn);
      }
      const sender = one.sender<number>(two);
      const receiver = two.receiver<number>(one);
      const tookMs = await ownMs(async () => {
        await sender.send(7);
        assertEquals(await receiver.recv(), 7);
      });
      assert(tookMs < 4_000, `nobody waited for their time to be up: ${tookMs} ms`);
      const noise = Array.from({ length: 40 }, async () => {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port });
        const bytes = new Uint8Array(random.integer(39, 5_000)).map(() => random.integer(0, 255));
        await conn.write(bytes);
        await conn.read(new Uint8Array(1)).catch(() => {}); // it is closed or reset
        conn.close();
      });
      for (let count = 0; count < 100; count++) {
        await sender.send(count);
        assertEquals(await receiver.recv(), count);
      }
      await Promise.all(noise);
      for (const conn of idle) conn.close();
      // Peers that only close their own connection do no harm, and are not reported.
      const lines = (part: string) => two.refused.filter((line) => line.includes(part)).length;
      await until(() => lines("are not of this protocol") > 0, "a line for the log of its node");
      await turns();
      assert(lines("there are too many unauthenticated connections") > 0);
      assert(two.refused.every((line) => line.startsWith("refused a connection from 127.0.0.1:")));
      assertEquals([...one.log, ...two.log], []);
      await sender.send(8);
      assertEquals(await receiver.recv(), 8);
    });
  },
);

test("a process that has said goodbye does not connect again, whatever of it is still open", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  const sender = one.sender<string>(two);
  await until(() => two.hub.dirty, "a connection");
  const receiver = two.receiver<string>(one);
  await sender.send("hello");
  assertEquals(await receiver.recv(), "hello");
  await sender.close();
  // It stays for a while, like a process that has more to deliver to another one.
  await two.hub.flush(0);
  await until(() => !two.hub.dirty && !one.hub.dirty, "the end of the connection");
  await turns(20);
  assertEquals(one.relay!.accepted + two.relay!.accepted, 1);
  assertEquals([...one.log, ...two.log], []);
});

test("closing all ends to a process, and opening others, uses the same connection", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  for (let round = 0; round < 30; round++) {
    const [sender, receiver] = [one.sender<number>(two), two.receiver<number>(one)];
    await sender.send(round);
    assertEquals(await receiver.recv(), round);
    await Promise.all([sender.close(), receiver.close()]);
    await turns(round % 7);
  }
  assertEquals(one.relay!.accepted + two.relay!.accepted <= 2, true, "two dialled at once at most");
  await until(() => connections(one, two) === 0, "no connection in the end");
  assertEquals([one.hub.dirty, two.hub.dirty], [false, false]);
});

test("a process that opens an end after it was idle keeps the connection", async () => {
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  const sender = one.sender<number>(two);
  await sender.send(1);
  await until(() => two.hub.dirty, "a connection");
  // It was dialled by a process without a channel end, which opens one just before the other side's closes.
  const receiver = two.receiver<number>(one, "back");
  await sender.close();
  await new Promise((resolve) => setTimeout(resolve, 700));
  assertEquals([one.relay!.accepted, one.relay!.open], [0, 0]);
  assertEquals([two.relay!.accepted, two.relay!.open], [1, 1]);
  const back = one.sender<number>(two, "back");
  await back.send(2);
  assertEquals(await receiver.recv(), 2);
  assertEquals(two.relay!.accepted, 1);
});

test("bye is not awaited when the connection is over, or when neither side needs it", async () => {
  for (let round = 0; round < 20; round++) {
    using run = new TestRun();
    const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
    const sender = one.sender<number>(two);
    await sender.send(1);
    await until(() => two.hub.dirty, "a connection");
    if (round % 2 === 0) two.receiver<number>(one);
    await sender.close();
    await turns(round % 5);
    // It may wait 500 ms for its answer.
    const spentMs = await ownMs(() => Promise.all([one.hub.flush(0), two.hub.flush(0)]));
    assert(spentMs < 400, `${spentMs} ms`);
  }
  using run = new TestRun();
  const [one, two] = [run.process({ relayed: true }), run.process({ relayed: true })];
  const [sender, receiver] = [one.sender<number>(two), two.receiver<number>(one)];
  await sender.send(1);
  assertEquals(await receiver.recv(), 1);
  await until(() => !one.hub.peer(two.pid).unfinished, "an acknowledgement");
  const flushed = one.hub.flush(0);
  two.relay!.close();
  one.relay!.close();
  assert(await ownMs(() => flushed) < 400, "the link is over");
});

testOver("unix", "a spawned process connects to its parent, which does not dial", async () => {
  using run = new TestRun();
  const [parent, child] = [run.process({ relayed: true }), run.process({ relayed: true })];
  parent.hub.hasSpawned(child.pid);
  const receiver = parent.receiver<number>(child);
  await turns(20);
  assertEquals([parent.relay!.accepted, child.relay!.accepted], [0, 0], "it waits for the child");
  await child.hub.meet(parent.pid);
  await child.sender<number>(parent).send(7);
  assertEquals(await receiver.recv(), 7);
  assertEquals([parent.relay!.accepted, child.relay!.accepted], [1, 0]);
  parent.relay!.cutAll();
  await child.sender<number>(parent, "again").send(8);
  assertEquals(await parent.receiver<number>(child, "again").recv(), 8);
  assertEquals([...parent.log, ...child.log], []);
});

testOver(
  "unix",
  "a parent dials its child if that does not connect within a second",
  async () => {
    using run = new TestRun();
    const [parent, child] = [run.process(), run.process({ relayed: true })];
    parent.hub.hasSpawned(child.pid);
    const accepted = child.acceptor<number>().accept(); // does not dial
    await parent.sender<number>(child).send(7);
    assertEquals(await (await accepted).recv(), 7);
    assertEquals(child.relay!.accepted, 1);
  },
);

testOver(
  "tls",
  "a process that was spawned from another host dials its parent if that does not",
  async () => {
    using run = new TestRun();
    const [parent, child] = [run.process({ relayed: true }), run.process({ relayed: true })];
    const accepted = parent.acceptor<number>().accept(); // does not dial
    await child.hub.meet(parent.pid);
    const startMs = performance.now();
    await child.sender<number>(parent).send(7);
    assertEquals(await (await accepted).recv(), 7);
    assertEquals([parent.relay!.accepted, child.relay!.accepted], [1, 0]);
    assert(performance.now() - startMs >= FAR_EXPECT_MS - 5, "and has left it the time to do so");
  },
);

testOver(
  "unix",
  "a spawned process that ends without having connected is not waited for",
  async () => {
    using run = new TestRun();
    const [parent, child] = [run.process(), run.process({ relayed: true })];
    parent.hub.hasSpawned(child.pid);
    const received = assertRejects(() => parent.receiver<number>(child).recv(), ChannelError);
    run.end(child, { code: 0 });
    assertEquals((await received).kind, "exited");
    assertEquals(child.relay!.accepted, 0, "the parent has not dialled");
  },
);

testOver(
  "unix",
  "a connection on which neither process ever said anything leaves nothing behind",
  async () => {
    using run = new TestRun();
    const [parent, child] = [run.process({ relayed: true }), run.process()];
    const peers = () => [parent.hub.peer(child.pid), child.hub.peer(parent.pid)];
    const before = peers();
    await child.hub.meet(parent.pid);
    await until(() => before.every(({ joined }) => joined), "a connection");
    assertEquals([parent.hub.dirty, child.hub.dirty], [false, false], "it delays no end");
    await until(() => connections(parent) === 0, "no connection");
    await until(() => before.every((peer) => !peer.joined), "its end on both sides");
    assert(peers().every((peer, index) => peer !== before[index]), "both have forgotten it");
    // And it may begin anew.
    await child.sender<number>(parent).send(7);
    assertEquals(await parent.receiver<number>(child).recv(), 7);
  },
);
