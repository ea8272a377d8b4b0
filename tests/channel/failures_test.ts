/** How a reader learns whether a stream is whole or cut. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Receiver } from "../../src/channel/receiver.ts";
import { select } from "../../src/channel/select.ts";
import { deliverWill } from "../../src/channel/will.ts";
import { memoryBytes } from "../../src/channel/will_reader.ts";
import { ChannelError, type ChannelErrorKind } from "../../src/core/errors.ts";
import type { ExitStatus } from "../../src/core/exit_status.ts";
import type { Pid } from "../../src/core/pid.ts";
import { untilCollected } from "../collected.ts";
import { channel, fill, test, testOver, type TestProcess, TestRun, turns, until } from "./pair.ts";

const KIB = new Uint8Array(1024 - 64);

async function failure(act: () => Promise<unknown>): Promise<ChannelError> {
  return await assertRejects(act, ChannelError);
}

/** The values of a loop over a receiver, and how it ends. */
async function readAll<T>(receiver: Receiver<T>): Promise<[T[], ChannelErrorKind | "end"]> {
  const values: T[] = [];
  try {
    for await (const value of receiver) values.push(value);
    return [values, "end"];
  } catch (error) {
    assert(error instanceof ChannelError);
    return [values, error.kind];
  }
}

/** The same, for its stream. */
async function readStream<T>(receiver: Receiver<T>): Promise<[T[], ChannelErrorKind | "end"]> {
  const values: T[] = [];
  try {
    for await (const value of receiver.readable) values.push(value);
    return [values, "end"];
  } catch (error) {
    assert(error instanceof ChannelError);
    return [values, error.kind];
  }
}

test("a goodbye with success ends loops and streams; any other one makes them throw", async () => {
  for (const code of [0, 1, 3, 255]) {
    for (const read of [readAll<number>, readStream<number>]) {
      using pair = channel<number>();
      const { one, two, sender, receiver } = pair;
      void sender.send(1);
      void sender.send(2);
      const reading = read(receiver);
      await one.hub.flush(code);
      assertEquals(await reading, [[1, 2], code === 0 ? "end" : "failed"]);
      const back = await failure(() => two.sender<number>(one).send(1));
      assertEquals([back.kind, back.status], [code === 0 ? "exited" : "failed", { code }]);
      assertEquals(two.noticed, code === 0 ? [] : [one.pid]);
    }
  }
});

test("an end in order remains one, however the process ends afterwards", async () => {
  using pair = channel<number>();
  void pair.sender.send(1);
  await pair.sender.close();
  await pair.one.hub.flush(1);
  assertEquals(await readAll(pair.receiver), [[1], "end"]);
  assertEquals(pair.two.noticed, [], "the program was told nothing of it");
});

/** An object that throws at every operation. */
function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

test("abort() gives the values that were taken, and then aborted with a copy of the reason", async () => {
  class Special extends Error {}
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const table: [unknown, (cause: unknown) => boolean][] = [
    [undefined, (cause) => cause === undefined],
    [
      new RangeError("too far"),
      (cause) => cause instanceof RangeError && cause.message === "too far",
    ],
    [new Special("special"), (cause) => cause instanceof Error && cause.message === "special"],
    [
      { why: [1n, new Date(0)] },
      (cause) =>
        JSON.stringify(cause, (_, value) => typeof value === "bigint" ? `${value}n` : value) ===
          '{"why":["1n","1970-01-01T00:00:00.000Z"]}',
    ],
    [cyclic, (cause) => Array.isArray(cause) && cause[0] === cause],
    [() => 5, (cause) => /^\(\) ?=> ?5$/.test(String(cause))],
    [Symbol("why"), (cause) => cause === "Symbol(why)"],
    [
      Object.assign(new Error("with a function"), { cause: () => {} }),
      (cause) => cause === "with a function",
    ],
    [{
      toString: () => {
        throw new Error("no text");
      },
      f() {},
    }, (cause) => cause === "[object Object]"],
    [{
      get why() {
        throw new RangeError("a getter");
      },
    }, (cause) => cause === "[object Object]"],
    [revoked(), (cause) => cause === "a reason that has no text"],
    ["x".repeat(100_000), (cause) => typeof cause === "string" && /^x{8192}$/.test(cause)],
    [new Uint8Array(1_000_000), (cause) => typeof cause === "string" && cause.startsWith("0,0,")],
  ];
  for (const [reason, isRight] of table) {
    using pair = channel<number>();
    const { sender, receiver } = pair;
    await sender.send(1);
    sender.abort(reason);
    assertEquals(await receiver.recv(), 1);
    for (let count = 0; count < 2; count++) {
      const error = await failure(() => receiver.recv());
      assertEquals(error.kind, "aborted");
      assert(isRight(error.cause), `${Deno.inspect(error.cause)}`.slice(0, 100));
      assertEquals(error.status, undefined);
    }
    assertEquals((await failure(() => sender.send(2))).kind, "aborted");
    assertEquals(pair.two.noticed, []);
  }
});

