// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { setHub } from "../../src/channel/channel_end.ts";
import type { Receiver } from "../../src/channel/receiver.ts";
import { after, run as runAll, select, type Selectable } from "../../src/channel/select.ts";
import type { Sender } from "../../src/channel/sender.ts";
import { ChannelError } from "../../src/core/errors.ts";
import { fill, test, type TestProcess, TestRun, turns, until } from "./pair.ts";

/** The result of an operation; `undefined` if it failed. */
function valueOf(selected: object): unknown {
  return "value" in selected ? selected.value : undefined;
}

/** The error of an operation; `undefined` if it succeeded. */
function kindOf(selected: { error: ChannelError } | { value: unknown }): string | undefined {
  return "error" in selected ? selected.error.kind : undefined;
}

/** A process with channels to and from each of several others. */
interface Star extends Disposable {
  readonly center: TestProcess;
  readonly inward: readonly { sender: Sender<number>; receiver: Receiver<number> }[];
  readonly outward: readonly { sender: Sender<number>; receiver: Receiver<number> }[];
}

function star(count: number): Star {
  const run = new TestRun();
  const center = run.process();
  const others = Array.from({ length: count }, () => run.process());
  const inward = others.map((other) => ({
    sender: other.sender<number>(center),
    receiver: center.receiver<number>(other),
  }));
  const outward = others.map((other) => ({
    sender: center.sender<number>(other),
    receiver: other.receiver<number>(center),
  }));
  // This process calls select().
  setHub(center.hub);
  return { center, inward, outward, [Symbol.dispose]: () => run[Symbol.dispose]() };
}

/** Sends a value, and waits until it can be received. */
async function arrive(
  channel: { sender: Sender<number>; receiver: Receiver<number> },
  value: number,
): Promise<void> {
  await channel.sender.send(value);
  const next = await channel.receiver.recv();
  assertEquals(next, value);
}

test("select() rejects an empty list, and anything that is not a list of operations", async () => {
  await assertRejects(() => select([]), TypeError, "at least one operation");
  await assertRejects(() => select(undefined as never), TypeError, "at least one operation");
  await assertRejects(
    () => select([after(1), {} as Selectable<void>]),
    TypeError,
    "operations[1] is not an operation",
  );
});

test("select() does one operation, and leaves the others untouched", async () => {
  using all = star(3);
  const operations = all.inward.map(({ receiver }) => receiver.selectableRecv());
  await all.inward[1]!.sender.send(11);
  assertEquals(await select(operations), { index: 1, value: 11 });
  for (const [index, { sender }] of all.inward.entries()) await sender.send(20 + index);
  await turns(20);
  const seen = new Map<number, number>();
  for (let count = 0; count < 3; count++) {
    const selected = await select(operations);
    assert("value" in selected);
    seen.set(selected.index, selected.value);
  }
  assertEquals([...seen].sort(), [[0, 20], [1, 21], [2, 22]]);
  const pending = select(operations);
  assertEquals(all.center.hold.count, 1, "a pending select holds the process");
  await all.inward[2]!.sender.send(5);
  assertEquals(await pending, { index: 2, value: 5 });
  assertEquals(all.center.hold.count, 0);
  // A finished select leaves nothing queued.
  await arrive(all.inward[0]!, 6);
  await arrive(all.inward[2]!, 7);
});

test("select() picks at random among those that can be done", async () => {
  using all = star(2);
  const [one, two] = all.inward;
  const rounds = 600;
  for (let count = 0; count < rounds; count++) {
    void one!.sender.send(1);
    void two!.sender.send(2);
  }
  // By then, everything has arrived.
  await Promise.all([one!.sender.close(), two!.sender.close()]);
  const operations = [one!.receiver.selectableRecv(), two!.receiver.selectableRecv()] as const;
  const counts = [0, 0];
  for (let count = 0; count < rounds; count++) counts[(await select(operations)).index]!++;
  // With 600 fair choices, fewer than 200 for one side happen once in 10¹⁵ runs.
  assert(Math.min(...counts) > 200, `${counts}`);
});

test("make() of a selectableSend is called only when it is chosen", async () => {
  using all = star(1);
  const [inward] = all.inward;
  const [outward] = all.outward;
  let made = 0;
  const sending = outward!.sender.selectableSend(() => ++made);
  assertEquals(await select([sending]), { index: 0, value: undefined });
  assertEquals([made, await outward!.receiver.recv()], [1, 1]);
  const full = await fill(outward!.sender, 0);
  const pending = select([sending, inward!.receiver.selectableRecv()]);
  await turns();
  assertEquals(made, 1);
  await inward!.sender.send(4);
  assertEquals(await pending, { index: 1, value: 4 });
  assertEquals(made, 1, "the room came to another one");
  const again = select([sending, inward!.receiver.selectableRecv()]);
  for (let count = 0; count < full; count++) await outward!.receiver.recv();
  assertEquals(await again, { index: 0, value: undefined });
  assertEquals([made, await outward!.receiver.recv()], [2, 2]);
});

test("select() of several sends on one full channel does one of them", async () => {
  using all = star(1);
  const [{ sender, receiver }] = all.outward as [Star["outward"][0]];
  const full = await fill(sender, 0);
  const made: number[] = [];
  const chosen = select([10, 20, 30].map((value) =>
    sender.selectableSend(() => {
      made.push(value);
      return value;
    })
  ));
  const after = [sender.send(1), sender.send(2)];
  for (let count = 0; count < full; count++) await receiver.recv();
  const selected = await chosen;
  assert("value" in selected);
  assertEquals(made, [[10, 20, 30][selected.index]]);
  assertEquals([await receiver.recv(), await receiver.recv(), await receiver.recv()], [
    made[0],
    1,
    2,
  ]);
  await Promise.all(after);
});

