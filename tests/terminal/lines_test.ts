/** The format for grep: whole lines, each with its process in front. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import type { OutputFd, RunEvent } from "../../src/core/events.ts";
import { LinesFormatter, MAX_LINE_BYTES } from "../../src/terminal/lines.ts";
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

type Bytes = Uint8Array<ArrayBuffer>;

/** The text of each stream, or of both if they are one. */
function show(
  events: readonly RunEvent[],
  options: { colors?: boolean; interleaved?: boolean } = {},
): Record<OutputFd, string> {
  const formatter = new LinesFormatter({ colors: false, interleaved: false, ...options });
  const segments = events.flatMap((event) => formatter.format(event));
  const of = (wanted: OutputFd): string =>
    new TextDecoder("utf-8", { ignoreBOM: true })
      .decode(concat(segments.filter(({ fd }) => fd === wanted).map(({ bytes }) => bytes)));
  return { 1: of(1), 2: of(2) };
}

const BEGUN = [spawned(null, FIRST), spawned(FIRST, WORKER)];
const BEGUN_SHOWN = "3fecd01 workers.ts * spawned: 8a3be21 worker\n";

Deno.test("format() prefixes each line with its process, on the stream that it was written to", () => {
  const out = "8a3be21 worker | hello worker 0!\n3fecd01 workers.ts | total 4500!\n";
  const err = `${BEGUN_SHOWN}8a3be21 worker * exited\n3fecd01 workers.ts * exited\n`;
  assertEquals(show(EXAMPLE), { 1: out, 2: err });
  assertEquals(show(EXAMPLE, { interleaved: true }), {
    1: `${BEGUN_SHOWN}8a3be21 worker | hello worker 0!\n8a3be21 worker * exited\n` +
      "3fecd01 workers.ts | total 4500!\n3fecd01 workers.ts * exited\n",
    2: "",
  });
  const colored = show(EXAMPLE, { colors: true, interleaved: true })[1];
  assert(colored.includes("\x1b[38;5;129m8a3be21\x1b[39m worker | hello"), colored);
});

Deno.test("format() shows a line when it is complete, or its stream has ended", () => {
  const [main, worker] = ["3fecd01 workers.ts | ", "8a3be21 worker | "];
  const [eof] = ended(FIRST);
  const table: [name: string, events: RunEvent[], out: string, err: string][] = [
    ["no bytes", [wrote(FIRST, 1, "")], "", ""],
    ["an unfinished line", [wrote(FIRST, 1, "a")], "", ""],
    ["a line in pieces", [wrote(FIRST, 1, "a"), wrote(FIRST, 1, "b\n")], `${main}ab\n`, ""],
    ["a newline alone", [wrote(FIRST, 1, "a"), wrote(FIRST, 1, "\n")], `${main}a\n`, ""],
    ["empty lines", [wrote(FIRST, 2, "\n\na\n")], "", `${main}\n${main}\n${main}a\n`],
    [
      "the rest of one, whole ones, and the beginning of another",
      [wrote(FIRST, 1, "a"), wrote(FIRST, 1, "b\nc\nd\ne"), wrote(FIRST, 1, "f\n")],
      `${main}ab\n${main}c\n${main}d\n${main}ef\n`,
      "",
    ],
    [
      "unfinished lines of two streams and two processes",
      [
        ...[wrote(FIRST, 1, "a"), wrote(FIRST, 2, "b"), wrote(WORKER, 1, "c")],
        ...[wrote(FIRST, 1, "1\n"), wrote(WORKER, 1, "3\n"), wrote(FIRST, 2, "2\n")],
      ],
      `${main}a1\n${worker}c3\n`,
      `${main}b2\n`,
    ],
    ["a last line without its end", [wrote(FIRST, 1, "a\nb"), eof!], `${main}a\n${main}b\n`, ""],
    ["carriage returns", [wrote(FIRST, 1, "1\r2\r\n")], `${main}1\r2\r\n`, ""],
    [
      "an end while a line is unfinished",
      [wrote(WORKER, 2, "a"), ...ended(WORKER, { code: 3 })],
      "",
      `${worker}a\n8a3be21 worker * exited: 3\n`,
    ],
    ["what is said", [{ event: "said", text: "well", time: TIME }], "", "deploy: well\n"],
  ];
  for (const [name, events, out, err] of table) {
    assertEquals(show([...BEGUN, ...events]), { 1: out, 2: BEGUN_SHOWN + err }, name);
  }
});

