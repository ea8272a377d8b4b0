/** Stdin that is sent as it is wanted, and again on another link. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { StdinSender } from "../../src/cli/stdin_sender.ts";
import type { StdinWanted } from "../../src/wire/run_messages.ts";

function makeSender() {
  const sent: string[] = [];
  const sender = new StdinSender((message) => {
    sent.push(message.type === "stdin" ? new TextDecoder().decode(message.bytes) : "end");
  });
  return { sender, sent };
}

const bytes = (text: string) => new TextEncoder().encode(text);

/** Whether a promise is resolved by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => done = true);
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  return done;
}

Deno.test("StdinSender sends again exactly what was not received", async () => {
  const table: [received: number, taken: number, again: string[]][] = [
    [0, 0, ["abc", "def"]],
    [2, 0, ["c", "def"]],
    [3, 3, ["def"]],
    [4, 3, ["ef"]],
    [6, 0, []],
    [6, 6, []],
  ];
  for (const [received, taken, again] of table) {
    const { sender, sent } = makeSender();
    await sender.write(bytes("abc"));
    await sender.write(bytes("def"));
    sender.end();
    assertEquals(sent.splice(0), ["abc", "def", "end"]);
    sender.resume({ received, taken, ended: false, wanted: "no" });
    assertEquals(sent.splice(0), [...again, "end"]);
    sender.resume({ received: 6, taken, ended: true, wanted: "no" });
    assertEquals(sent, []);
  }
});

Deno.test("StdinSender reads on after a lost link, unless what was wanted is on its way", async () => {
  const table: [what: string, wanted: StdinWanted, received: number, isWanted: boolean][] = [
    ["a request was lost", "some", 3, true],
    ["what answers it was lost", "some", 0, false],
    ["it wants all", "all", 0, true],
    ["it wants nothing", "no", 3, false],
  ];
  for (const [what, wanted, received, isWanted] of table) {
    const { sender } = makeSender();
    sender.want("some");
    await sender.wanted();
    await sender.write(bytes("abc"));
    sender.resume({ received, taken: 0, ended: false, wanted });
    assertEquals(await isDone(sender.wanted()), isWanted, what);
  }
  const { sender } = makeSender();
  sender.want("some");
  await sender.wanted();
  // It is being read.
  sender.resume({ received: 0, taken: 0, ended: false, wanted: "some" });
  await sender.write(bytes("abc"));
  assertEquals(await isDone(sender.wanted()), false);
});

Deno.test("StdinSender waits while much is not taken, until it is closed", async () => {
  const { sender } = makeSender();
  const writing = sender.write(new Uint8Array(128 * 1024));
  assertEquals(await isDone(writing), false);
  sender.taken(1);
  assertEquals(await isDone(writing), true);
  const more = sender.write(bytes("xx"));
  assertEquals(await isDone(more), false);
  sender.close();
  assertEquals(await isDone(more), true);
});
