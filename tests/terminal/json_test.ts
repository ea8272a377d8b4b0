/** The format for programs: exact lines. */

// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { RunEvent } from "../../src/core/events.ts";
import type { Segment } from "../../src/terminal/segment.ts";
import { JsonFormatter } from "../../src/terminal/json.ts";
import {
  ended,
  EXAMPLE,
  FIRST,
  randomFrom,
  randomRun,
  spawned,
  TIME,
  utf8,
  WORKER,
  wrote,
} from "./events.ts";

/** The lines for a run. */
function show(events: readonly RunEvent[]): string[] {
  const formatter = new JsonFormatter();
  const segments = events.flatMap((event) => formatter.format(event));
  assertEquals(segments.filter(({ fd }) => fd !== 1), [], "segments that are not for stdout");
  const text = new TextDecoder("utf-8", { fatal: true }).decode(
    concat(segments.map(({ bytes }) => bytes)),
  );
  return text.split("\n").slice(0, -1);
}

const first = `"pid":"${FIRST}"`;
const at = `"time":"2026-01-31T12:00:00.123Z"`;
const worker = `"pid":"${WORKER}"`;

Deno.test("format() gives the documented lines, byte for byte", () => {
  assertEquals(show(EXAMPLE), [
    `{"event":"spawn","parent":null,${first},"name":"workers.ts","node":null,${at}}`,
    `{"event":"spawn","parent":"${FIRST}",${worker},"name":"worker","node":null,${at}}`,
    `{"event":"output",${worker},"fd":1,"text":"hello worker 0!\\n",${at}}`,
    `{"event":"eof",${worker},"fd":1}`,
    `{"event":"eof",${worker},"fd":2}`,
    `{"event":"exit",${worker},"status":{"code":0},${at}}`,
    `{"event":"output",${first},"fd":1,"text":"total 4500!\\n",${at}}`,
    `{"event":"eof",${first},"fd":1}`,
    `{"event":"eof",${first},"fd":2}`,
    `{"event":"exit",${first},"status":{"code":0},${at}}`,
  ]);
});

Deno.test("format() gives text where the bytes are UTF-8, and base64 where they are not", () => {
  const table: [bytes: Uint8Array<ArrayBuffer>, content: string][] = [
    [utf8("a\nb"), `"text":"a\\nb"`],
    [utf8('"\\\0\x1b'), String.raw`"text":"\"\\\u0000\u001b"`],
    [utf8("é€𝄞\u{2028}"), `"text":"é€𝄞\u{2028}"`],
    [utf8("\u{feff}a"), `"text":"\u{feff}a"`],
    [new Uint8Array([0xff, 0xfe, 0x00]), `"base64":"//4A"`],
    [new Uint8Array([0x61, 0xe2, 0x28]), `"base64":"YeIo"`],
  ];
  for (const [bytes, content] of table) {
    assertEquals(show([wrote(FIRST, 2, bytes)]), [
      `{"event":"output",${first},"fd":2,${content},${at}}`,
    ]);
  }
});

Deno.test("format() gives every status unchanged", () => {
  const statuses = [{ code: 3 }, { signal: "SIGKILL" }, { killed: "a: b" }, { lost: "c" }] as const;
  for (const status of statuses) {
    const lines = show([spawned(null, FIRST), ...ended(FIRST, status)]);
    assertEquals(
      lines.at(-1),
      `{"event":"exit",${first},"status":${JSON.stringify(status)},${at}}`,
    );
  }
});

Deno.test("format() gives a text as text, wherever it is cut", () => {
  const text = "a€\n𝄞é";
  const bytes = utf8(text);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const lines = show([wrote(FIRST, 1, bytes.slice(0, cut)), wrote(FIRST, 1, bytes.slice(cut))]);
    assertEquals(lines.map((line) => JSON.parse(line).text).join(""), text, `cut at byte ${cut}`);
  }
});

Deno.test("format() gives an unfinished character before the end of its stream", () => {
  const [eof, , exit] = ended(FIRST);
  const last: RunEvent[] = [eof!, exit!];
  for (const event of last) {
    const lines = show([wrote(FIRST, 1, new Uint8Array([0xe2, 0x82])), event]);
    assertEquals(lines.length, 2);
    assertEquals(lines[0], `{"event":"output",${first},"fd":1,"base64":"4oI=",${at}}`);
  }
});

Deno.test("format() loses nothing of any run: its lines give the same events", () => {
  for (let round = 0; round < 200; round++) {
    const seed = round < 150 ? round : crypto.getRandomValues(new Uint32Array(1))[0]!;
    const events = randomRun(randomFrom(seed), 1 + round % 8);
    const told: { events: unknown[]; streams: Record<string, number[]> } = {
      events: [],
      streams: {},
    };
    for (const line of show(events)) {
      const { text, base64, ...event } = JSON.parse(line);
      if ("time" in event) event.time = Date.parse(event.time);
      if (event.event !== "output") {
        told.events.push(event);
        continue;
      }
      const bytes = text === undefined
        ? Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
        : utf8(text);
      (told.streams[`${event.fd} ${event.pid}`] ??= []).push(...bytes);
    }
    const streams: Record<string, number[]> = {};
    for (const event of events) {
      if (event.event !== "output" || event.bytes.length === 0) continue;
      (streams[`${event.fd} ${event.pid}`] ??= []).push(...event.bytes);
    }
    const others = events.filter(({ event }) => event !== "output");
    assertEquals<unknown>(told, { events: others, streams }, `seed ${seed}`);
  }
});

Deno.test("format() gives nothing for noticed", () => {
  assertEquals(show([{ event: "noticed", pid: WORKER }]), []);
});

Deno.test("messages of the system go to stderr: stdout is data, also about missing events", () => {
  const formatter = new JsonFormatter();
  const text = (segments: readonly Segment[]) =>
    segments.map(({ fd, bytes }) => [fd, new TextDecoder().decode(bytes)]);
  assertEquals(text([formatter.remark("remark")]), [[2, "remark\n"]]);
  assertEquals(text([formatter.missing(3)]), [[1, '{"event":"missing","events":3}\n']]);
  const said = formatter.format({ event: "said", text: "line", time: TIME });
  assertEquals(text(said), [[2, "deploy: line\n"]]);
});
