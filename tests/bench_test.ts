/** The benchmark: its statistics, and the measurement and record of a row. */

// @ts-types="../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { RowResult } from "../scripts/bench/measure.ts";
import type { Goal } from "../scripts/bench/row.ts";
import { compare, judge, summarize } from "../scripts/bench/statistics.ts";
import { tableOf } from "../scripts/bench/table.ts";

const BENCH = new URL("../scripts/bench.ts", import.meta.url).pathname;

async function bench(
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", BENCH, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test("summarize() gives the median and the quartiles, between two samples if need be", () => {
  assertEquals(summarize([7]), { median: 7, low: 7, high: 7 });
  assertEquals(summarize([5, 1, 3, 2, 4]), { median: 3, low: 2, high: 4 });
  assertEquals(summarize([4, 1, 3, 2]), { median: 2.5, low: 1.75, high: 3.25 });
});

Deno.test("compare() takes the sides of each round together", () => {
  assertEquals(compare("ratio", [10, 30], [5, 10]), [2, 3]);
  assertEquals(compare("difference", [10, 30], [5, 40]), [5, -10]);
  assertEquals(compare("value", [10, 30], []), [10, 30]);
});

Deno.test("judge() counts a limit as within, whichever way is better", () => {
  const less: Goal = { judges: "ratio", better: "less", must: 1.5, stretch: 1.25 };
  assertEquals([1.25, 1.26, 1.5, 1.51].map((value) => judge(less, value)), [
    "stretch",
    "must",
    "must",
    "miss",
  ]);
  const more: Goal = { judges: "ratio", better: "more", must: 0.25, stretch: 0.5 };
  assertEquals([0.5, 0.49, 0.25, 0.24].map((value) => judge(more, value)), [
    "stretch",
    "must",
    "must",
    "miss",
  ]);
});

Deno.test("tableOf() gives a line for each row, whether it is judged or not", () => {
  const side = (name: string, median: number) =>
    ({ name, unit: "ms", peer: false, median, low: median, high: median, samples: [] }) as const;
  const goal: Goal = { judges: "ratio", better: "less", must: 1.5, stretch: 1.25 };
  const judged = { median: 1.4, low: 1.3, high: 1.45, goal, verdict: "must" } as const;
  const table = tableOf({
    machine: { cpu: "C", cores: 2, memoryGib: 8, os: "linux", deno: "2.0.0", load: 0.25 },
    rows: [
      { name: "one", title: "", sides: [side("ours", 70), side("bare", 50)], judged },
      { name: "two", title: "", sides: [side("ours", 7.25), side("ours, too", 8)] },
    ],
  });
  assertEquals(table.split("\n"), [
    "2 cores (C), 8 GiB, linux, Deno 2.0.0, load 0.3:",
    "",
    "| row | ours | baseline | together | limits | |",
    "| --- | --- | --- | --- | --- | --- |",
    "| `one` | 70.0 ms | 50.0 ms | 1.40× (1.30× – 1.45×) | must ≤ 1.50×, stretch ≤ 1.25× | at must |",
    "| `two` | 7.25 ms |  |  |  |  |",
  ]);
});

Deno.test("the benchmark measures one row beside its baseline, and records it", async () => {
  const json = await Deno.makeTempFile();
  try {
    const { code, stdout, stderr } = await bench(
      ...["--only", "roundtrip", "--rounds", "2", "--json", json],
    );
    assertEquals(code, 0, stdout + stderr);
    assertStringIncludes(stdout, "roundtrip: small round trip");
    const record = JSON.parse(await Deno.readTextFile(json));
    assertEquals(record.machine.deno, Deno.version.deno);
    assertEquals(record.leftOut, []);
    const [row, ...others] = record.rows as RowResult[];
    assertEquals(others, []);
    assertEquals(row?.name, "roundtrip");
    for (const { name, samples, median } of row?.sides ?? []) {
      assertEquals(samples.length, 2, name);
      // Between a microsecond and a second, so it is a time in the stated unit.
      assert(samples.every((each) => each > 1 && each < 1e6), `${name}: ${samples}`);
      assertEquals(median, summarize(samples).median, name);
    }
    const [ours, baseline] = row!.sides;
    const ratios = compare("ratio", ours!.samples, baseline!.samples);
    assertEquals(row?.judged?.median, summarize(ratios).median);
    assertEquals(row?.judged?.verdict, judge(row!.judged!.goal, row!.judged!.median));
  } finally {
    await Deno.remove(json);
  }
});

Deno.test("the benchmark says what is wrong with its arguments", async () => {
  const table: [string[], string][] = [
    [["--only", "nothing"], '--only is "nothing"; expected run, cold, spare, '],
    [["--rounds", "0"], '--rounds is "0"; expected a number'],
    [["cold"], 'unexpected argument "cold"; expected options only'],
  ];
  for (const [args, message] of table) {
    const { code, stdout, stderr } = await bench(...args);
    assertEquals([code, stdout], [2, ""], stderr);
    assertStringIncludes(stderr, message);
  }
});
