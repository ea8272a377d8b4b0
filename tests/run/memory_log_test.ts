/** The log in memory: what it returns, and what it drops. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { EventRecord } from "../../src/run/event_record.ts";
import { MemoryLog } from "../../src/run/memory_log.ts";
import { FIRST, wrote } from "../terminal/events.ts";

const LARGE = Number.MAX_SAFE_INTEGER;

function recordOf(text: string): EventRecord {
  return EventRecord.of(wrote(FIRST, 1, text));
}

/** The texts that `log` returns from `offset` on, and the offset of the first one. */
function read(log: MemoryLog, offset: number, maxBytes = LARGE): [number, string[]] {
  const { from, records } = log.read(offset, maxBytes);
  const texts = records.map(({ event }) =>
    event.event === "output" ? new TextDecoder().decode(event.bytes) : ""
  );
  return [from, texts];
}

Deno.test("MemoryLog can be read after it is closed, by viewers that are behind", async () => {
  const log = new MemoryLog({ keepBytes: 1e6 });
  log.append(EventRecord.of({ event: "said", text: "a", time: 1 }));
  await log.close();
  assertEquals(log.read(0, 1e6).records.length, 1);
});

Deno.test("MemoryLog numbers its events from 0, and gives them from any of them on", () => {
  const log = new MemoryLog({ keepBytes: LARGE });
  assertEquals([log.start, log.end, read(log, 0)], [0, 0, [0, []]]);
  for (const text of ["a", "b", "c"]) log.append(recordOf(text));
  assertEquals([log.start, log.end], [0, 3]);
  assertEquals(read(log, 0), [0, ["a", "b", "c"]]);
  assertEquals(read(log, 2), [2, ["c"]]);
  assertEquals(read(log, 3), [3, []]);
});

Deno.test("MemoryLog returns at least one event, and no more than fit", () => {
  const log = new MemoryLog({ keepBytes: LARGE });
  const record = recordOf("aaaa");
  for (let count = 0; count < 4; count++) log.append(record);
  for (const [maxBytes, count] of [[0, 1], [record.size, 1], [2.5 * record.size, 2], [LARGE, 4]]) {
    assertEquals(read(log, 0, maxBytes)[1].length, count);
  }
});

Deno.test("MemoryLog drops only events that may be dropped, the oldest first", () => {
  const size = recordOf("a").size;
  const log = new MemoryLog({ keepBytes: 2 * size });
  for (const text of ["a", "b", "c", "d"]) log.append(recordOf(text));
  assertEquals([log.start, log.bytesFrom(0)], [0, 4 * size]);
  log.release(1);
  assertEquals(read(log, 0), [1, ["b", "c", "d"]]);
  log.release(4);
  assertEquals(read(log, 0), [2, ["c", "d"]]);
  log.append(recordOf("e"));
  assertEquals([log.start, log.end], [3, 5]);
  log.release(5);
  assertEquals(read(log, 0), [3, ["d", "e"]]);
  assertEquals([log.bytesFrom(0), log.bytesFrom(4), log.bytesFrom(5)], [2 * size, size, 0]);
});

Deno.test("MemoryLog that keeps nothing holds none of a million shown events", () => {
  const log = new MemoryLog({ keepBytes: 0 });
  const record = recordOf("a");
  for (let count = 1; count <= 1_000_000; count++) {
    log.append(record);
    // From time to time, a viewer that is a few thousand events behind.
    if (count % 3_000 === 0) log.release(count);
  }
  log.release(1_000_000);
  assertEquals([log.start, log.end, log.bytesFrom(0)], [1_000_000, 1_000_000, 0]);
});
