/** An event in its two forms. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { EventRecord } from "../../src/run/event_record.ts";
import { eventBody } from "../../src/wire/event_messages.ts";
import { EXAMPLE, FIRST, wrote } from "../terminal/events.ts";

Deno.test("EventRecord gives an event that came as bytes on as those very bytes", () => {
  for (const event of EXAMPLE) {
    const body = eventBody(event);
    const record = EventRecord.from(body);
    assert(record.body === body && record.owned() === record);
    assertEquals(record.event, event);
    assert(record.event === record.event, "it is decoded once");
  }
});

Deno.test("EventRecord gives an event that came as a value as that very value", () => {
  for (const event of EXAMPLE) {
    const record = EventRecord.of(event);
    assert(record.event === event);
    assertEquals(EventRecord.from(record.body).event, event);
    assert(record.body === record.body, "it is encoded once");
  }
});

Deno.test("owned() keeps the bytes of an output that are written over afterwards", () => {
  const bytes = new TextEncoder().encode("before");
  const owned = EventRecord.of(wrote(FIRST, 1, bytes)).owned();
  bytes.fill(0);
  assertEquals(owned.event, wrote(FIRST, 1, "before"));
});