test("select() rejects with the error of make(), and for values that cannot be sent", async () => {
  using all = star(1);
  const [{ sender }] = all.outward as [Star["outward"][0]];
  const failing = sender.selectableSend(() => {
    throw new RangeError("no value today");
  });
  await assertRejects(() => select([failing]), RangeError, "no value today");
  const wrong = sender.selectableSend((() => () => {}) as never);
  await assertRejects(() => select([wrong]), TypeError, "functions cannot be sent");
  await fill(sender, 0);
  const pending = assertRejects(() => select([failing]), RangeError, "no value today");
  const [{ receiver }] = all.outward as [Star["outward"][0]];
  for (let count = 0; count < 100_000; count++) await receiver.recv();
  await pending;
  assertEquals(all.center.hold.count, 0);
});

test("an end that has failed is ready, with its error, at once or while it is waited for", async () => {
  using all = star(2);
  const [one, two] = all.inward;
  await one!.sender.close();
  await assertRejects(() => one!.receiver.recv(), ChannelError);
  const failed = await select([one!.receiver.selectableRecv(), two!.receiver.selectableRecv()]);
  assertEquals([failed.index, kindOf(failed)], [0, "closed"]);
  const pending = select([two!.receiver.selectableRecv(), after(60_000)]);
  await two!.receiver.close();
  const closed = await pending;
  assertEquals([closed.index, kindOf(closed)], [0, "closed"]);
  // A Sender with a full window, closed by this side and by the other one.
  for (const side of ["sender", "receiver"] as const) {
    const channel = all.outward[side === "sender" ? 0 : 1]!;
    await fill(channel.sender, 0);
    const sending = select([channel.sender.selectableSend(() => 1), after(60_000)]);
    const closing = channel[side].close();
    const outcome = await sending;
    assertEquals([outcome.index, kindOf(outcome)], [0, "closed"], side);
    await closing;
  }
  assertEquals(all.center.hold.count, 0);
});

test("select() and recv() that wait for one Receiver are served in their order", async () => {
  using all = star(1);
  const [{ sender, receiver }] = all.inward as [Star["inward"][0]];
  const order: string[] = [];
  const calls = [
    receiver.recv().then((value) => order.push(`recv ${value}`)),
    select([receiver.selectableRecv()]).then((selected) =>
      order.push(`select ${valueOf(selected)}`)
    ),
    receiver.recv().then((value) => order.push(`recv ${value}`)),
  ];
  for (const value of [1, 2, 3]) await sender.send(value);
  await Promise.all(calls);
  assertEquals(order, ["recv 1", "select 2", "recv 3"]);
});

test("an operation may be used many times, and be in a list twice", async () => {
  using all = star(1);
  const [{ sender, receiver }] = all.inward as [Star["inward"][0]];
  const operation = receiver.selectableRecv();
  const pending = [select([operation, operation]), select([operation, after(60_000)])];
  void sender.send(1);
  void sender.send(2);
  const values = (await Promise.all(pending)).map(valueOf);
  assertEquals(values, [1, 2]);
});

test("an aborted select rejects with the reason, and no operation is done", async () => {
  using all = star(1);
  const [{ sender, receiver }] = all.inward as [Star["inward"][0]];
  const reason = new Error("enough");
  await assertRejects(
    () => select([after(0)], { signal: AbortSignal.abort(reason) }),
    Error,
    "enough",
  );
  const controller = new AbortController();
  const pending = select([receiver.selectableRecv(), after(60_000)], controller);
  controller.abort(reason);
  assertEquals(await pending.catch((error) => error), reason);
  await arrive({ sender, receiver }, 3);
  assertEquals(all.center.hold.count, 0);
});

test("after() starts anew in each select, and never fires for Infinity", async () => {
  const soon = after(30);
  const startMs = performance.now();
  const both = await Promise.all([select([soon, after(Infinity)]), select([after(1), soon])]);
  assertEquals(both.map(({ index }) => index), [0, 0]);
  assert(performance.now() - startMs >= 29);
  const againMs = performance.now();
  assertEquals(await select([soon]), { index: 0, value: undefined });
  assert(performance.now() - againMs >= 29, "it has not run while it was not waited for");
  for (const ms of [0, -5]) assertEquals((await select([after(60_000), after(ms)])).index, 1);
  for (const wrong of [NaN, "1", undefined]) {
    assertThrows(() => after(wrong as number), TypeError, "takes a number of milliseconds");
  }
});

test("run() does each operation once, in whatever order they become possible", async () => {
  using all = star(3);
  const operations = all.inward.map(({ receiver }) => receiver.selectableRecv());
  const done = runAll([...operations, all.outward[0]!.sender.selectableSend(() => 9), after(5)]);
  for (const index of [2, 0, 1]) {
    await all.inward[index]!.sender.send(index);
    await turns(2);
  }
  await done;
  assertEquals(await all.outward[0]!.receiver.recv(), 9);
  await runAll([]);
  // Each has received one value, so the next one follows.
  for (const channel of all.inward) await arrive(channel, 100);
  const failing = all.inward[0]!;
  await failing.sender.close();
  await until(() => {
    try {
      failing.receiver.tryRecv();
      return false;
    } catch {
      return true; // closed
    }
  }, "the end of the channel");
  const error = await assertRejects(
    () => runAll([failing.receiver.selectableRecv(), after(60_000)]),
    ChannelError,
  );
  assertEquals(error.kind, "closed");
});
