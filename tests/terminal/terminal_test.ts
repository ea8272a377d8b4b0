/** The terminal on real pipes and files, in a program of its own. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Segment } from "../../src/terminal/segment.ts";
import { createTerminal, type TerminalOptions } from "../../src/terminal/terminal.ts";
import { ended, EXAMPLE, EXAMPLE_BESIDE, EXAMPLE_SHOWN, FIRST, spawned, wrote } from "./events.ts";

const PROGRAM = new URL("./show_program.ts", import.meta.url).pathname;

interface Shown {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a shell line in which `$show` is the program, and `$dir` a temporary folder. */
async function shell(line: string, permissions = "-A"): Promise<Shown> {
  const dir = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: [
        "-c",
        `set -o pipefail; show="$DENO run -q --no-prompt ${permissions} ${PROGRAM}"; ${line}`,
      ],
      env: { DENO: Deno.execPath(), dir },
    }).output();
    const decoder = new TextDecoder("utf-8", { fatal: true });
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const EXAMPLE_OUT = "hello worker 0!\ntotal 4500!\n";

Deno.test("a terminal writes to separate pipes their own parts, without colours", async () => {
  assertEquals(await shell("$show"), { code: 0, stdout: EXAMPLE_OUT, stderr: EXAMPLE_BESIDE });
});

Deno.test("a terminal writes everything in order where one pipe or file is both streams", async () => {
  const expected = { code: 0, stdout: EXAMPLE_SHOWN, stderr: "" };
  assertEquals(await shell("$show 2>&1"), expected);
  assertEquals(await shell("$show >$dir/file 2>&1; cat $dir/file"), expected);
  assertEquals(await shell("$show >>$dir/file 2>>$dir/file; cat $dir/file"), expected);
});

Deno.test("a terminal writes to each stream its part where it lacks permission to compare them", async () => {
  for (const permissions of ["", "--allow-read"]) {
    const shown = await shell("$show", permissions);
    assertEquals(shown, { code: 0, stdout: EXAMPLE_OUT, stderr: EXAMPLE_BESIDE });
  }
});

Deno.test("a terminal keeps order and bytes through pipes and files that are read slowly", async () => {
  const { stdout: together } = await shell("$show lines 2>&1 | (sleep 0.2; cat)");
  const lines = Array.from({ length: 5_000 }, (_, index) => `   line ${index} of the run\n`);
  assertEquals(together === `3fecd01 workers.ts:\n${lines.join("")}   exited\n`, true);
  const { stdout: out, stderr: err } = await shell("$show lines");
  const { stdout: fromFile } = await shell("$show lines >$dir/file 2>/dev/null; cat $dir/file");
  assertEquals(fromFile === out, true);
  const pieces = lines.map((line, index) => {
    const written = line.slice(3);
    return index % 2 === 0 ? "" : written.slice(index % written.length);
  });
  const beside = pieces.join("").replaceAll(/.*\n/g, "   $&");
  assertEquals(err === `3fecd01 workers.ts:\n${beside}   exited\n`, true);
  const words = lines.map((line, index) => {
    const written = line.slice(3);
    return index % 2 === 0 ? written : written.slice(0, index % written.length);
  });
  assertEquals(out === words.join(""), true);
});

Deno.test("a terminal goes on when its reader is gone, and reports it", async () => {
  const apart = await shell("$show flood | head -1");
  assertEquals(apart.stdout, "y\n");
  assertEquals(apart.code, 0);
  assertStringIncludes(apart.stderr, "stdout is gone\n");
  const together = await shell("$show flood 2>&1 | head -2");
  assertEquals(together, { code: 0, stdout: "3fecd01 workers.ts:\n   y\n", stderr: "" });
});

Deno.test("a terminal with format json puts everything on stdout", async () => {
  const { code, stdout, stderr } = await shell("$show example json");
  assertEquals([code, stderr], [0, ""]);
  const events = stdout.trimEnd().split("\n").map((line) => JSON.parse(line).event);
  assertEquals(events, EXAMPLE.map(({ event }) => event));
});

