/** A run and its viewers: who gets what, who waits for whom, and what is kept. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { RunEvent } from "../../src/core/events.ts";
import { MemoryLog } from "../../src/run/memory_log.ts";
import { Run, type RunViewer } from "../../src/run/run.ts";
import { exitCodeOf } from "../../src/run/run_state.ts";
import {
  ended,
  EXAMPLE,
  FIRST,
  randomFrom,
  randomRun,
  spawned,
  wrote,
} from "../terminal/events.ts";

/** Runs everything that waits only for its turn. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Takes the parts of a viewer when the test says so. */
class Reader {
  readonly events: RunEvent[] = [];
  /** The offsets of its parts. */
  readonly from: number[] = [];
  readonly viewer: RunViewer;
  readonly #parts: AsyncGenerator<{ from: number; records: readonly { event: RunEvent }[] }>;

  constructor(viewer: RunViewer) {
    this.viewer = viewer;
    this.#parts = viewer[Symbol.asyncIterator]();
  }

  /** Takes one more part; resolves with whether there was one. */
  async take(): Promise<boolean> {
    const { value, done } = await this.#parts.next();
    if (done === true) return false;
    this.from.push(value.from);
    // Like a screen, it copies a part before it asks for the next one.
    for (const { event } of value.records) {
      this.events.push(event.event === "output" ? { ...event, bytes: event.bytes.slice() } : event);
    }
    return true;
  }

  async rest(): Promise<void> {
    while (await this.take());
  }
}

/** A run in memory, whose first process has been spawned and has written nothing. */
function startRun(options: { roomBytes: number; keepBytes?: number }): Run {
  const { roomBytes, keepBytes = 0 } = options;
  const run = new Run({ log: new MemoryLog({ keepBytes }), roomBytes });
  void run.append(spawned(null, FIRST));
  return run;
}

/** Whether a promise has already resolved. */
async function settled(promise: Promise<void>): Promise<boolean> {
  let is = false;
  void promise.then(() => is = true);
  await turn();
  return is;
}

Deno.test("a viewer is given every event in order, and ends with the run", async () => {
  const run = new Run({ log: new MemoryLog({ keepBytes: 0 }), roomBytes: 0 });
  const reader = new Reader(run.view());
  const reading = reader.rest();
  for (const event of EXAMPLE) await run.append(event);
  run.close();
  await reading;
  assertEquals(reader.events, EXAMPLE);
  assertEquals(reader.viewer.offset, EXAMPLE.length);
  assertEquals(exitCodeOf(run.state), 0);
});

Deno.test("a run that has no room waits until each event has been shown", async () => {
  const run = startRun({ roomBytes: 0 });
  const reader = new Reader(run.view(1));
  const bytes = new Uint8Array([97]);
  const first = run.append(wrote(FIRST, 1, bytes));
  await reader.take();
  assertEquals(await settled(first), false, "it has been given, and not yet shown");
  const next = reader.take();
  assertEquals(await settled(first), true);
  // Only now may the same memory be used again.
  bytes[0] = 98;
  void run.append(wrote(FIRST, 1, bytes));
  await next;
  assertEquals(reader.events, [wrote(FIRST, 1, "a"), wrote(FIRST, 1, "b")]);
});

Deno.test("an event that arrives while others are shown delays none of them", async () => {
  const run = startRun({ roomBytes: 0 });
  const reader = new Reader(run.view(1));
  const first = run.append(wrote(FIRST, 1, "a"));
  await reader.take();
  const second = run.append(wrote(FIRST, 2, "b"));
  await reader.take();
  assertEquals([await settled(first), await settled(second)], [true, false]);
});

Deno.test("a run continues while its only viewer is within the allowed room", async () => {
  const run = startRun({ roomBytes: 10_000 });
  const reader = new Reader(run.view(1));
  const event = () => run.append(wrote(FIRST, 1, new Uint8Array(4_000).fill(97)));
  assertEquals([await settled(event()), await settled(event())], [true, true]);
  const third = event();
  assertEquals(await settled(third), false);
  await reader.take();
  void reader.take();
  assertEquals(await settled(third), true);
});

