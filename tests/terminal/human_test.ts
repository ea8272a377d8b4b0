/** The format for people: exact bytes, and what holds for every order of events. */

// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { OutputFd, RunEvent } from "../../src/core/events.ts";
import type { ExitStatus } from "../../src/core/exit_status.ts";
import { HumanFormatter } from "../../src/terminal/human.ts";
import {
  ended,
  EXAMPLE,
  EXAMPLE_SHOWN,
  FIRST,
  randomFrom,
  randomRun,
  spawned,
  utf8,
  WORKER,
  wrote,
} from "./events.ts";
import { showSlowly } from "./model.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What is shown at one place, and what each stream is given where they are at two. */
function show(events: readonly RunEvent[], colors = false): { all: Bytes; out: Bytes; err: Bytes } {
  const together = new HumanFormatter({ colors, interleaved: true });
  const apart = new HumanFormatter({ colors, interleaved: false });
  const all = events.flatMap((event) => together.format(event));
  assertEquals(all.filter(({ fd }) => fd !== 1), [], "interleaved segments are for stdout");
  const each = events.flatMap((event) => apart.format(event));
  assertEquals([...all, ...each].filter(({ bytes }) => bytes.length === 0), [], "empty segments");
  const of = (wanted: OutputFd): Bytes =>
    concat(each.filter(({ fd }) => fd === wanted).map(({ bytes }) => bytes));
  return { all: concat(all.map(({ bytes }) => bytes)), out: of(1), err: of(2) };
}

function showText(events: readonly RunEvent[], colors = false): Record<string, string> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const { all, out, err } = show(events, colors);
  return { all: decoder.decode(all), out: decoder.decode(out), err: decoder.decode(err) };
}

Deno.test("format() shows the documented example, byte for byte", () => {
  assertEquals(showText(EXAMPLE), {
    all: EXAMPLE_SHOWN,
    out: "hello worker 0!\ntotal 4500!\n",
    err: "3fecd01:\n   spawned: 8a3be21\n8a3be21:\n      exited\n3fecd01:\n      exited\n",
  });
});

Deno.test("format() colours names, bold in headings, and nothing else", () => {
  const [first, worker] = ["\x1b[38;5;64m3fecd01\x1b[39m", "\x1b[38;5;129m8a3be21\x1b[39m"];
  const bold = (name: string): string => `\x1b[1m${name}\x1b[22m`;
  const { all, out } = showText(EXAMPLE, true);
  assertEquals(
    all,
    `${bold(first!)}:\n   spawned: ${worker}\n${bold(worker!)}:\n   hello worker 0!\n   exited\n` +
      `${bold(first!)}:\n   total 4500!\n   exited\n`,
  );
  assertEquals(out, "hello worker 0!\ntotal 4500!\n");
});