Deno.test("a terminal with format lines puts stdout's lines on stdout, everything else on stderr", async () => {
  const out = "8a3be21 worker | hello worker 0!\n3fecd01 workers.ts | total 4500!\n";
  assertEquals(await shell("$show example lines"), {
    code: 0,
    stdout: out,
    stderr: "3fecd01 workers.ts * spawned: 8a3be21 worker\n8a3be21 worker * exited\n" +
      "3fecd01 workers.ts * exited\n",
  });
  const together = await shell("$show example lines 2>&1 | grep -n worker.*exited");
  assertEquals(together.stdout, "3:8a3be21 worker * exited\n5:3fecd01 workers.ts * exited\n");
});

Deno.test("createTerminal() uses the given colours and places", async () => {
  const written: Segment[] = [];
  const target = (fd: 1 | 2) => ({
    write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
      written.push({ fd, bytes });
      return Promise.resolve(bytes.length);
    },
  });
  const targets = { stdout: target(1), stderr: target(2) };
  for (const colors of [true, false]) {
    for (const interleaved of [true, false]) {
      written.length = 0;
      const terminal = createTerminal({ format: "human", colors, interleaved, ...targets });
      for (const event of EXAMPLE) await terminal.sink(event);
      const text = written.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");
      assertEquals(text.includes("\x1b["), colors);
      assertEquals(written.some(({ fd }) => fd === 2), !interleaved);
      assert(text.includes("exited"));
    }
  }
});

/** What a program would write to look like another one, and to change the terminal. */
const HOSTILE = "ok\x1b[1A\r\b\b\x1b[99Dforged\x1b]52;c;QUFB\x07\x1b[8m\x1b[?1049h\n";

async function shown(
  options: Pick<TerminalOptions, "format" | "raw" | "terminals">,
): Promise<string> {
  let text = "";
  const target = {
    write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
      text += new TextDecoder().decode(bytes);
      return Promise.resolve(bytes.length);
    },
  };
  const places = { stdout: target, stderr: target, colors: false, interleaved: true };
  const terminal = createTerminal({ ...places, ...options });
  const events = [spawned(null, FIRST), wrote(FIRST, 1, HOSTILE), wrote(FIRST, 1, "next\n")];
  for (const event of [...events, ...ended(FIRST)]) await terminal.sink(event);
  return text;
}

Deno.test("a terminal gets nothing of programs that could look like a heading, or change it", async () => {
  const terminals = { 1: true, 2: true };
  assertEquals(
    await shown({ format: "human", terminals }),
    "3fecd01 workers.ts:\n   ok\r   forged\x1b[8m\x1b[0m\n   \x1b[8mnext\x1b[0m\n   exited\n",
  );
  assertEquals(
    await shown({ format: "lines", terminals }),
    [
      "3fecd01 workers.ts | ok\n",
      "3fecd01 workers.ts | forged\x1b[8m\x1b[0m\n",
      "3fecd01 workers.ts | \x1b[8mnext\x1b[0m\n",
      "3fecd01 workers.ts * exited\n",
    ].join(""),
  );
});

Deno.test("what is no terminal, or wants all of it, gets the bytes as they are", async () => {
  for (
    const place of [{ terminals: { 1: false, 2: false } }, {
      terminals: { 1: true, 2: true },
      raw: true,
    }]
  ) {
    for (const format of ["human", "lines"] as const) {
      const text = await shown({ format, ...place });
      for (const part of ["\x1b[1A", "\x1b]52;c;QUFB\x07\x1b[8m\x1b[?1049h\n"]) {
        assert(text.includes(part), JSON.stringify(text));
      }
    }
  }
});

Deno.test("a remark shows control characters of others as such", async () => {
  for (const format of ["human", "lines", "json"] as const) {
    let text = "";
    const target = {
      write(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
        text += new TextDecoder().decode(bytes);
        return Promise.resolve(bytes.length);
      },
    };
    const terminal = createTerminal({ format, stdout: target, stderr: target, interleaved: true });
    await terminal.remark("deploy: lost the bridge: \x1b]0;x\x07\n   \x9b2J");
    assertEquals(text, "deploy: lost the bridge: \\x1b]0;x\\x07\n   \\x9b2J\n");
  }
});