Deno.test("bytes that are kept are not those that the reporter writes to next", async () => {
  const run = startRun({ roomBytes: 10_000 });
  const reader = new Reader(run.view(1));
  const bytes = new Uint8Array([97]);
  await run.append(wrote(FIRST, 1, bytes));
  bytes[0] = 98;
  await run.append(wrote(FIRST, 1, bytes));
  await reader.take();
  assertEquals(reader.events, [wrote(FIRST, 1, "a"), wrote(FIRST, 1, "b")]);
});

Deno.test("without a viewer nothing waits, and the kept events are bounded", async () => {
  const run = startRun({ roomBytes: 0, keepBytes: 1_000 });
  for (let count = 0; count < 1_000; count++) await run.append(wrote(FIRST, 1, "a line"));
  const reader = new Reader(run.view());
  run.close();
  await reader.rest();
  assert(reader.events.length > 0 && reader.events.length < 10, `${reader.events.length} are kept`);
});

Deno.test("a slow viewer slows the run only while it is the only one", async () => {
  const run = startRun({ roomBytes: 1_000 });
  const slow = new Reader(run.view(1));
  const [fast, event] = [
    new Reader(run.view(1)),
    () => run.append(wrote(FIRST, 1, new Uint8Array(900))),
  ];
  const reading = fast.rest();
  for (let count = 0; count < 20; count++) assertEquals(await settled(event()), true, `${count}`);
  fast.viewer.close();
  await reading;
  const waiting = event();
  assertEquals(await settled(waiting), false);
  slow.viewer.close();
  assertEquals(await settled(waiting), true, "with nobody left it goes on");
});

Deno.test("a viewer that is left behind gets the remaining events with their offset", async () => {
  const run = startRun({ roomBytes: 1_000 });
  const [slow, fast] = [new Reader(run.view(1)), new Reader(run.view(1))];
  const reading = fast.rest();
  for (let count = 0; count < 20; count++) await run.append(wrote(FIRST, 1, `${count} `));
  await turn();
  const last = run.append(wrote(FIRST, 1, "last"));
  await slow.take();
  assertEquals([slow.from, slow.events.at(-1)], [[21], wrote(FIRST, 1, "last")]);
  void slow.take();
  await turn();
  assertEquals([slow.viewer.offset, slow.viewer.lagBytes], [22, 0]);
  await last;
  run.close();
  await reading;
  assertEquals(fast.events.length, 21);
});

Deno.test("a viewer may come at any time, and go on where another one stopped", async () => {
  const run = new Run({ log: new MemoryLog({ keepBytes: 1e9 }), roomBytes: 0 });
  const events = randomRun(randomFrom(3), 8);
  const half = Math.floor(events.length / 2);
  for (const event of events.slice(0, half)) await run.append(event);
  const early = new Reader(run.view());
  await early.take();
  const { offset } = early.viewer;
  early.viewer.close();
  assertEquals([early.events, offset], [events.slice(0, half), 0], "given is not yet shown");
  for (const event of events.slice(half)) await run.append(event);
  run.close();
  const late = new Reader(run.view(half));
  await late.rest();
  assertEquals([...early.events, ...late.events], events);
});

Deno.test("many viewers at many speeds all see the same events", async () => {
  for (const seed of [1, 2, 3, crypto.getRandomValues(new Uint32Array(1))[0]!]) {
    const random = randomFrom(seed);
    const run = new Run({ log: new MemoryLog({ keepBytes: 1e9 }), roomBytes: 2_000 });
    const events = randomRun(random, 12);
    const readers = Array.from({ length: 4 }, () => new Reader(run.view()));
    const reading = readers.map(async (reader) => {
      do for (let turns = random() * 5; turns > 0; turns--) await Promise.resolve(); while (
        await reader.take()
      );
    });
    for (const event of events) await run.append(event);
    run.close();
    await Promise.all(reading);
    for (const { events: seen } of readers) assertEquals(seen, events, `seed ${seed}`);
  }
});

Deno.test("an impossible event is refused and not shown", () => {
  const run = startRun({ roomBytes: 0 });
  assertThrows(() => run.append(spawned(null, FIRST)), Error, "is running");
  for (const event of ended(FIRST)) void run.append(event);
  assertThrows(() => run.append(wrote(FIRST, 1, "late")), Error, "is not running");
});