Deno.test("format() shows lines, pieces of lines and switches", () => {
  const table: [name: string, events: RunEvent[], all: string, out: string][] = [
    ["the first process's spawn alone", [spawned(null, FIRST)], "", ""],
    ["no bytes", [wrote(FIRST, 1, "")], "", ""],
    [
      "no bytes of another process",
      [wrote(FIRST, 1, "a"), wrote(WORKER, 1, ""), wrote(FIRST, 1, "b")],
      "3fecd01:\n   ab",
      "ab",
    ],
    ["several lines", [wrote(FIRST, 1, "a\nb\nc\n")], "3fecd01:\n   a\n   b\n   c\n", "a\nb\nc\n"],
    ["empty lines", [wrote(FIRST, 1, "\n\na\n\n")], "3fecd01:\n   \n   \n   a\n   \n", "\n\na\n\n"],
    [
      "a line in pieces",
      [wrote(FIRST, 1, "a"), wrote(FIRST, 1, "b"), wrote(FIRST, 1, "\n")],
      "3fecd01:\n   ab\n",
      "ab\n",
    ],
    [
      "a newline that comes alone",
      [wrote(FIRST, 1, "a\n"), wrote(FIRST, 1, "\n")],
      "3fecd01:\n   a\n   \n",
      "a\n\n",
    ],
    [
      "a line of both streams",
      [wrote(FIRST, 1, "a"), wrote(FIRST, 2, "b\nc"), wrote(FIRST, 1, "d\n")],
      "3fecd01:\n   ab\n   cd\n",
      "ad\n",
    ],
    [
      "another's line, unfinished",
      [wrote(FIRST, 1, "a"), wrote(WORKER, 1, "b"), wrote(FIRST, 1, "c\n")],
      "3fecd01:\n   a\n8a3be21:\n   b\n3fecd01:\n   c\n",
      "abc\n",
    ],
    [
      "another's line, finished",
      [wrote(FIRST, 2, "a\n"), wrote(WORKER, 2, "b\n")],
      "3fecd01:\n   a\n8a3be21:\n   b\n",
      "",
    ],
    [
      "a spawn in its parent's line",
      [wrote(FIRST, 1, "a"), spawned(FIRST, WORKER), wrote(FIRST, 1, "b\n")],
      "3fecd01:\n   a\n   spawned: 8a3be21\n   b\n",
      "ab\n",
    ],
    [
      "a spawn in another's line",
      [wrote(WORKER, 1, "a"), spawned(FIRST, WORKER)],
      "8a3be21:\n   a\n3fecd01:\n   spawned: 8a3be21\n",
      "a",
    ],
    [
      "an exit in its own line",
      [wrote(FIRST, 1, "a"), ...ended(FIRST)],
      "3fecd01:\n   a\n   exited\n",
      "a",
    ],
    [
      "an exit in another's line",
      [wrote(WORKER, 1, "a"), ...ended(FIRST)],
      "8a3be21:\n   a\n3fecd01:\n   exited\n",
      "a",
    ],
    [
      "carriage returns and escapes",
      [wrote(FIRST, 1, "a\rb\x1b[1m\r\nc")],
      "3fecd01:\n   a\rb\x1b[1m\r\n   c",
      "a\rb\x1b[1m\r\nc",
    ],
    [
      "a long line and a short one",
      [wrote(FIRST, 1, `${"a".repeat(500)}\nb\n`)],
      `3fecd01:\n   ${"a".repeat(500)}\n   b\n`,
      `${"a".repeat(500)}\nb\n`,
    ],
  ];
  for (const [name, events, all, out] of table) {
    const shown = showText(events);
    assertEquals({ all: shown["all"], out: shown["out"] }, { all, out }, name);
  }
});

Deno.test("format() says how a process ended", () => {
  const table: [status: ExitStatus, line: string][] = [
    [{ code: 0 }, "exited"],
    [{ code: 3 }, "exited: 3"],
    [{ signal: "SIGKILL" }, "exited: SIGKILL"],
    [
      { killed: "memory: 131 MiB used, 100 MiB asked" },
      "exited: killed: memory: 131 MiB used, 100 MiB asked",
    ],
    [
      { lost: "node 10.0.0.3:9999 did not answer for 10 s" },
      "exited: lost: node 10.0.0.3:9999 did not answer for 10 s",
    ],
  ];
  for (const [status, line] of table) {
    assertEquals(showText(ended(FIRST, status))["err"], `3fecd01:\n   ${line}\n`);
  }
});

Deno.test("format() shows characters whole, wherever they are cut and whatever comes between", () => {
  const text = "é€\n𝄞";
  const bytes = utf8(text);
  const between = wrote(WORKER, 2, "…\n");
  for (let cut = 0; cut <= bytes.length; cut++) {
    const events = [
      wrote(FIRST, 1, bytes.slice(0, cut)),
      between,
      wrote(FIRST, 1, bytes.slice(cut)),
    ];
    const { all, out } = show(events);
    assertEquals(out, bytes, `cut at byte ${cut}`);
    const shown = new TextDecoder("utf-8", { fatal: true }).decode(all);
    for (const character of "é€𝄞") assertEquals(shown.split(character).length, 2, `cut at ${cut}`);
  }
});

