// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type AskOptions, Conversation } from "../../src/net/conversation.ts";
import { type FailedMessage, orThrow } from "../../src/wire/control.ts";
import { ProtocolError, SpawnError } from "../../src/core/errors.ts";

type Question =
  | { type: "add"; request: number; left: number; right: number }
  | { type: "look"; request: number; where: string }
  | { type: "cancel"; request: number };

interface Answers {
  add: { type: "sum"; request: number; value: number };
  look: { type: "found" | "missing"; request: number };
}

function setUp() {
  const sent: Question[] = [];
  const conversation = new Conversation<Question, Answers>(
    { add: ["sum"], look: ["found", "missing"] },
    (question) => sent.push(question),
  );
  const add = (left: number, options: AskOptions<Answers["add"] | FailedMessage> = {}) =>
    conversation.ask({ type: "add", left, right: 1 }, options);
  return { sent, conversation, add };
}

const sum = (request: number, value: number) => ({ type: "sum" as const, request, value });
const failed = (request: number): FailedMessage => {
  return { type: "failed", request, reason: "no-capacity", message: "full" };
};

Deno.test("ask() numbers questions, and resolves with their answers, in whatever order those come", async () => {
  const { sent, conversation, add } = setUp();
  const asked = [add(1), add(2), add(3)] as const;
  const looked = conversation.ask({ type: "look", where: "there" });
  assertEquals(sent, [
    { type: "add", request: 0, left: 1, right: 1 },
    { type: "add", request: 1, left: 2, right: 1 },
    { type: "add", request: 2, left: 3, right: 1 },
    { type: "look", request: 3, where: "there" },
  ]);
  conversation.answer({ type: "missing", request: 3 });
  conversation.answer(sum(1, 3));
  conversation.answer(failed(2));
  conversation.answer(sum(0, 2));
  assertEquals(await looked, { type: "missing", request: 3 });
  assertEquals(await asked[0], { type: "sum", request: 0, value: 2 });
  assertEquals(await asked[1], { type: "sum", request: 1, value: 3 });
  assertEquals(await asked[2], failed(2));
  const error = await assertRejects(async () => orThrow(await asked[2]), SpawnError, "full");
  assertEquals(error.reason, "no-capacity");
});

Deno.test("an answer without a request, of another type, or a second one, is refused", async () => {
  const { conversation, add } = setUp();
  assertThrows(() => conversation.answer(sum(0, 1)), ProtocolError, '"sum"');
  assertThrows(() => conversation.answer(failed(0)), ProtocolError, '"failed"');
  assertThrows(() => conversation.news({ type: "waits", request: 0 }), ProtocolError, '"waits"');
  const asked = add(1);
  assertThrows(() => conversation.answer({ type: "found", request: 0 }), ProtocolError, "found");
  conversation.answer(sum(0, 2));
  await asked;
  assertThrows(() => conversation.answer(sum(0, 2)), ProtocolError, "answers no request");
  assertThrows(() => conversation.news({ type: "waits", request: 0 }), ProtocolError);
});

Deno.test("take gets the answer before the next message is handled, and news before it", async () => {
  const { conversation, add } = setUp();
  const order: string[] = [];
  const asked = add(1, { take: ({ type }) => order.push(type), onNews: () => order.push("news") });
  conversation.news({ type: "waits", request: 0 });
  conversation.answer(sum(0, 2));
  order.push("next");
  assertEquals(order, ["news", "sum", "next"]);
  await asked;
});

Deno.test("an aborted signal cancels a question once, and not one that is answered", async () => {
  const { sent, conversation, add } = setUp();
  const early = new AbortController();
  const late = new AbortController();
  const asked = add(1, { signal: early.signal });
  const answered = add(2, { signal: late.signal });
  early.abort();
  const cancelled = add(3, { signal: early.signal });
  conversation.answer(sum(1, 3));
  late.abort();
  assertEquals(sent.filter(({ type }) => type === "cancel"), [
    { type: "cancel", request: 0 },
    { type: "cancel", request: 2 },
  ]);
  // It is still answered.
  for (const request of [0, 2]) conversation.answer(sum(request, 9));
  for (const each of [asked, answered, cancelled]) assertEquals((await each).type, "sum");
});

Deno.test("end() rejects pending and later requests with its reason", async () => {
  const { sent, conversation, add } = setUp();
  const pending = [add(1), add(2)];
  conversation.end(new Error("gone"));
  conversation.end(new Error("gone again"));
  for (const each of [...pending, add(3)]) await assertRejects(() => each, Error, "gone");
  assertEquals(sent.length, 2);
  // The last messages of the other side are not handled.
  assertThrows(() => conversation.answer(sum(0, 2)), ProtocolError);
});

Deno.test("a request that cannot be sent rejects, and is not pending", async () => {
  const refuse = () => {
    throw new RangeError("too large");
  };
  const conversation = new Conversation<Question, Answers>({ add: ["sum"], look: [] }, refuse);
  await assertRejects(
    () => conversation.ask({ type: "add", left: 1, right: 1 }),
    RangeError,
    "too large",
  );
  assertThrows(() => conversation.answer(sum(0, 2)), ProtocolError);
});
