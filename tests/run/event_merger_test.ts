/** The events of several nodes become one stream, in an order that is guaranteed for every run. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { EventMerger } from "../../src/run/event_merger.ts";
import { exitCodeOf, isOver, NEW_RUN, step } from "../../src/run/run_state.ts";
import type { RunEvent } from "../../src/core/events.ts";
import { makePid, type Pid } from "../../src/core/pid.ts";
import { forSeeds } from "../channel/random.ts";

const NOW = Date.UTC(2026, 0, 31);

/** The master's report of a lost process. */
function known(index: number, parent: number | null): Parameters<EventMerger["lose"]>[0] {
  const pids = { pid: pidOf(index), parent: parent === null ? null : pidOf(parent) };
  return { ...pids, name: `work ${index}`, node: "a" };
}

function pidOf(index: number): Pid {
  return makePid(index.toString(16).padStart(8, "0").repeat(4), "10.0.0.1", 1 + index % 60_000);
}

function spawn(index: number, parent: number | null): RunEvent {
  const spawned = { parent: parent === null ? null : pidOf(parent), pid: pidOf(index) };
  return { event: "spawn", ...spawned, name: `work ${index}`, node: "a", time: NOW };
}

function output(index: number, fd: 1 | 2 = 1): RunEvent {
  return { event: "output", pid: pidOf(index), fd, bytes: new Uint8Array([index]), time: NOW };
}

function end(index: number, code = 0): RunEvent[] {
  const pid = pidOf(index);
  return [
    { event: "eof", pid, fd: 1 },
    { event: "eof", pid, fd: 2 },
    { event: "exit", pid, status: { code }, time: NOW },
  ];
}

function collector(): { events: RunEvent[]; merger: EventMerger } {
  const events: RunEvent[] = [];
  const merger = new EventMerger(({ event }) => {
    events.push(event);
    return Promise.resolve();
  }, () => NOW);
  return { events, merger };
}

function lostStatus(events: readonly RunEvent[], index: number): unknown {
  const exit = events.find((event) => event.event === "exit" && event.pid === pidOf(index));
  return exit?.event === "exit" ? exit.status : undefined;
}

/** Checks what is guaranteed for every run: events in order, and after those of the parent. */
function checkOrder(events: readonly RunEvent[]): void {
  let state = NEW_RUN;
  const seen = new Set<Pid | null>([null]);
  for (const event of events) {
    state = step(state, event);
    if (event.event !== "spawn") continue;
    assert(seen.has(event.parent), `${event.pid} before its parent`);
    assert(!seen.has(event.pid), `${event.pid} twice`);
    seen.add(event.pid);
  }
  assert(isOver(state));
}

Deno.test("add() holds a child back until its parent has been reported", async () => {
  const { events, merger } = collector();
  const child = (async () => {
    for (const event of [spawn(2, 1), output(2), ...end(2)]) await merger.add("b", event);
  })();
  await merger.add("a", spawn(0, null));
  assertEquals(merger.waits, 1);
  assertEquals(events, [spawn(0, null)]);
  await merger.add("a", spawn(1, 0));
  await child;
  assertEquals(merger.waits, 0);
  assertEquals(events.slice(1), [spawn(1, 0), spawn(2, 1), output(2), ...end(2)]);
  assertEquals(merger.exited, 1);
});

Deno.test("add() holds a notice back until its process has been reported", async () => {
  const { events, merger } = collector();
  await merger.add("a", spawn(0, null));
  const noticed = { event: "noticed", pid: pidOf(1) } as const;
  const waiting = (async () => {
    for (const event of [noticed, ...end(0)]) await merger.add("a", event);
  })();
  assertEquals([merger.waits, events.length], [1, 1]);
  await merger.add("b", spawn(1, 0));
  for (const event of end(1, 3)) await merger.add("b", event);
  await waiting;
  assertEquals(exitCodeOf(events.reduce(step, NEW_RUN)), 0);
  // Nothing more is expected from a process that has ended.
  await merger.add("a", noticed);
  assertEquals(events.at(-1), noticed);
});

Deno.test("a parent that has ended long ago is known, among 100,000 processes", async () => {
  const merger = new EventMerger(() => Promise.resolve(), () => NOW);
  await merger.add("a", spawn(0, null));
  for (let index = 1; index <= 100_000; index++) {
    const source = index % 2 === 0 ? "a" : "b";
    for (const event of [spawn(index, index % 3 === 0 ? 0 : index - 1), ...end(index)]) {
      await merger.add(source, event);
    }
  }
  assertEquals([merger.exited, merger.waits, merger.has("b")], [100_000, 0, false]);
});

Deno.test("add() resolves when the sink has taken the event, so that a slow one slows its node", async () => {
  let go = () => {};
  const merger = new EventMerger(() => new Promise((resolve) => go = resolve));
  let done = false;
  const added = merger.add("a", spawn(0, null)).then(() => done = true);
  await Promise.resolve();
  assertEquals(done, false);
  go();
  await added;
});

