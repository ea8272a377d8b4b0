/** wait(), selectableWait() and kill(): their requests to the node, and the results of the answers. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { after, select } from "../../src/channel/select.ts";
import type { Pid } from "../../src/core/pid.ts";
import { kill, type KillOptions, selectableWait, wait } from "../../src/process/wait.ts";
import { type Answer, asked, OTHER, OWN } from "./asked.ts";

Deno.test("wait() resolves with the status, and rejects with the node's message", async () => {
  const requests = await asked({ type: "ended", status: { signal: "SIGKILL" } }, async () => {
    assertEquals(await wait(OTHER), { signal: "SIGKILL" });
  });
  assertEquals(requests, [
    { type: "wait", request: 0, pid: OTHER },
    { type: "noticed", pid: OTHER },
  ]);
  const message = `Cannot wait for ${OTHER}: there is no such process`;
  await asked({ type: "failed", reason: "unknown", message }, async () => {
    await assertRejects(() => wait(OTHER), Error, message);
  });
});

Deno.test("wait() resolves with a process's own status, also if what it sent could not be delivered", async () => {
  const answer = { type: "ended", status: { code: 3, undelivered: "why" } } as const;
  await asked(() => answer, async () => {
    assertEquals(await wait(OTHER), { code: 3 });
    assertEquals(await select([selectableWait(OTHER)]), { index: 0, value: { code: 3 } });
  });
});

Deno.test("wait() refuses invalid Pids, and this process itself", async () => {
  await asked({ type: "ended", status: { code: 0 } }, async () => {
    await assertRejects(() => wait("3" as Pid), TypeError, 'Cannot wait for "3": it is not a Pid');
    await assertRejects(() => wait(undefined as unknown as Pid), TypeError, "undefined");
    await assertRejects(() => wait(OWN), Error, "it is this process");
    assertThrows(() => selectableWait("3" as Pid), TypeError, 'wait for "3": it is not a Pid');
    assertThrows(() => selectableWait(OWN), Error, "it is this process");
    const wrong = (options: unknown) => () => wait(OTHER, options as { signal?: AbortSignal });
    await assertRejects(wrong({ sginal: 1 }), TypeError, '"sginal"; did you mean "signal"?');
    await assertRejects(wrong({ signal: 1 }), TypeError, "signal is 1, not an AbortSignal");
  });
});

Deno.test("a success that wait() gives is not noticed", async () => {
  const messages = await asked({ type: "ended", status: { code: 0 } }, async () => {
    assertEquals(await wait(OTHER), { code: 0 });
  });
  assertEquals(messages, [{ type: "wait", request: 0, pid: OTHER }]);
});

Deno.test("an aborted wait() no longer keeps the process alive, and leaves one request pending", async () => {
  const ended = Promise.withResolvers<Answer>();
  const messages = await asked(() => ended.promise, async (hold) => {
    const reason = new Error("enough");
    await assertRejects(() => wait(OTHER, { signal: AbortSignal.abort(reason) }), Error, "enough");
    const count = 100_000;
    let rejected = 0;
    for (let i = 0; i < count; i++) {
      const controller = new AbortController();
      const waiting = wait(OTHER, { signal: controller.signal });
      assertEquals(hold.count, 1);
      controller.abort(reason);
      await waiting.catch((error) => rejected += Number(error === reason));
      assertEquals(hold.count, 0);
    }
    assertEquals(rejected, count);
    // A waiter that is not cancelled gets the answer to the pending request.
    const controller = new AbortController();
    const waiting = wait(OTHER, { signal: controller.signal });
    ended.resolve({ type: "ended", status: { code: 3 } });
    assertEquals(await waiting, { code: 3 });
    controller.abort(reason);
    assertEquals(hold.count, 0);
  });
  assertEquals(messages, [
    { type: "wait", request: 0, pid: OTHER },
    { type: "noticed", pid: OTHER },
  ]);
});

/** Waits until an answer has arrived and been handled. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("a status without a waiter is not noticed", async () => {
  const ended = Promise.withResolvers<Answer>();
  const messages = await asked(() => ended.promise, async () => {
    const signal = AbortSignal.timeout(1);
    await assertRejects(() => wait(OTHER, { signal }), DOMException);
    ended.resolve({ type: "ended", status: { code: 3 } });
    await turns();
  });
  assertEquals(messages, [{ type: "wait", request: 0, pid: OTHER }]);
});

Deno.test("selectableWait() is ready from the end of the process on, and leaves nothing to whom it loses", async () => {
  const ended = Promise.withResolvers<Answer>();
  const messages = await asked(() => ended.promise, async (hold) => {
    const end = selectableWait(OTHER);
    for (let i = 0; i < 1_000; i++) {
      assertEquals((await select([selectableWait(OTHER), end, after(0)])).index, 2);
    }
    assertEquals(hold.count, 0);
    const selecting = select([end, after(60_000)]);
    ended.resolve({ type: "ended", status: { signal: "SIGTERM" } });
    assertEquals(await selecting, { index: 0, value: { signal: "SIGTERM" } });
    assertEquals(await select([end]), { index: 0, value: { signal: "SIGTERM" } });
  });
  assertEquals(messages, [
    { type: "wait", request: 0, pid: OTHER },
    { type: "noticed", pid: OTHER },
    { type: "noticed", pid: OTHER },
  ]);
  await asked({ type: "failed", reason: "unknown", message: "no such process" }, async (hold) => {
    hold.acquire();
    await assertRejects(() => select([selectableWait(OTHER)]), Error, "no such process");
    hold.release();
  });
});

Deno.test("kill() resolves when the node has done it, and rejects with its message", async () => {
  const requests = await asked({ type: "killed" }, async () => {
    assertEquals(await kill(OTHER), undefined);
    await assertRejects(() => kill("x" as Pid), TypeError, 'Cannot kill "x": it is not a Pid');
  });
  assertEquals(requests, [{
    type: "kill",
    request: 0,
    pid: OTHER,
    signal: null,
    graceMs: 3_000,
    descendants: false,
  }]);
  await asked({ type: "failed", reason: "unknown", message: "no such process" }, async () => {
    await assertRejects(() => kill(OTHER), Error, "no such process");
  });
});

Deno.test("kill() says how", async () => {
  const how: Required<KillOptions> = { signal: "SIGTERM", graceMs: 50, descendants: true };
  const [question] = await asked({ type: "killed" }, () => kill(OTHER, how));
  assertEquals(question, { type: "kill", request: 0, pid: OTHER, ...how });
});

Deno.test("kill() refuses invalid options, and sends nothing", async () => {
  const table: [unknown, typeof TypeError | typeof RangeError, string][] = [
    [{ grace: 5 }, TypeError, 'options has no "grace"; did you mean "graceMs"?'],
    [{ descendents: true }, TypeError, 'did you mean "descendants"?'],
    [{ signal: "SIGFOO" }, TypeError, 'there is no signal "SIGFOO"'],
    [{ signal: 15 }, TypeError, "there is no signal 15"],
    [{ descendants: "yes" }, TypeError, 'descendants is "yes", not a boolean'],
    [{ graceMs: "5" }, TypeError, 'graceMs is "5", not a number'],
    [{ graceMs: -1 }, RangeError, "graceMs is -1, and must be from 0 to 3600000"],
    [{ graceMs: NaN }, RangeError, "graceMs is NaN"],
    [{ graceMs: Infinity }, RangeError, "graceMs is Infinity"],
    [null, TypeError, "options is null, not an object"],
    ["SIGTERM", TypeError, "options is SIGTERM, not an object"],
  ];
  const messages = await asked({ type: "killed" }, async () => {
    for (const [options, type, message] of table) {
      await assertRejects(() => kill(OTHER, options as KillOptions), type, message);
    }
  });
  assertEquals(messages, []);
});
