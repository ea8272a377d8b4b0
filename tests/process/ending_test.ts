/** The ends of a process, each in a process of its own, with a list instead of channels. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStringIncludes } from "@std/assert";

interface Expected {
  stdout?: string;
  /** Part of stderr; without it, stderr must be empty. */
  stderr?: string;
  code: number;
  will?: string;
}

const FIXTURE = new URL("../fixtures/process_ending.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;
const deno = Deno.env.get("DEPLOY_TEST_DENO") ?? Deno.execPath();

async function end(scenario: string, willPath: string | undefined): Promise<Expected> {
  const args = [scenario, ...(willPath === undefined ? [] : [willPath])];
  const { stdout, stderr, code } = await new Deno.Command(deno, {
    args: ["run", "-A", "--quiet", "--no-lock", "--config", CONFIG, FIXTURE, ...args],
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(60_000),
  }).output();
  const decoder = new TextDecoder();
  const found: Expected = { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  if (willPath === undefined) return found;
  try {
    found.will = await Deno.readTextFile(willPath);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

async function check(scenario: string, expected: Expected, willPath?: string): Promise<void> {
  const found = await end(scenario, willPath);
  const { stderr, ...rest } = found;
  const { stderr: _, ...wanted } = { stdout: "", ...expected };
  assertEquals(rest, wanted, stderr);
  if (expected.stderr === undefined) assertEquals(stderr, "");
  else assertStringIncludes(stderr ?? "", expected.stderr);
}

/** Ends that can wait: they are the same with and without a will. */
const ALIKE: Record<string, Expected> = {
  "natural end": { stdout: "flushed a\n", code: 0 },
  "natural end, nothing sent": { code: 0 },
  "natural end with an exit code": { stdout: "flushed a\n", code: 7 },
  "natural end with something pending": { stdout: "flushed a\n", code: 0 },
  "natural end, beforeunload sends": { stdout: "flushed a,b\n", code: 0 },
  "exit, nothing sent": { code: 3 },
  "error, nothing sent": { stderr: "Error: it broke", code: 1 },
  "returns": { stdout: "flushed a\n", code: 0 },
  "returns nothing sent": { stdout: "flushed \n", code: 0 },
  "returns with an exit code": { stdout: "flushed a\n", code: 6 },
  "returns with something pending": { stdout: "flushed a,b\n", code: 0 },
  "throws with something pending": { stderr: "Error: it broke", code: 1 },
  "error: listener of the prelude prevents": { stdout: "flushed a\n", code: 0 },
};

const WITH_WILL: Record<string, Expected> = {
  ...ALIKE,
  "throws, and the program handles it": { stdout: "handled it broke\nflushed a\n", code: 1 },
  "natural end, unload sends": { code: 0, will: "u" },
  "exit": { code: 3, will: "a" },
  "exit with the code that was set": { code: 8, will: "a" },
  "exit in node's way": { code: 4, will: "a" },
  "exit in a timer": { code: 3, will: "a" },
  "exit in a promise that nobody awaits": { code: 3, will: "a" },
  "exit that is caught": { code: 3, will: "a" },
  "exit with another error": { code: 3, will: "a" },
  "exit: listener of the prelude sends": { code: 3, will: "a,b" },
  "exit: listeners of the program send": { code: 3, will: "a,c,b" },
  "exits": { code: 3, will: "a" },
  "error": { stderr: "Uncaught Error: it broke", code: 1, will: "a" },
  "rejection": { stderr: "Uncaught (in promise) Error: it broke", code: 1, will: "a" },
  "error: listener of the prelude sends": { stderr: "Error: it broke", code: 1, will: "a,b" },
  "error: listener of the program prevents": { stdout: "flushed a\n", code: 0 },
  "throws": { stderr: "Uncaught (in promise) Error: it broke", code: 1, will: "a" },
  "throws undefined": { stderr: "Uncaught (in promise) undefined", code: 1, will: "a" },
};

const LOST =
  "deploy: Cannot store the values of this process that have not arrived; they are lost: ";

const UNWINDING: Record<string, Expected> = {
  ...ALIKE,
  "exit": { stdout: "flushed a\n", code: 3 },
  "exit with the code that was set": { stdout: "flushed a\n", code: 8 },
  "exit in node's way": { stdout: "flushed a\n", code: 4 },
  "exit in a timer": { stdout: "flushed a\n", code: 3 },
  "exit in a promise that nobody awaits": { stdout: "flushed a\n", code: 3 },
  "exit that is caught": { stdout: "caught ExitSignal\nflushed a\n", code: 3 },
  "exit with another error": {
    stdout: "flushed a\n",
    stderr: "Uncaught while exiting: Error: while exiting",
    code: 3,
  },
  "exits": { stdout: "flushed a\n", code: 3 },
  "throws, and the program handles it": {
    stdout: "flushed a\nhandled it broke\nflushed \n",
    code: 1,
  },
  "error": { stdout: "flushed a\n", stderr: "Uncaught Error: it broke", code: 1 },
  "rejection": {
    stdout: "flushed a\n",
    stderr: "Uncaught (in promise) Error: it broke",
    code: 1,
  },
  "error: listener of the prelude sends": {
    stdout: "flushed a,b\n",
    stderr: "Error: it broke",
    code: 1,
  },
  "throws": {
    stdout: "flushed a\n",
    stderr: "Uncaught (in promise) Error: it broke",
    code: 1,
  },
  "throws undefined": {
    stdout: "flushed a\n",
    stderr: "Uncaught (in promise) undefined",
    code: 1,
  },
};

for (const [scenario, expected] of Object.entries(WITH_WILL)) {
  Deno.test(`a process that may write a will: ${scenario}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await check(scenario, expected, `${folder}/will`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

for (const [scenario, expected] of Object.entries(UNWINDING)) {
  Deno.test(`a process that may not: ${scenario}`, () => check(scenario, expected));
}

/** What the process finds out only at its end: no file can be made there. */
const NO_PLACE = "/nowhere/will";

for (const scenario of ["exit", "exit that is caught", "exits", "error", "rejection", "throws"]) {
  Deno.test(`a process whose will cannot be written waits instead: ${scenario}`, () =>
    check(scenario, UNWINDING[scenario]!, NO_PLACE));
}

Deno.test("a process that can neither write its will nor wait says so, and fails", () =>
  check("natural end, unload sends", { stderr: LOST, code: 1 }, NO_PLACE));
