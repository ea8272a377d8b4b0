/** Each example does what its first comment says, with the processes that it describes, here and on a cluster. */

// @ts-types="../types/std_assert.d.ts"
import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { type ProcessRecord, runProgram, type RunResult, TestCluster } from "deploy/testing";
import { withoutNotices } from "./system/helpers.ts";

function example(name: string): URL {
  return new URL(`../examples/${name}.ts`, import.meta.url);
}

/** What examples did here, for the comparison with a cluster. */
const ran = new Map<string, Promise<RunResult>>();

/** Runs `examples/<name>.ts`, once with these arguments. */
function runHere(name: string, args: string[]): Promise<RunResult> {
  const words = JSON.stringify([name, ...args]);
  const before = ran.get(words);
  if (before !== undefined) return before;
  const running = runProgram(example(name), { args });
  ran.set(words, running);
  return running;
}

/** Runs `examples/<name>.ts`, and checks that all of its processes succeed. */
async function runExample(name: string, ...args: string[]): Promise<RunResult> {
  const result = await runHere(name, args);
  assertEquals(withoutNotices(result.said), "");
  assertEquals(result.stderr, "");
  for (const process of result.processes) assertEquals(process.status, { code: 0 });
  assertEquals(result.code, 0);
  return result;
}

/** The first process, and all others. */
function family(result: RunResult): [ProcessRecord, ProcessRecord[]] {
  const [first, ...others] = result.processes;
  assert(first !== undefined);
  assertEquals(first.parent, null);
  return [first, others];
}

/** Checks that the first process started `count` others, and these none; returns all of them. */
function starOf(result: RunResult, count: number): [ProcessRecord, ProcessRecord[]] {
  const [first, others] = family(result);
  assertEquals(others.map(({ parent }) => parent), Array(count).fill(first.pid));
  return [first, others];
}

Deno.test("hello: the second process says hello, and who is whose parent", async () => {
  const [first, [second]] = starOf(await runExample("hello", "Ada"), 1);
  assert(second !== undefined);
  const [parent, child] = [first.pid.slice(0, 7), second.pid.slice(0, 7)];
  assertEquals(second.stdout, `Hello Ada! I am ${child}, and ${parent} started me.\n`);
  assertEquals(first.stdout, `I am ${parent}, and I started ${child}.\n`);
});

Deno.test("workers: ten say hello, and the first adds up what they send", async () => {
  const [first, others] = starOf(await runExample("workers"), 10);
  assertEquals(
    others.map(({ stdout }) => stdout),
    Array.from({ length: 10 }, (_, index) => `hello worker ${index}!\n`),
  );
  assertEquals(first.stdout, "total 4500!\n");
});

Deno.test("fibonacci: each process starts one for n - 1 and one for n - 2", async () => {
  const result = await runExample("fibonacci", "5");
  const [first, others] = family(result);
  assertEquals(first.stdout, "fib(5) = 5\n");
  assertEquals(others.length, 14);
  const children = result.processes.map(({ pid }) =>
    result.processes.filter(({ parent }) => parent === pid).length
  );
  // Of the 15 calls for fib(5), 8 are of fib(0) or fib(1), which start no processes.
  assertEquals(children.sort((a, b) => a - b), [...Array(8).fill(0), ...Array(7).fill(2)]);
});

Deno.test("fork_join: the lowest of what the processes find is printed", async () => {
  const [first, others] = starOf(await runExample("fork_join", "3", "1"), 3);
  const found = others.map(({ stdout }) => stdout.trimEnd());
  for (const line of found) {
    const [sha1, text, ...rest] = line.split(" ");
    assertEquals(rest, []);
    const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
    assertEquals(sha1, new Uint8Array(digest).toHex());
  }
  assertEquals(first.stdout, `lowest: ${found.sort()[0]}\n`);
});