Deno.test("lose() completes the events of a process, once", async () => {
  const { events, merger } = collector();
  await merger.add("a", spawn(0, null));
  await merger.add("a", { event: "eof", pid: pidOf(0), fd: 2 });
  await merger.lose(known(0, null), "node x is gone");
  await merger.lose(known(0, null), "again");
  // Output from before the loss was noticed is not reported.
  for (const event of [output(0), ...end(0)]) await merger.add("a", event);
  assertEquals(events, [
    spawn(0, null),
    { event: "eof", pid: pidOf(0), fd: 2 },
    { event: "eof", pid: pidOf(0), fd: 1 },
    { event: "exit", pid: pidOf(0), status: { lost: "node x is gone" }, time: NOW },
  ]);
  assertEquals(merger.exited, 1);
});

Deno.test("lose() of an unreported process waits for its parent, and reports all of its events", async () => {
  const { events, merger } = collector();
  const lost = merger.lose(known(1, 0), "gone");
  assertEquals(events, []);
  await merger.add("a", spawn(0, null));
  await lost;
  // The connection of its node delivers its start only now.
  await merger.add("b", spawn(1, 0));
  for (const event of end(0)) await merger.add("a", event);
  checkOrder(events);
  assertEquals(events.filter(({ event }) => event === "spawn").length, 2);
});

Deno.test("a process that is both reported and lost while its parent is awaited appears once", async () => {
  const { events, merger } = collector();
  const added = merger.add("b", spawn(1, 0));
  const lost = merger.lose(known(1, 0), "gone");
  await merger.add("a", spawn(0, null));
  await Promise.all([added, lost]);
  for (const event of end(0)) await merger.add("a", event);
  checkOrder(events);
  assertEquals(lostStatus(events, 1), { lost: "gone" });
});

Deno.test("loseAll() loses the processes of one source, or all", async () => {
  const { events, merger } = collector();
  await merger.add("a", spawn(0, null));
  await merger.add("b", spawn(1, 0));
  assertEquals([merger.has("a"), merger.has("b"), merger.has("c")], [true, true, false]);
  await merger.loseAll("b broke", "b");
  assertEquals([merger.has("a"), merger.has("b")], [true, false]);
  assertEquals(lostStatus(events, 0), undefined);
  await merger.loseAll("all broke");
  checkOrder(events);
  assertEquals(lostStatus(events, 1), { lost: "b broke" });
  assertEquals(lostStatus(events, 0), { lost: "all broke" });
});

Deno.test("release() releases sources that wait for unreported processes", async () => {
  const { events, merger } = collector();
  let changes = 0;
  merger.onChange(() => changes++);
  const added = merger.add("b", spawn(1, 0));
  assertEquals([merger.waits, changes], [1, 1]);
  merger.release();
  await added;
  assertEquals([merger.waits, events.length], [0, 1]);
});

Deno.test("merged events are in order, for any order between nodes and any losses", async () => {
  await forSeeds(200, async (random) => {
    const below = (limit: number) => random.integer(0, limit - 1);
    const count = 1 + below(30);
    const nodes = 1 + below(4);
    // One order of events for all processes; each node sees its part of them, in that order.
    const time: { node: number; index: number; event: RunEvent }[] = [];
    const parents: (number | null)[] = [];
    const rest: RunEvent[][] = [];
    for (let index = 0; index < count; index++) {
      const parent = index === 0 ? null : below(index);
      parents.push(parent);
      rest.push([output(index), output(index, 2), ...end(index)]);
      time.push({ node: below(nodes), index, event: spawn(index, parent) });
      for (let some = below(4); some > 0; some--) {
        const who = below(index + 1);
        const event = rest[who]?.shift();
        if (event !== undefined) {
          time.push({ node: time.find(({ index }) => index === who)!.node, index: who, event });
        }
      }
    }
    const nodeOf = (index: number) => time.find((entry) => entry.index === index)!.node;
    for (const [index, events] of rest.entries()) {
      for (const event of events) time.push({ node: nodeOf(index), index, event });
    }
    const cut = below(nodes + 1); // the node that is lost at some point, if any
    const cutAt = below(time.length);
    const { events, merger } = collector();
    const streams = Array.from({ length: nodes }, (_, node) => async () => {
      for (const [at, entry] of time.entries()) {
        if (entry.node !== node || (node === cut && at >= cutAt)) continue;
        for (let turns = below(5); turns > 0; turns--) await Promise.resolve();
        await merger.add(node, entry.event);
      }
    });
    const losses = Array.from({ length: count }, (_, index) => index)
      .filter((index) => nodeOf(index) === cut)
      .map((index) => async () => {
        for (let turns = below(40); turns > 0; turns--) await Promise.resolve();
        await merger.lose(known(index, parents[index]!), "gone");
      });
    await Promise.all([...streams, ...losses].map((run) => run()));
    checkOrder(events);
    assertEquals(merger.exited, count);
  });
});
