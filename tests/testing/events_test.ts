/** EventRecorder sorts the events of a run by process, and checks their order. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import type { Pid } from "../../src/core/pid.ts";
import { EventRecorder } from "../../src/testing/events.ts";

const ONE = `${"1".repeat(32)}@127.0.0.1:1` as Pid;
const TWO = `${"2".repeat(32)}@127.0.0.1:2` as Pid;
const TIME = "2026-01-31T12:00:00.123Z";

const spawn = (pid: Pid, parent: Pid | null) =>
  JSON.stringify({ event: "spawn", parent, pid, name: "main.ts", node: null, time: TIME });
const output = (pid: Pid, fd: 1 | 2, content: { text: string } | { base64: string }) =>
  JSON.stringify({ event: "output", pid, fd, ...content, time: TIME });
const eof = (pid: Pid, fd: 1 | 2) => JSON.stringify({ event: "eof", pid, fd });
const exit = (pid: Pid, code: number) =>
  JSON.stringify({ event: "exit", pid, status: { code }, time: TIME });
const end = (pid: Pid, code: number) => [eof(pid, 1), eof(pid, 2), exit(pid, code)];

function recorderOf(lines: readonly string[]): EventRecorder {
  const recorder = new EventRecorder();
  for (const line of lines) recorder.add(line);
  return recorder;
}

Deno.test("EventRecorder gives each process its output, and all together in order", () => {
  const recorder = recorderOf([
    spawn(ONE, null),
    output(ONE, 1, { text: "a\nb" }),
    spawn(TWO, ONE),
    output(TWO, 1, { text: "x\n" }),
    output(ONE, 1, { text: "c\n" }),
    output(TWO, 2, { base64: btoa("\xff!") }),
    ...end(TWO, 3),
  ]);
  assertEquals(recorder.text(1), "a\nbx\nc\n");
  assertEquals(recorder.text(2), "\ufffd!");
  const common = { name: "main.ts", node: null };
  const two = { ...common, pid: TWO, parent: ONE, stdout: "x\n", stderr: "\ufffd!" };
  assertEquals(recorder.processes(), [
    { ...common, pid: ONE, parent: null, stdout: "a\nbc\n", stderr: "", status: null },
    { ...two, status: { code: 3 } },
  ]);
  assertThrows(() => recorder.ended(), Error, `no exit of ${ONE} main.ts`);
});

Deno.test("EventRecorder.find() looks at lines one by one, unfinished ones too, from a line on", () => {
  const recorder = recorderOf([spawn(ONE, null), output(ONE, 1, { text: "one\ntw" })]);
  assertEquals(recorder.find(/^t/)?.match.input, "tw");
  assertEquals(recorder.find(/one\ntw/), undefined);
  const changed = recorder.add(output(ONE, 1, { text: "o\nthree\n" }));
  assertEquals(changed, { pid: ONE, fd: 1, from: 1 });
  assertEquals(recorder.find(/^two$/, changed)?.match.input, "two");
  assertEquals(recorder.find(/^three$/, changed)?.match.input, "three");
  assertEquals(recorder.find(/^one$/, changed), undefined);
});

Deno.test("EventRecorder refuses lines that are no events, and events that cannot come", () => {
  const begun = [spawn(ONE, null)];
  const cases: [readonly string[], string][] = [
    [["{"], "no event"],
    [[exit(ONE, 0)], "is not running"],
    [[...begun, spawn(ONE, null)], "is running"],
    [[...begun, spawn(TWO, null)], "cannot be the first process"],
    [[...begun, spawn(TWO, "3" as Pid)], "before its parent"],
    [[...begun, exit(ONE, 0)], "has not ended its stream"],
    [[...begun, eof(ONE, 1), output(ONE, 1, { text: "late" })], "has ended its stream 1"],
    [[...begun, ...end(ONE, 0), output(ONE, 1, { text: "late" })], "is not running"],
  ];
  for (const [lines, message] of cases) {
    assertThrows(() => recorderOf(lines), Error, message);
  }
});

Deno.test("EventRecorder skips kinds of events that it does not know", () => {
  const recorder = recorderOf(['{"event":"weather"}', spawn(ONE, null), ...end(ONE, 0)]);
  assertEquals(recorder.events.length, 4);
  assertEquals(recorder.ended().map(({ status }) => status), [{ code: 0 }]);
});
