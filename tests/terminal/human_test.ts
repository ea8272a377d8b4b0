/** The format for people: exact bytes, and what is guaranteed for every order of events. */

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
  EXAMPLE_BESIDE,
  EXAMPLE_SHOWN,
  FIRST,
  randomFrom,
  randomRun,
  spawned,
  TIME,
  utf8,
  WORKER,
  wrote,
} from "./events.ts";
import { showSlowly } from "./model.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The text if both streams go to one place, and the text of each if they go to two. */
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
    err: EXAMPLE_BESIDE,
  });
});

Deno.test("format() colours titles, bold in headings, and nothing else", () => {
  const [first, worker] = ["\x1b[38;5;64m3fecd01\x1b[39m", "\x1b[38;5;129m8a3be21\x1b[39m"];
  const bold = (title: string): string => `\x1b[1m${title}\x1b[22m`;
  const { all, out } = showText(EXAMPLE, true);
  const heading = bold(`${first} workers.ts`);
  assertEquals(
    all,
    `${heading}:\n   spawned: ${worker} worker\n${bold(`${worker} worker`)}:\n` +
      `   hello worker 0!\n   exited\n${heading}:\n   total 4500!\n   exited\n`,
  );
  assertEquals(out, "hello worker 0!\ntotal 4500!\n");
});

const MAIN = "3fecd01 workers.ts:\n";
const OTHER = "8a3be21 worker:\n";

/** The two processes of these tests. Their beginnings are not checked. */
const BEGUN = [spawned(null, FIRST), spawned(FIRST, WORKER)];
const BEGUN_SHOWN = `${MAIN}   spawned: 8a3be21 worker\n`;

Deno.test("format() shows lines, pieces of lines and switches", () => {
  const table: [name: string, events: RunEvent[], all: string, out: string, err: string][] = [
    ["no bytes", [wrote(FIRST, 1, "")], "", "", ""],
    [
      "no bytes of another process",
      [wrote(FIRST, 1, "a"), wrote(WORKER, 1, ""), wrote(FIRST, 1, "b")],
      "   ab",
      "ab",
      "",
    ],
    ["several lines", [wrote(FIRST, 1, "a\nb\nc\n")], "   a\n   b\n   c\n", "a\nb\nc\n", ""],
    ["empty lines", [wrote(FIRST, 1, "\n\na\n\n")], "   \n   \n   a\n   \n", "\n\na\n\n", ""],
    [
      "a line in pieces",
      [wrote(FIRST, 1, "a"), wrote(FIRST, 1, "b"), wrote(FIRST, 1, "\n")],
      "   ab\n",
      "ab\n",
      "",
    ],
    [
      "a newline that comes alone",
      [wrote(FIRST, 1, "a\n"), wrote(FIRST, 1, "\n")],
      "   a\n   \n",
      "a\n\n",
      "",
    ],
    [
      "a line of both streams",
      [wrote(FIRST, 1, "a"), wrote(FIRST, 2, "b\nc"), wrote(FIRST, 1, "d\n")],
      "   ab\n   cd\n",
      "ad\n",
      "   b\n   c",
    ],
    [
      "another's line, unfinished",
      [wrote(FIRST, 1, "a"), wrote(WORKER, 1, "b"), wrote(FIRST, 1, "c\n")],
      `   a\n${OTHER}   b\n${MAIN}   c\n`,
      "abc\n",
      "",
    ],
    [
      "another's line on stderr, unfinished",
      [wrote(FIRST, 2, "a"), wrote(WORKER, 2, "b"), wrote(FIRST, 2, "c\n")],
      `   a\n${OTHER}   b\n${MAIN}   c\n`,
      "",
      `   a\n${OTHER}   b\n${MAIN}   c\n`,
    ],
    [
      "a line of another's on stdout between two on stderr",
      [wrote(FIRST, 2, "a\n"), wrote(WORKER, 1, "b\n"), wrote(FIRST, 2, "c\n")],
      `   a\n${OTHER}   b\n${MAIN}   c\n`,
      "b\n",
      "   a\n   c\n",
    ],
    [
      "another's line, finished",
      [wrote(FIRST, 2, "a\n"), wrote(WORKER, 2, "b\n")],
      `   a\n${OTHER}   b\n`,
      "",
      `   a\n${OTHER}   b\n`,
    ],
    [
      "a spawn in its parent's line",
      [wrote(FIRST, 1, "a"), spawned(FIRST, WORKER), wrote(FIRST, 1, "b\n")],
      "   a\n   spawned: 8a3be21 worker\n   b\n",
      "ab\n",
      "   spawned: 8a3be21 worker\n",
    ],
    [
      "a spawn in another's line",
      [wrote(WORKER, 1, "a"), spawned(FIRST, WORKER)],
      `${OTHER}   a\n${MAIN}   spawned: 8a3be21 worker\n`,
      "a",
      "   spawned: 8a3be21 worker\n",
    ],
    [
      "an exit in its own line",
      [wrote(FIRST, 1, "a"), ...ended(FIRST)],
      "   a\n   exited\n",
      "a",
      "   exited\n",
    ],
    [
      "an exit in another's line",
      [wrote(WORKER, 1, "a"), ...ended(FIRST)],
      `${OTHER}   a\n${MAIN}   exited\n`,
      "a",
      "   exited\n",
    ],
    [
      "a line that is written over, in one read and in several",
      [
        wrote(FIRST, 1, "10 %\r20 %"),
        wrote(FIRST, 1, "\r"),
        wrote(FIRST, 1, "30 %\r\n40 %\r\r50 %"),
      ],
      "   10 %\r   20 %\r   30 %\r\n   40 %\r\r   50 %",
      "10 %\r20 %\r30 %\r\n40 %\r\r50 %",
      "",
    ],
    [
      "a line that is written over, on stderr",
      [wrote(FIRST, 2, "\ra\r"), wrote(FIRST, 2, "b"), wrote(FIRST, 2, "\r\n")],
      "   \r   a\r   b\r\n",
      "",
      "   \r   a\r   b\r\n",
    ],
    [
      "another's line while one is to be written over",
      [wrote(FIRST, 2, "a\r"), wrote(WORKER, 2, "b\n"), wrote(FIRST, 2, "c")],
      `   a\r\n${OTHER}   b\n${MAIN}   c`,
      "",
      `   a\r\n${OTHER}   b\n${MAIN}   c`,
    ],
    ["escape sequences", [wrote(FIRST, 2, "a\x1b[1mb")], "   a\x1b[1mb", "", "   a\x1b[1mb"],
    [
      "a long line and a short one",
      [wrote(FIRST, 1, `${"a".repeat(500)}\nb\n`)],
      `   ${"a".repeat(500)}\n   b\n`,
      `${"a".repeat(500)}\nb\n`,
      "",
    ],
  ];
  for (const [name, events, all, out, err] of table) {
    assertEquals(
      showText([...BEGUN, ...events]),
      { all: `${BEGUN_SHOWN}${all}`, out, err: `${BEGUN_SHOWN}${err}` },
      name,
    );
  }
});