Deno.test("all_to_all: each process hears from each of the others", async () => {
  const [first] = starOf(await runExample("all_to_all", "5"), 5);
  assertEquals(first.stdout, "5 processes, 20 messages, each as it should be\n");
});

Deno.test("process_pool: calls return and throw, and one that exits is replaced", async () => {
  const result = await runHere("process_pool", ["2"]);
  // Two processes, and the one in place of that which a task ended.
  const [first, others] = starOf(result, 3);
  assertEquals(first.stdout.trimEnd().split("\n"), [
    "78498 primes below a million, counted in 10 calls by 2 processes",
    "A task threw a RangeError.",
    "RangeError: Cannot count primes from -5: the first one is 2",
    'A task ended its process: {"code":3}',
    "The pool goes on: 2 processes find 25 primes below 100 each",
  ]);
  const codes = others.map(({ status }) => "code" in status ? status.code : status);
  assertEquals(codes.sort(), [0, 0, 3]);
  assertEquals(first.status, { code: 0 });
  assertEquals(result.code, 0);
});

Deno.test("pipeline: all rows arrive in order, and a pause of the reader stops the writer", async () => {
  const [first] = starOf(await runExample("pipeline", "400"), 3);
  const [pause = "", end] = first.stdout.trimEnd().split("\n");
  const batch = Number(/the writer stopped at batch (\d+) of 400$/.exec(pause)?.[1]);
  assertGreater(batch, 0);
  assertLess(batch, 300, "the pause of the reader did not stop the writer");
  assertEquals(end, "400000 rows arrived, in order");
});

Deno.test("word_count: the parts together are the text, and the counts are those of it", async () => {
  const [first, others] = starOf(await runExample("word_count", "4"), 4);
  const text = await Deno.readTextFile(new URL("../examples/data/moby_dick.txt", import.meta.url));
  const lengths = others.map(({ stdout }) => Number.parseInt(stdout));
  assertEquals(lengths.reduce((a, b) => a + b), text.length);
  // Counted in another way: each place where "the" is not part of a longer word.
  const alone = /(?<![\p{L}\p{N}]['’]?)the(?!['’]?[\p{L}\p{N}])/giu;
  const the = [...text.matchAll(alone)].length;
  const [top, ...rest] = first.stdout.trimEnd().split("\n");
  assertEquals(top, `${String(the).padStart(7)} the`);
  assertEquals(rest.length, 10);
  assertMatch(rest[9] ?? "", /^\d+ different words; one process alone counts the same$/);
});

