/** Trial boots find out what a program needs, and report what is wrong with it. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import { TrialBootError } from "../../src/core/trial_boot_error.ts";
import { trialBoot } from "../../src/host/trial_boot.ts";
import type { Logger } from "../../src/core/logger.ts";
import type { Program } from "../../src/host/program.ts";
import { isAlive, untilGone } from "../node/node_harness.ts";

const MOD = new URL("../../mod.ts", import.meta.url).href;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

const QUIET: Logger = {
  error: unexpected,
  warn: unexpected,
  about: unexpected,
  info() {},
  debug() {},
};

function unexpected(text: string): never {
  throw new Error(`It was not to log: ${text}`);
}

async function tried(
  source: string,
  use: (program: Program, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/main.ts`, `import { init } from "${MOD}";\n${source}`);
    const args = ["run", "-A", "--config", CONFIG, "--no-lock", "main.ts"];
    await use({ command: Deno.execPath(), args, cwd: folder }, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function outputOf({ output }: TrialBootError): string {
  return output.map(({ fd, bytes }) => `${fd}:${new TextDecoder().decode(bytes)}`).join("");
}

Deno.test("trialBoot() returns the resources of init(), and runs nothing after it", async () => {
  const signal = new AbortController().signal;
  const source = `
    await init({ resources: { mem: 12345, cpu: 2 } });
    Deno.writeTextFileSync("after", "");`;
  await tried(source, async (program, folder) => {
    assertEquals(await trialBoot(program, { logger: QUIET, signal }), { mem: 12345, cpu: 2 });
    await assertRejects(() => Deno.stat(`${folder}/after`), Deno.errors.NotFound);
  });
  await tried("await init();", async (program) => {
    assertEquals(await trialBoot(program, { logger: QUIET, signal }), {
      mem: 100 * 1024 ** 2,
      cpu: 1 / 16,
    });
  });
});

const FAILURES = [
  {
    what: "a prelude that throws",
    source: `console.log("out"); throw new RangeError("too early");`,
    message: "Cannot start: the program exited with 1 before await init()",
    output: "RangeError: too early",
  },
  {
    what: "a prelude that exits",
    source: `console.error("no licence"); Deno.exit(7);`,
    message: "Cannot start: the program exited with 7 before await init()",
    output: "2:no licence\n",
  },
  {
    what: "a program without init()",
    source: `console.log("Hello world");`,
    message: "Cannot start: the program exited with 0 before await init()",
    output: "1:Hello world\n",
  },
  {
    what: "init() that is wrong",
    source: `await init({ resources: { mem: -1 } });`,
    message: "Cannot start: the program exited with 1 before await init()",
    output: "TypeError: Cannot init(): resources.mem is -1",
  },
];

for (const { what, source, message, output } of FAILURES) {
  Deno.test(`trialBoot() tells of ${what}, with all that it wrote`, async () => {
    await tried(source, async (program) => {
      const signal = new AbortController().signal;
      const error = await assertRejects(
        () => trialBoot(program, { logger: QUIET, signal }),
        TrialBootError,
        message,
      );
      assertEquals(error.message, message);
      assert(outputOf(error).includes(output), outputOf(error));
    });
  });
}

/** The number that a program writes to the file `pid`, once it has. */
async function pidIn(folder: string): Promise<number> {
  for (;;) {
    const text = await Deno.readTextFile(`${folder}/pid`).catch(() => "");
    if (text.endsWith(".")) return parseInt(text);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("trialBoot() gives a program 10 s to reach init(), and ends all that it started", async () => {
  const source = `
    console.log("begun");
    const child = new Deno.Command("sleep", { args: ["1000"] }).spawn();
    Deno.writeTextFileSync("pid", child.pid + ".");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
  await tried(source, async (program, folder) => {
    const signal = new AbortController().signal;
    const timers: { ms: number; then: () => void }[] = [];
    const startTimer = (ms: number, then: () => void) => {
      timers.push({ ms, then });
      return () => {};
    };
    const booting = trialBoot(program, { logger: QUIET, signal, startTimer });
    const failing = assertRejects(
      () => booting,
      TrialBootError,
      "Cannot start: the program did not reach await init() within 10 s",
    );
    const pid = await pidIn(folder);
    assert(isAlive(pid));
    assertEquals(timers.map(({ ms }) => ms), [10_000]);
    timers[0]!.then();
    assertEquals(outputOf(await failing), "1:begun\n");
    await untilGone([pid]);
  });
});

Deno.test("an aborted trialBoot() ends the program at once", async () => {
  await tried(
    `Deno.writeTextFileSync("pid", Deno.pid + ".");
     Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`,
    async (program, folder) => {
      const stop = new AbortController();
      const never = () => () => {};
      const found = trialBoot(program, { logger: QUIET, signal: stop.signal, startTimer: never });
      found.catch(() => {}); // checked below
      const pid = await pidIn(folder);
      stop.abort(new Error("given up"));
      await assertRejects(() => found, Error, "given up");
      assertEquals(isAlive(pid), false);
    },
  );
});

Deno.test("trialBoot() reports a program that cannot be started at all", async () => {
  const signal = new AbortController().signal;
  const program = { command: "/nowhere/program", args: [], cwd: "/" };
  await assertRejects(
    () => trialBoot(program, { logger: QUIET, signal }),
    TrialBootError,
    "Cannot start: Failed to spawn '/nowhere/program'",
  );
});