Deno.test("format() changes, drops and reorders nothing, of any run", () => {
  for (let round = 0; round < 200; round++) {
    const seed = round < 150 ? round : crypto.getRandomValues(new Uint32Array(1))[0]!;
    const random = randomFrom(seed);
    const events = randomRun(random, 1 + Math.floor(random() * 6));
    const formatter = new LinesFormatter({ colors: false, interleaved: false });
    const written = new Map<string, Bytes[]>();
    const shown = new Map<string, Bytes[]>();
    const add = (map: Map<string, Bytes[]>, key: string, bytes: Bytes) =>
      map.set(key, [...map.get(key) ?? [], bytes]);
    const names = new Map<string, string>();
    for (const event of events) {
      if (event.event === "spawn") names.set(event.pid, event.name);
      if (event.event === "output") add(written, `${event.pid} ${event.fd}`, event.bytes);
      for (const { fd, bytes } of formatter.format(event)) {
        if (!("pid" in event) || event.event === "spawn") continue;
        const prefix = `${event.pid.slice(0, 7)} ${names.get(event.pid)} | `;
        for (let start = 0; start < bytes.length;) {
          const end = bytes.indexOf(10, start) + 1;
          const line = bytes.slice(start, end);
          const isOwn = new TextDecoder().decode(line.subarray(0, prefix.length)) === prefix;
          if (isOwn) add(shown, `${event.pid} ${fd}`, line.slice(prefix.length));
          start = end;
        }
      }
    }
    for (const [key, parts] of written) {
      const expected = concat(parts);
      // The last line is completed.
      const end = expected.length > 0 && expected.at(-1) !== 10 ? utf8("\n") : utf8("");
      assertEquals(concat(shown.get(key) ?? []), concat([expected, end]), `seed ${seed}: ${key}`);
    }
  }
});

Deno.test("format() splits a line that is too long, not within a character, and buffers no more of it", () => {
  const prefix = "3fecd01 workers.ts | ";
  for (const pieceBytes of [1_000, 65_536, 200_000]) {
    const formatter = new LinesFormatter({ colors: false, interleaved: false });
    formatter.format(spawned(null, FIRST));
    const text = `${"a".repeat(MAX_LINE_BYTES - 1)}${"é".repeat(40_000)}`;
    const bytes = utf8(`${text}\nb\n`);
    const segments = [];
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      segments.push(...formatter.format(wrote(FIRST, 1, bytes.slice(start, start + pieceBytes))));
    }
    const lines = new TextDecoder("utf-8", { fatal: true })
      .decode(concat(segments.map(({ bytes }) => bytes))).split("\n");
    assertEquals(lines.pop(), "");
    assert(lines.every((line) => line.startsWith(prefix)));
    const shown = lines.map((line) => line.slice(prefix.length));
    assertEquals(shown.pop(), "b");
    assertEquals(shown.join("") === text, true);
    assertEquals(shown.map((line) => utf8(line).length), [
      MAX_LINE_BYTES - 1,
      MAX_LINE_BYTES,
      80_000 - MAX_LINE_BYTES,
    ]);
  }
});

Deno.test("format() adds no line after one of exactly the maximum length", () => {
  const line = "a".repeat(MAX_LINE_BYTES);
  for (const parts of [[`${line}\n`], [line, "\n"], [line.slice(1), "a\n"]]) {
    const shown = show([spawned(null, FIRST), ...parts.map((part) => wrote(FIRST, 1, part))])[1];
    assertEquals(shown === `3fecd01 workers.ts | ${line}\n`, true);
  }
});
