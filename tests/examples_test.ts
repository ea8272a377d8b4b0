/** Each example does what the comment on top of it says, and its processes are those it speaks of. */

// @ts-types="../types/std_assert.d.ts"
import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { type ProcessRecord, runProgram, type RunResult } from "deploy/testing";

function example(name: string): URL {
  return new URL(`../examples/${name}.ts`, import.meta.url);
}

/** Runs `examples/<name>.ts`, and checks that all of its processes succeed. */
async function runExample(name: string, ...args: string[]): Promise<RunResult> {
  const result = await runProgram(example(name), { args });
  assertEquals(result.said, "");
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

/** Checks that the first process started `count` others, and they none; gives them all. */
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
  // Of the 15 calls that fib(5) takes, 8 are of fib(0) or fib(1), which start none.
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
    // One string in 16 has a hash this low, and a second is enough for thousands.
    assertMatch(line, /^0/);
  }
  assertEquals(first.stdout, `lowest: ${found.sort()[0]}\n`);
});

Deno.test("all_to_all: each process hears from each of the others", async () => {
  const [first] = starOf(await runExample("all_to_all", "5"), 5);
  assertEquals(first.stdout, "5 processes, 20 messages, each as it should be\n");
});

Deno.test("process_pool: calls return and throw, and one that exits is replaced", async () => {
  const result = await runProgram(example("process_pool"), { args: ["2"] });
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
  assertGreater(batch, 1);
  assertLess(batch, 300, "the pause of the reader did not stop the writer");
  assertEquals(end, "400000 rows arrived, in order");
});

Deno.test("word_count: the parts together are the text, and the counts are those of it", async () => {
  const [first, others] = starOf(await runExample("word_count", "4"), 4);
  const text = await Deno.readTextFile(new URL("../examples/data/moby_dick.txt", import.meta.url));
  const lengths = others.map(({ stdout }) => Number.parseInt(stdout));
  assertEquals(lengths.reduce((a, b) => a + b), text.length);
  // Counted by other means than words: each place where "the" is no part of a longer one.
  const alone = /(?<![\p{L}\p{N}]['’]?)the(?!['’]?[\p{L}\p{N}])/giu;
  const the = [...text.matchAll(alone)].length;
  const [top, ...rest] = first.stdout.trimEnd().split("\n");
  assertEquals(top, `${String(the).padStart(7)} the`);
  assertEquals(rest.length, 10);
  assertMatch(rest[9] ?? "", /^\d+ different words; one process alone counts the same$/);
});

Deno.test("an example with a bad argument says so in one line and exits with 2", async () => {
  const result = await runProgram(example("all_to_all"), { args: ["many"] });
  assertEquals(result.stderr, 'processes is "many"; expected a whole number, as in 6\n');
  assertEquals(result.code, 2);
});