Deno.test("hash_files: each file below a folder, in order, as sha256sum hashes it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/b`);
    // More than one read, so that a short read would be noticed.
    const contents = { "a": "", "b/1": "one\n", "b/2": "x".repeat(3_000_000), "c": "three\n" };
    const lines = await Promise.all(
      Object.entries(contents).map(async ([name, text]) => {
        await Deno.writeTextFile(`${folder}/${name}`, text);
        const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
        return `${new Uint8Array(digest).toHex()}  ${name}`;
      }),
    );
    const result = await runProgram(example("hash_files"), { args: [folder, "2"] });
    const [first] = starOf(result, 2);
    assertEquals(first.stdout, [...lines, "4 files, 3000010 bytes", ""].join("\n"));
    assertEquals(result.code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("monte_carlo: all processes together show their progress, and find the same π again", async () => {
  const [first] = starOf(await runExample("monte_carlo", "3", "400000"), 3);
  const [tenths, found] = [first.stdout.split("\n").slice(0, 10), first.stdout.split("\n")[10]];
  assertEquals(tenths, Array.from({ length: 10 }, (_, index) => `${(index + 1) * 10} %`));
  const [, about, inside] =
    /^π is about (\d\.\d+), by 400000 points, (\d+) of them inside$/.exec(found ?? "") ?? [];
  assertEquals(Number(about), 4 * Number(inside) / 400_000);
  // Four times the standard deviation of such an experiment; the seeds are the same each time.
  assertLess(Math.abs(Number(about) - Math.PI), 0.01);
});

Deno.test("pub_sub: subscribers read their topic, whole and in order, or as much as they want", async () => {
  const [first, others] = starOf(await runExample("pub_sub", "200"), 5);
  assertEquals(first.stdout, "passed on 400 articles\n");
  assertEquals(others.map(({ stdout }) => stdout).filter((text) => text !== "").sort(), [
    "read 1 articles on chess\n",
    "read 200 articles on bread\n",
    "read 200 articles on chess\n",
  ]);
});

Deno.test("web_server: it outlives a request that hangs, and one that ends its process", async () => {
  const result = await runProgram(example("web_server"));
  const [first, others] = family(result);
  assertEquals(first.stdout.trimEnd().split("\n"), [
    "/fibonacci?n=30: 200 832040",
    "/fibonacci?n=many: 400 n is not a number",
    "/fibonacci?n=20: 200 6765",
    "/fibonacci?n=100: 504 Task fibonacci has not ended after 2000 ms",
    '/crash: 502 its process ended: {"code":3}',
    "/fibonacci?n=10: 200 55",
    "/: 404 there are /fibonacci?n=30 and /crash",
  ]);
  const statuses = others.map(({ status }) => JSON.stringify(status));
  const failed = statuses.filter((status) => status !== '{"code":0}');
  assertEquals(failed.sort(), ['{"code":3}', '{"signal":"SIGKILL"}']);
  assertEquals(result.code, 0);
});

/** Arguments for the examples whose output does not depend on measurements: those of the tests above, if possible. */
const SAME = [
  { name: "workers", args: [] },
  { name: "fibonacci", args: ["5"] },
  { name: "all_to_all", args: ["5"] },
  { name: "process_pool", args: ["2"] },
  { name: "word_count", args: ["4"] },
  { name: "pipeline", args: ["400"] },
  { name: "hash_files", args: [] },
  { name: "monte_carlo", args: ["3", "400000"] },
  { name: "pub_sub", args: ["200"] },
  { name: "hello", args: ["Ada"] },
  { name: "fork_join", args: ["3", "1"] },
];

/** The examples that read files in the folder `data`. */
const WITH_DATA = ["word_count", "hash_files"];

/** The part of an output that is the same everywhere: Pids, and what chance decides, are replaced. */
function comparable(processes: readonly ProcessRecord[]): string[] {
  const text = (process: ProcessRecord) =>
    processes.reduce((all, { pid }) => all.replaceAll(pid.slice(0, 7), "<pid>"), process.stdout)
      .replace(/at batch \d+ of/, "at batch <n> of")
      .replaceAll(/[0-9a-f]{40} \S+/g, "<hash>")
      .replaceAll(/^\d+ jobs$/gm, "<n> jobs");
  const depth = (parent: string | null): number => {
    const found = processes.find(({ pid }) => pid === parent);
    return found === undefined ? 0 : 1 + depth(found.parent);
  };
  return processes.map((process) =>
    JSON.stringify([depth(process.parent), process.status, text(process)])
  ).sort();
}

Deno.test("examples behave on a cluster as they do here", async (t) => {
  await using cluster = await TestCluster.start();
  for (const { name, args } of SAME) {
    await t.step(name, async () => {
      const here = await runHere(name, args);
      const include = WITH_DATA.includes(name) ? [new URL("data", example(name)).pathname] : [];
      await using run = await cluster.deploy(example(name), { args, include });
      const deployed = await run.ended;
      assertEquals(withoutNotices(deployed.said), "");
      assertEquals(deployed.code, here.code);
      assertEquals(comparable(deployed.processes), comparable(here.processes));
    });
  }
});

Deno.test("an example with a bad argument says so in one line and exits with 2", async () => {
  const result = await runProgram(example("all_to_all"), { args: ["many"] });
  assertEquals(result.stderr, 'processes is "many"; expected a whole number, as in 6\n');
  assertEquals(result.code, 2);
});