test("abort() rejects waiting sends, frees the name, and works once", async () => {
  using pair = channel<Uint8Array>();
  const { one, two, sender, receiver } = pair;
  const count = await fill(sender, KIB);
  const reason = new Error("enough");
  const waiting = [sender.send(KIB), sender.send(new Uint8Array(5_000_000))].map((send) =>
    failure(() => send)
  );
  const selecting = select([sender.selectableSend(() => KIB)]);
  sender.abort(reason);
  sender.abort("again");
  for (const error of await Promise.all(waiting)) {
    assertEquals([error.kind, error.cause], ["aborted", reason]);
  }
  const selected = await selecting;
  assert("error" in selected && selected.error.kind === "aborted");
  const next = one.sender<string>(two);
  void next.send("next");
  const [values, kind] = await readAll(receiver);
  assertEquals([values.length, kind], [count, "aborted"]);
  await receiver.close();
  assertEquals(await two.receiver<string>(one).recv(), "next");
  await sender.close();
  assertEquals([one.hold.count, two.hold.count], [0, 0]);
});

test("abort() cuts a value that is in pieces, and one before which nothing could be taken", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  const sender = one.sender<Uint8Array>(two);
  const sent = failure(() => sender.send(new Uint8Array(50_000_000)));
  const receiver = two.receiver<Uint8Array>(one);
  await turns(5);
  sender.abort("cut");
  assertEquals((await sent).kind, "aborted");
  const error = await failure(() => receiver.recv());
  assertEquals([error.kind, error.cause], ["aborted", "cut"]);
});

test("close() of a Sender that was aborted, and abort() of one that is closed, change nothing", async () => {
  using pair = channel<number>();
  await pair.sender.close();
  pair.sender.abort("late");
  assertEquals(await readAll(pair.receiver), [[], "end"]);
});

test("await using closes a Sender in order, soon, and without waiting for its reader", async () => {
  using run = new TestRun();
  const [one, two] = [run.process(), run.process()];
  {
    await using sender = one.sender<number>(two);
    await sender.send(1);
  }
  one.sender<number>(two); // another one may be made at once
  assertEquals(one.hub.dirty, true, "the end is still to be delivered");
  const receiver = two.receiver<number>(one);
  assertEquals(await readAll(receiver), [[1], "end"]);
  assertEquals(one.hold.count, 0);
});

test("an exception that passes through await using and ends the process cuts the stream", async () => {
  using run = new TestRun();
  for (const end of ["goodbye", "will"]) {
    const [one, two] = [run.process({ relayed: true }), run.process()];
    const receiver = two.receiver<number>(one);
    const work = async () => {
      await using sender = one.sender<number>(two);
      await using other = one.sender<number>(two, "other");
      await sender.send(1);
      await other.send(2);
      throw new Error("half-way");
    };
    await work().catch(() => {});
    if (end === "goodbye") {
      one.hub.fail();
      await turns(10); // no turn of the event loop ends the channel now
      await one.hub.flush(1);
    } else {
      const will = one.hub.writeWill(1);
      one.relay!.close();
      one.hub.peer(two.pid).abandon();
      if (will !== undefined) await deliver(run, will, { code: 1 });
      run.end(one, { code: 1 });
    }
    assertEquals(await readAll(receiver), [[1], "failed"], end);
    assertEquals(await readAll(two.receiver<number>(one, "other")), [[2], "failed"], end);
  }
});

test("a process that exits with success right after await using has closed in order", async () => {
  using run = new TestRun();
  for (const end of ["goodbye", "will"]) {
    const [one, two] = [run.process({ relayed: true }), run.process()];
    const receiver = two.receiver<number>(one);
    {
      await using sender = one.sender<number>(two);
      await sender.send(1);
    }
    if (end === "goodbye") {
      await one.hub.flush(0);
    } else {
      const will = one.hub.writeWill(0);
      assert(will !== undefined);
      one.relay!.close();
      one.hub.peer(two.pid).abandon();
      await deliver(run, will, { code: 0 });
      run.end(one, { code: 0 });
    }
    assertEquals(await receiver.recv(), 1);
    assertEquals((await failure(() => receiver.recv())).kind, "closed", end);
  }
});

test("close() after await using, and before it, is an end in order", async () => {
  for (const order of ["before", "after"]) {
    using pair = channel<number>();
    const { one, sender, receiver } = pair;
    await sender.send(1);
    const closed = order === "before" ? sender.close() : undefined;
    await sender[Symbol.asyncDispose]();
    await (closed ?? sender.close());
    one.hub.fail();
    await one.hub.flush(1);
    assertEquals(await readAll(receiver), [[1], "end"], order);
  }
});

async function deliver(
  run: TestRun,
  will: readonly Uint8Array<ArrayBuffer>[],
  status: ExitStatus,
): Promise<void> {
  const { signal } = new AbortController();
  const bytes = new Uint8Array(await new Blob([...will]).arrayBuffer());
  await deliverWill(memoryBytes(bytes), {
    key: run.key,
    protection: run.newProtection(),
    sockets: run.sockets,
    status,
    signal,
    ended: (pid) => run.ended(pid),
  });
}

