/** What `deno task soak` says about what it has seen, and what a process says that it asks. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { Asked } from "../../scripts/soak/asked.ts";
import { growth } from "../../scripts/soak/usage.ts";

Deno.test("growth() compares the most of both halves", () => {
  const table: [memMiB: number[], files: number[], expected: string[]][] = [
    [[60, 90, 100, 80, 110, 100], [40, 60, 50, 50, 45, 60], []],
    [[60, 90, 100, 80, 110, 126], [40, 60, 50, 50, 45, 60], [
      "memory in MiB grew from 100 in the first half to 126 in the second one",
    ]],
    [[60, 60, 60, 60, 60, 60], [10, 20, 30, 40, 50, 60], [
      "files grew from 30 in the first half to 60 in the second one",
    ]],
    [[60], [60], ["there were too few processes to tell"]],
    [[], [], ["there were too few processes to tell"]],
  ];
  for (const [memMiB, files, expected] of table) {
    const usages = memMiB.map((mem, at) => ({
      ended: (at + 1) * 10,
      memMiB: mem,
      files: files[at]!,
    }));
    assertEquals(growth(usages), expected);
  }
});

Deno.test("growth() compares what is live in the middle of both halves, where that was asked", () => {
  const table: [what: string, liveMiB: (at: number) => number, expected: string[]][] = [
    ["as much all the time", (at) => 10 + at % 2, []],
    ["caches that fill at first", (at) => Math.min(at, 5), []],
    ["once, while much is on the way", (at) => at === 17 ? 30 : 10, []],
    ["more and more", (at) => 10 + at / 2, [
      "live memory in MiB grew from 13.5 in the second quarter to 18.5 in the last one: 1049 bytes for each",
    ]],
  ];
  for (const [what, liveMiB, expected] of table) {
    const usages = Array.from({ length: 20 }, (_, at) => ({
      ended: (at + 1) * 500,
      memMiB: 100,
      liveMiB: liveMiB(at),
      files: 40,
    }));
    assertEquals(growth(usages), expected, what);
  }
});

/** Makes 1,000 arrays of 5 kB at each line, and keeps them if the line says so. */
const MAKES = `
  const kept = [];
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    for (let count = 0; count < 1_000; count++) {
      const made = new Array(640).fill(count);
      if (text === "keep") kept.push(made);
    }
    console.log("made");
  }
  console.log(kept.length);`;

Deno.test("a process that is asked says what it uses without its garbage, and with what it keeps", async () => {
  await using asked = await Asked.start();
  const file = await Deno.makeTempFile({ suffix: ".js" });
  await Deno.writeTextFile(file, MAKES);
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...asked.flags, file],
    env: { ...asked.env },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const [writer, reader] = [child.stdin.getWriter(), child.stdout.getReader()];
  const live = async (what: string, times: number): Promise<number> => {
    for (let count = 0; count < times; count++) {
      await writer.write(new TextEncoder().encode(what));
      await reader.read();
    }
    return (await asked.usageOf(child.pid, 0)).liveMiB!;
  };
  const first = await live("drop", 1);
  const dropped = await live("drop", 10);
  assert(dropped - first < 1, `50 MB of garbage are ${dropped - first} MiB`);
  const kept = await live("keep", 2);
  assert(kept - dropped > 9, `10 MB that are kept are ${kept - dropped} MiB`);
  await writer.close();
  assertEquals(new TextDecoder().decode((await reader.read()).value), "2000\n");
  assertEquals((await child.status).success, true);
  await reader.cancel();
  await Deno.remove(file);
});
