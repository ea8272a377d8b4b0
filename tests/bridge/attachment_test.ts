/** A viewer of a run, over links that are lost and replaced, with a clock moved by hand. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import {
  Attachment,
  type AttachmentOptions,
  type DeployLink,
} from "../../src/bridge/attachment.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { MemoryLog } from "../../src/run/memory_log.ts";
import { Run } from "../../src/run/run.ts";
import { eventOf } from "../../src/wire/event_messages.ts";
import type { BridgeToDeploy } from "../../src/wire/run_messages.ts";
import { ManualClock } from "../net/manual_clock.ts";

/** A link that records what is sent: the texts of events, and the types of other messages. */
class FakeLink {
  readonly sent: string[] = [];
  over = false;

  send(message: BridgeToDeploy): Promise<void> {
    if (!this.over) {
      this.sent.push(message.type === "missing" ? `missing ${message.events}` : message.type);
    }
    return Promise.resolve();
  }

  sendBody(body: Uint8Array<ArrayBuffer>): Promise<void> {
    const event = eventOf(body);
    if (!this.over) this.sent.push("text" in event ? event.text : event.event);
    return Promise.resolve();
  }

  matters(): void {}

  drop(): void {
    this.over = true;
  }

  asLink(): DeployLink {
    return this as unknown as DeployLink;
  }
}

function makeRun(options: Partial<AttachmentOptions> = {}, keepBytes = 1e6, roomBytes = 1e6) {
  const clock = new ManualClock();
  const told: (number | "gone")[] = [];
  const run = new Run({ log: new MemoryLog({ keepBytes }), roomBytes });
  const shown = { view: (at: number) => run.view(at), waits: () => Promise.resolve([]) };
  const attachment = new Attachment(shown, {
    ...{ waitMs: 30_000, clock },
    lost: (ms) => told.push(ms),
    gone: () => told.push("gone"),
    ...options,
  });
  const say = (text: string) => void run.append({ event: "said", text, time: 1 });
  return { attachment, clock, run, say, told };
}

/** Lets what is sent be sent. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

Deno.test("an attachment goes on where the viewer was, on a link that replaces a lost one", async () => {
  const { attachment, clock, say, told } = makeRun();
  const [one, two] = [new FakeLink(), new FakeLink()];
  say("a");
  attachment.begin(one.asLink());
  say("b");
  await turns();
  assertEquals(one.sent, ["a", "b"]);
  one.drop();
  attachment.left(one.asLink(), false);
  say("c");
  clock.advance(29_999);
  attachment.resume(two.asLink(), 1); // it has not got the second one
  await turns();
  say("d");
  await turns();
  assertEquals(two.sent, ["resumed", "b", "c", "d"]);
  assertEquals(told, [0]);
  attachment.take({ type: "bye" });
  assertEquals([told, clock.timers, two.over], [[0, "gone"], 0, true]);
});

Deno.test("a run waits for the deploy that started it and is lost, and for nobody else", async () => {
  for (const holdsPlace of [true, false]) {
    const { attachment, run } = makeRun({ holdsPlace }, 1e6, 100);
    const link = new FakeLink();
    attachment.begin(link.asLink());
    link.drop();
    attachment.left(link.asLink(), false);
    let hasRoom = false;
    void run.append({ event: "said", text: "a", time: 1 }).then(() => hasRoom = true);
    await turns();
    assertEquals(hasRoom, !holdsPlace);
    attachment.take({ type: "bye" });
    await turns();
    assertEquals(hasRoom, true);
  }
});

Deno.test("an attachment whose link is silently dead is taken over by another link", async () => {
  const { attachment, say, told } = makeRun();
  const [one, two] = [new FakeLink(), new FakeLink()];
  attachment.begin(one.asLink());
  attachment.resume(two.asLink(), 0);
  attachment.left(one.asLink(), false); // noticed later
  say("a");
  await turns();
  assertEquals([one.over, two.sent, told], [true, ["resumed", "a"], []]);
  attachment.take({ type: "bye" });
});

Deno.test("an attachment is gone when its time is up, or it breaks the protocol", () => {
  {
    const { attachment, clock, told } = makeRun();
    const link = new FakeLink();
    attachment.begin(link.asLink());
    attachment.left(link.asLink(), false);
    clock.advance(30_000);
    assertEquals(told, [0, 30_000, "gone"]);
  }
  const { attachment, told } = makeRun();
  const link = new FakeLink();
  attachment.begin(link.asLink());
  attachment.left(link.asLink(), true);
  assertEquals(told, ["gone"]);
});

Deno.test("the last message comes after all events, also on another link", async () => {
  const { attachment, run, say } = makeRun();
  const [one, two] = [new FakeLink(), new FakeLink()];
  say("a");
  attachment.begin(one.asLink());
  run.close();
  attachment.finish({ type: "over", code: 3 });
  await turns();
  assertEquals(one.sent, ["a", "over"]);
  one.drop();
  attachment.left(one.asLink(), false);
  attachment.resume(two.asLink(), 0);
  await turns();
  assertEquals(two.sent, ["resumed", "a", "over"]);
  attachment.take({ type: "bye" });
});

Deno.test("a viewer is told how many events are no longer kept", async () => {
  const { attachment, say } = makeRun({}, 600);
  const link = new FakeLink();
  for (const text of ["a", "b", "c", "d"]) say(text);
  attachment.begin(link.asLink());
  await turns();
  assertEquals(link.sent, ["missing 2", "c", "d"]);
  attachment.take({ type: "bye" });
});

Deno.test("only the deploy that started a run may stop or leave it", () => {
  const { attachment } = makeRun();
  for (
    const message of [
      { type: "stop", signal: "SIGTERM", graceMs: 1 },
      { type: "detach" },
      { type: "stdin-end" },
      { type: "resume", token: "x", from: 0 },
    ] as const
  ) assertThrows(() => attachment.take(message), ProtocolError, "out of order");

  const done: string[] = [];
  const owner = makeRun({ stop: () => done.push("stop"), detach: () => done.push("detach") });
  const link = new FakeLink();
  owner.attachment.begin(link.asLink());
  owner.attachment.take({ type: "stop", signal: "SIGTERM", graceMs: 1 });
  owner.attachment.take({ type: "detach" });
  assertEquals([done, link.sent], [["stop", "detach"], ["detached"]]);
  owner.attachment.take({ type: "bye" });
});