test("a will reports how its process ended, and a process that was killed is lost", async () => {
  const table: [ExitStatus, ChannelErrorKind | "end"][] = [
    [{ code: 0 }, "end"],
    [{ code: 4 }, "failed"],
    [{ signal: "SIGKILL" }, "lost"],
    [{ killed: "memory" }, "lost"],
  ];
  for (const [status, kind] of table) {
    using run = new TestRun();
    const [one, two] = [run.process({ relayed: true }), run.process()];
    void one.sender<number>(two).send(1);
    const will = one.hub.writeWill("code" in status ? status.code : 1);
    assert(will !== undefined);
    one.relay!.close();
    one.hub.peer(two.pid).abandon();
    const receiver = two.receiver<number>(one);
    const reading = readAll(receiver);
    await deliver(run, will, status);
    run.end(one, status);
    assertEquals(await reading, [[1], kind]);
    if (kind !== "end") {
      assertEquals((await failure(() => receiver.recv())).status, status);
      assertEquals(two.noticed, [one.pid]);
    }
  }
});

test("a failure counts as noticed only if the program got an error about it", async () => {
  for (const how of ["recv", "send", "trySend", "select", "loop", "nothing"]) {
    using pair = channel<number>();
    const { run, one, two, receiver } = pair;
    const back = two.sender<Uint8Array>(one);
    // It waits for a Receiver, and nothing waits for it.
    assertEquals(back.trySend(new Uint8Array(3_000_000)), true);
    one.hub.peer(two.pid).abandon();
    one.relay!.close();
    run.end(one, { signal: "SIGSEGV" });
    await until(() => two.hub.peer(one.pid).gone, "its end");
    if (how === "recv") await failure(() => receiver.recv());
    if (how === "send") await failure(() => back.send(KIB));
    if (how === "trySend") assertThrows(() => back.trySend(KIB), ChannelError);
    if (how === "select") {
      const selected = await select([receiver.selectableRecv()]);
      assert("error" in selected);
    }
    if (how === "loop") assertEquals(await readAll(receiver), [[], "lost"]);
    assertEquals(two.noticed, how === "nothing" ? [] : [one.pid], how);
  }
});

test("an ending process reports its exit code to unknown peers", async () => {
  for (const code of [0, 7]) {
    using run = new TestRun();
    const [one, two, three] = [run.process(), run.process(), run.process()];
    // It has not ended yet: a third process has yet to take a value from it.
    const slow = one.sender<Uint8Array>(three);
    for (let count = 0; count < 10; count++) slow.send(new Uint8Array(100_000)).catch(() => {});
    const flushed = one.hub.flush(code);
    const error = await failure(() => two.receiver(one).recv());
    assertEquals([error.kind, error.status], [code === 0 ? "exited" : "failed", { code }]);
    let count = 0;
    for await (const _ of three.receiver(one)) if (++count === 10) break;
    await flushed;
  }
});

testOver(
  "unix",
  "a process that has ended is forgotten with the ends that the program drops",
  async () => {
    using run = new TestRun();
    const own = run.process();
    const held: Receiver<string>[] = [];
    const talkTo = async (other: TestProcess, drops: boolean): Promise<void> => {
      const receiver = own.receiver<string>(other);
      if (!drops) held.push(receiver);
      await own.sender(other).send("hello");
      assertEquals(await other.receiver(own).recv(), "hello");
      await other.sender(own).send("hello");
      await other.hub.flush(0);
      assertEquals(await receiver.recv(), "hello");
    };
    const others = [run.process(), run.process(), run.process()];
    for (const other of others) await talkTo(other, other !== others[1]);
    const known = () => own.hub.sent().map(({ remote }) => remote);
    assertEquals(known(), others.map(({ pid }) => pid));
    await untilCollected(() => known().length === 1, "two of three are forgotten");
    assertEquals(known(), [others[1]!.pid]);
    // What the program holds stays what it was.
    assertEquals(await readAll(held[0]!), [[], "end"]);
    assertThrows(() => own.receiver(others[1]!), Error, "already exists");
    await held[0]!.close();
    own.receiver(others[1]!);
  },
);

testOver("unix", "what an ended process has sent waits for its Receiver", async () => {
  using run = new TestRun();
  const own = run.process();
  const pids: Pid[] = [];
  for (const name of ["", "named"]) {
    const other = run.process();
    pids.push(other.pid);
    // Of one process, an end is open.
    if (name === "") own.receiver(other, "another one");
    await other.sender(own, name).send(name);
    await other.hub.flush(0);
  }
  let isCollected = false;
  const registry = new FinalizationRegistry(() => isCollected = true);
  registry.register({}, undefined);
  await untilCollected(() => isCollected, "garbage is collected");
  assertEquals(await readAll(own.receiver<string>(pids[0]!)), [[""], "end"]);
  assertEquals(await readAll(own.receiver<string>(pids[1]!, "named")), [["named"], "end"]);
});