Deno.test("format() shows a character that stays unfinished at the stream's end, or at the exit", () => {
  const cut = wrote(FIRST, 1, new Uint8Array([0x61, 0xe2, 0x82]));
  const [eof, , exit] = ended(FIRST);
  for (const last of [eof!, exit!]) {
    assertEquals(show([cut]).out, utf8("a"));
    assertEquals(show([cut, last]).out, new Uint8Array([0x61, 0xe2, 0x82]));
  }
});

Deno.test("format() agrees with a slow model in every order of events", () => {
  for (let round = 0; round < 300; round++) {
    const seed = round < 250 ? round : crypto.getRandomValues(new Uint32Array(1))[0]!;
    const random = randomFrom(seed);
    const events = randomRun(random, 1 + Math.floor(random() * (round % 50 === 0 ? 60 : 6)));
    const expected = showSlowly(events);
    const bytes = (fd?: OutputFd): Bytes =>
      new Uint8Array(
        expected.filter((shown) => fd === undefined || shown.fd === fd).map(({ byte }) => byte),
      );
    const { all, out, err } = show(events);
    assertEquals(all, bytes(), `seed ${seed}: at one place`);
    assertEquals(out, bytes(1), `seed ${seed}: stdout`);
    assertEquals(err, bytes(2), `seed ${seed}: stderr`);
  }
});

Deno.test("format() gives stdout what each process wrote to it, of 60 processes at once", () => {
  for (const seed of [1, 2, 3, crypto.getRandomValues(new Uint32Array(1))[0]!]) {
    const formatter = new HumanFormatter({ colors: true, interleaved: false });
    const written = new Map<string, Bytes[]>();
    const given = new Map<string, Bytes[]>();
    for (const event of randomRun(randomFrom(seed), 60)) {
      if (!("pid" in event)) continue;
      const { pid } = event;
      if (!written.has(pid)) {
        written.set(pid, []);
        given.set(pid, []);
      }
      if (event.event === "output" && event.fd === 1) written.get(pid)!.push(event.bytes);
      for (const { fd, bytes } of formatter.format(event)) {
        if (fd === 1) given.get(pid)!.push(bytes);
      }
    }
    assertEquals(written.size, 60);
    for (const [pid, parts] of written) {
      assertEquals(concat(given.get(pid)!), concat(parts), `seed ${seed}, process ${pid}`);
    }
  }
});

Deno.test("format() holds nothing of a line of 50 MB that does not end", () => {
  const chunk = new Uint8Array(64 * 1024).fill(0x61);
  for (const interleaved of [true, false]) {
    const formatter = new HumanFormatter({ colors: false, interleaved });
    formatter.format(wrote(FIRST, 1, "a"));
    for (let sent = 0; sent < 50e6; sent += chunk.length) {
      const segments = formatter.format(wrote(FIRST, 1, chunk));
      assertEquals(segments.map(({ fd, bytes }) => [fd, bytes.length]), [[1, chunk.length]]);
    }
  }
});

Deno.test("remark() is on a line of its own, on the screen and on stderr, and under no name", () => {
  const before = [spawned(null, FIRST), wrote(FIRST, 1, "unfinished")];
  const after = [wrote(FIRST, 1, "more\n"), wrote(FIRST, 1, "end\n")];
  for (const interleaved of [true, false]) {
    const formatter = new HumanFormatter({ colors: false, interleaved });
    const decoder = new TextDecoder();
    const text = { 1: "", 2: "" };
    const add = (segments: Iterable<{ fd: OutputFd; bytes: Bytes }>) => {
      for (const { fd, bytes } of segments) text[fd] += decoder.decode(bytes);
    };
    add(before.flatMap((event) => formatter.format(event)));
    add([formatter.remark("remark 1"), formatter.remark("remark 2")]);
    add(after.flatMap((event) => formatter.format(event)));
    add([formatter.remark("remark 3")]);
    const name = "3fecd01:\n";
    assertEquals(
      text,
      interleaved
        ? {
          1: `${name}   unfinished\nremark 1\nremark 2\n${name}   more\n   end\nremark 3\n`,
          2: "",
        }
        : {
          1: "unfinishedmore\nend\n",
          2: `${name}   \nremark 1\nremark 2\n${name}      \nremark 3\n`,
        },
    );
  }
});
