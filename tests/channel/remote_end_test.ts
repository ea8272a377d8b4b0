/** How a process learns of the end of another one, and when it relies on that. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { type Reply, Verdict } from "../../src/channel/greeting.ts";
import {
  absenceEnd,
  type End,
  EndWatch,
  refusalEnd,
  statusEnd,
} from "../../src/channel/remote_end.ts";
import type { ExitStatus } from "../../src/core/exit_status.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { test, turns, until } from "./pair.ts";

Deno.test("a process exits with success, fails with another code, or is lost", () => {
  const table: [ExitStatus, End["kind"], string][] = [
    [{ code: 0 }, "exited", "the process has ended"],
    [{ code: 1 }, "failed", "the process failed: exit code 1"],
    [{ signal: "SIGKILL" }, "lost", "the process was lost: SIGKILL"],
    [{ killed: "memory" }, "lost", "the process was lost: killed: memory"],
    [{ lost: "silence" }, "lost", "the process was lost: lost: silence"],
  ];
  for (const [status, kind, why] of table) {
    assertEquals(statusEnd(status), { kind, why, status, absent: true });
  }
});

Deno.test("a process that exited is lost to its channels if what it sent could not be delivered", () => {
  const lost = "what it sent could not be delivered: no space left";
  for (const code of [0, 3]) {
    assertEquals(statusEnd({ code, undelivered: "no space left" }), {
      kind: "lost",
      why: `the process was lost: lost: ${lost}`,
      status: { lost },
      absent: true,
    });
  }
});

Deno.test("a refusal shows an end, or that the node has to be asked", () => {
  const table: [Reply, End["kind"] | undefined, End["kind"] | undefined][] = [
    [{ verdict: Verdict.unknown, number: 0 }, undefined, "exited"],
    [{ verdict: Verdict.ending, number: 0 }, "exited", "exited"],
    [{ verdict: Verdict.ending, number: 3 }, "failed", "failed"],
    [{ verdict: Verdict.gone, number: 0 }, "lost", "lost"],
  ];
  for (const [reply, living, posthumous] of table) {
    assertEquals(refusalEnd(reply, false)?.kind, living);
    assertEquals(refusalEnd(reply, true)?.kind, posthumous);
  }
});

Deno.test("a missing process counts as an end only for a will, and a silent host never does", () => {
  const table: [Error, End["kind"] | undefined][] = [
    [new Deno.errors.ConnectionRefused("nobody listens"), "exited"],
    [new ProtocolError("it has a different secret"), "exited"],
    [new DOMException("the host is silent", "AbortError"), undefined],
    [new Deno.errors.ConnectionReset("it broke"), undefined],
  ];
  for (const [error, posthumous] of table) {
    assertEquals(absenceEnd(error, false), undefined);
    assertEquals(absenceEnd(error, true)?.kind, posthumous);
  }
});

/** A watch, the questions to its node and the answers, and its reports. */
function watched() {
  const status = Promise.withResolvers<ExitStatus>();
  const seen = { asked: 0, joined: false, ends: [] as End[] };
  const watch = new EndWatch({
    status: () => {
      seen.asked++;
      return status.promise;
    },
    joined: () => seen.joined,
    ended: (end) => seen.ends.push(end),
  });
  return { watch, status, seen };
}

test("the node is asked once, for a reason or after a while", async () => {
  const { watch, seen } = watched();
  assertEquals(seen.asked, 0);
  watch.ask();
  watch.ask();
  assertEquals(seen.asked, 1);

  const [quiet, stopped] = [watched(), watched()];
  stopped.watch.stop();
  await until(() => quiet.seen.asked > 0, "a question without a reason");
  stopped.watch.ask();
  assertEquals([seen.asked, quiet.seen.asked, stopped.seen.asked], [1, 1, 0]);
});

test("without a connection an end is reported at once", async () => {
  const { watch, status, seen } = watched();
  watch.ask();
  status.resolve({ signal: "SIGKILL" });
  await turns();
  assertEquals(seen.ends, [{
    kind: "lost",
    why: "the process was lost: SIGKILL",
    status: { signal: "SIGKILL" },
    absent: true,
  }]);
});

test("a process that its node does not know is lost, with the node's reason", async () => {
  const { watch, status, seen } = watched();
  seen.joined = true;
  watch.ask();
  status.reject(new Error("there is no such process"));
  await turns();
  const why = "there is no such process";
  assertEquals(seen.ends, [{ kind: "lost", why, absent: true, unknown: true }]);
});

test("an end is reported when the connection is over, after the data in it", async () => {
  const { watch, status, seen } = watched();
  seen.joined = true;
  watch.ask();
  watch.parted(); // and joined again, before the node answers
  status.resolve({ code: 3 });
  await turns();
  assertEquals(seen.ends, []);
  watch.parted();
  assertEquals(seen.ends, [statusEnd({ code: 3 })]);
});

test("the connection of a lost host never ends, and is not waited for for long", async () => {
  const { watch, status, seen } = watched();
  seen.joined = true;
  watch.ask();
  status.resolve({ lost: "silence" });
  for (let count = 0; count < 10; count++) await null; // the watch is told, and no time passes
  assertEquals(seen.ends, []);
  await until(() => seen.ends.length > 0, "the end");
  assertEquals(seen.ends, [statusEnd({ lost: "silence" })]);
});