Deno.test("format() shows nothing of the first process before its first output", () => {
  assertEquals(showText([spawned(null, FIRST)]), { all: "", out: "", err: "" });
});

Deno.test("format() shows any name as one line of text", () => {
  const name = "a\nb\x1b[31m\x9bc\u{1F600}";
  const { err } = showText([spawned(null, FIRST), spawned(FIRST, WORKER, name), ...ended(WORKER)]);
  const shown = "8a3be21 a\ufffdb\ufffd[31m\ufffdc\u{1F600}";
  assertEquals(err, `${MAIN}   spawned: ${shown}\n${shown}:\n   exited\n`);
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
    assertEquals(
      showText([spawned(null, FIRST), ...ended(FIRST, status)])["err"],
      `${MAIN}   ${line}\n`,
    );
  }
});

Deno.test("format() shows characters complete, wherever they are cut and whatever comes between", () => {
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

Deno.test("format() shows an incomplete character at the stream's end, or at the exit", () => {
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
    const { all, out, err } = show(events);
    assertEquals(all, showSlowly(events, [1, 2]), `seed ${seed}: at one place`);
    assertEquals(err, showSlowly(events, [2]), `seed ${seed}: stderr`);
    const written = events.flatMap((event) => event.event === "output" ? [event] : []);
    const count = (fd: OutputFd) =>
      written.reduce((sum, event) => event.fd === fd ? sum + event.bytes.length : sum, 0);
    assertEquals(out.length, count(1), `seed ${seed}: stdout`);
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

Deno.test("format() buffers nothing of an unfinished line of 50 MB", () => {
  const chunk = new Uint8Array(64 * 1024).fill(0x61);
  for (const interleaved of [true, false]) {
    const formatter = new HumanFormatter({ colors: false, interleaved });
    formatter.format(spawned(null, FIRST));
    formatter.format(wrote(FIRST, 1, "a"));
    for (let sent = 0; sent < 50e6; sent += chunk.length) {
      const segments = formatter.format(wrote(FIRST, 1, chunk));
      assertEquals(segments.map(({ fd, bytes }) => [fd, bytes.length]), [[1, chunk.length]]);
    }
  }
});

Deno.test("missing() says how many events are not there", () => {
  const formatter = new HumanFormatter({ colors: false, interleaved: true });
  const textOf = (events: number) => new TextDecoder().decode(formatter.missing(events).bytes);
  assertEquals(textOf(1), "deploy: 1 event is no longer kept\n");
  assertEquals(textOf(20), "deploy: 20 events are no longer kept\n");
});

Deno.test("remark() is on a line of its own, and under no heading", () => {
  const before = [spawned(null, FIRST), wrote(FIRST, 1, "one"), wrote(FIRST, 2, "two")];
  const after = [wrote(FIRST, 1, "more\n"), wrote(FIRST, 2, "end\n")];
  for (const interleaved of [true, false]) {
    const formatter = new HumanFormatter({ colors: false, interleaved });
    const decoder = new TextDecoder();
    const text = { 1: "", 2: "" };
    const add = (segments: Iterable<{ fd: OutputFd; bytes: Bytes }>) => {
      for (const { fd, bytes } of segments) text[fd] += decoder.decode(bytes);
    };
    add(before.flatMap((event) => formatter.format(event)));
    add([formatter.remark("remark 1")]);
    add(formatter.format({ event: "said", text: "remark 2", time: TIME }));
    add(after.flatMap((event) => formatter.format(event)));
    add([formatter.remark("remark 3")]);
    const remarks = "remark 1\ndeploy: remark 2\n";
    assertEquals(
      text,
      interleaved
        ? {
          1: `${MAIN}   onetwo\n${remarks}${MAIN}   more\n   end\nremark 3\n`,
          2: "",
        }
        : {
          1: "onemore\n",
          2: `${MAIN}   two\n${remarks}${MAIN}   end\nremark 3\n`,
        },
    );
  }
});
