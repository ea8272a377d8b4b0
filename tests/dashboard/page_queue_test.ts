/** What waits for a page: bounded, in order, and told if something is left out. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import type { PageEvent, ServerToPage } from "../../src/dashboard/messages.ts";
import { PageQueue } from "../../src/dashboard/page_queue.ts";
import { FIRST, testPid } from "../terminal/events.ts";

function output(text: string): PageEvent {
  return { event: "output", pid: FIRST, fd: 1, text, time: 1 };
}

function spawn(number: number): PageEvent {
  const pid = testPid(number.toString(16).padStart(7, "0"));
  return { event: "spawn", pid, parent: FIRST, name: "worker", node: null, time: 1 };
}

/** Takes all that is there, as a page that keeps up. */
function drain(queue: PageQueue): ServerToPage[] {
  const messages: ServerToPage[] = [];
  for (let message = queue.next(); message !== undefined; message = queue.next()) {
    messages.push(message);
    queue.taken(1);
  }
  return messages;
}

function eventsIn(messages: readonly ServerToPage[]): PageEvent[] {
  return messages.flatMap((message) => message.type === "events" ? message.events : []);
}

Deno.test("events come in order, after the message that says of which run they are", () => {
  const queue = new PageQueue();
  queue.show("bafo-kine");
  const events = [spawn(1), output("a"), spawn(2), output("b")];
  for (const event of events) queue.add(event);
  const messages = drain(queue);
  assertEquals(messages[0], { type: "showing", run: "bafo-kine" });
  assertEquals(eventsIn(messages), events);
  assertEquals(drain(queue), []);
});

Deno.test("output that comes too fast is left out, the oldest first, and the page is told", () => {
  const queue = new PageQueue();
  queue.show("bafo-kine");
  queue.add(spawn(1));
  for (let count = 0; count < 40; count++) queue.add(output(String(count).padEnd(100_000)));
  queue.add(spawn(2));
  const events = eventsIn(drain(queue));
  const kept = events.flatMap((event) => event.event === "output" ? event.text.trimEnd() : []);
  assertEquals(kept, Array.from({ length: 10 }, (_, index) => String(30 + index)));
  assertEquals(events[0], { event: "missing", events: 0, bytes: 3_000_000 });
  assertEquals(events.filter(({ event }) => event === "spawn"), [spawn(1), spawn(2)]);
});

Deno.test("starts and ends are never left out: their source waits", () => {
  const queue = new PageQueue();
  queue.show("bafo-kine");
  let count = 0;
  while (queue.room) queue.add(spawn(count++));
  assert(count >= 10_000 && count <= 100_000, `${count}`);
  assertEquals(eventsIn(drain(queue)).length, count);
  assert(queue.room);
});

Deno.test("a page that takes nothing is sent a few messages, and then nothing", () => {
  const queue = new PageQueue();
  queue.show("bafo-kine");
  let sent = 0;
  for (let round = 0; round < 100; round++) {
    queue.add(output("x"));
    while (queue.next() !== undefined) sent++;
  }
  assertEquals(sent, 8);
  queue.taken(1);
  assertEquals(queue.next()?.type, "events");
  assertEquals(queue.next(), undefined);
});

Deno.test("of lists that replace each other the last one waits, and each answer does", () => {
  const queue = new PageQueue();
  queue.tell({ type: "cluster", runs: [], nodes: [] });
  queue.tell({ type: "answer", request: 1, failed: false, text: "one" });
  queue.tell({ type: "answer", request: 2, failed: false, text: "two" });
  queue.tell({ type: "problem", text: "first" });
  queue.tell({ type: "problem", text: "second" });
  const messages = drain(queue);
  assertEquals(messages.map(({ type }) => type), ["cluster", "answer", "answer", "problem"]);
  assertEquals(messages.at(-1), { type: "problem", text: "second" });
});

Deno.test("of a run that is no longer looked at nothing is sent", () => {
  const queue = new PageQueue();
  queue.show("bafo-kine");
  queue.add(output("old"));
  queue.tell({ type: "samples", run: "bafo-kine", atMs: 1, processes: [] });
  queue.show("tefu-bisi");
  queue.add(output("new"));
  const messages = drain(queue);
  assertEquals(messages.map(({ type }) => type), ["showing", "events"]);
  assertEquals(eventsIn(messages), [output("new")]);
});

Deno.test("changed() resolves when there is something to send, or the page has taken something", async () => {
  const queue = new PageQueue();
  const added = queue.changed();
  queue.add(output("x"));
  await added;
  const taken = queue.changed();
  queue.taken(1);
  await taken;
});
