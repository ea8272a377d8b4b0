/** Programs that are told to stop, by a signal to their launcher. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { readOsProcess } from "../../src/host/os_process.ts";
import { descendantsOf } from "../../src/testing/os_processes.ts";
import { untilGone } from "../node/node_harness.ts";
import { IMPORTS } from "./api.ts";
import { within } from "../within.ts";
import { type RunningProgram, type RunOptions, startProgram, withoutNotices } from "./helpers.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

const END_SIGNALS = [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const;

/** Resolves when so many processes have printed `ready`. */
async function ready(program: RunningProgram, count: number): Promise<void> {
  const found = new Set<string>();
  await program.seen((event) => {
    if (event.event === "output" && "text" in event && /^ready$/m.test(event.text)) {
      found.add(event.pid);
    }
    return found.size === count;
  });
}

/** A busy machine may need it for what takes no time; what is left after it is killed. */
const LONG_GRACE = { DEPLOY_GRACE: "1m" };

/** Starts a program, given as the code after {@linkcode IMPORTS}. */
function start(source: string, options: RunOptions = {}): Promise<RunningProgram> {
  return startProgram(IMPORTS + source, { ...options, env: { ...LONG_GRACE, ...options.env } });
}

for (const [signal, code] of END_SIGNALS) {
  Deno.test(`${signal}: a process that listens for it ends by itself, and so does the run`, async () => {
    await using program = await start(
      `
      await init();
      Deno.addSignalListener("${signal}", async () => {
        say("saving");
        await sleep(200);
        await Deno.writeTextFile("saved", "all of it");
        say(await Deno.readTextFile("saved"));
        Deno.exit(Number(Deno.args[0]));
      });
      say("ready");
      await sleep(60_000);`,
      { args: ["0"] },
    );
    await ready(program, 1);
    program.child.kill(signal);
    const { code, processes: [first] } = await program.result;
    assertEquals([code, first?.status], [0, { code: 0 }]);
    assertEquals(first?.stdout, "ready\nsaving\nall of it\n");
  });

  Deno.test(`${signal}: a process that ignores it is killed after the grace, and the run ends with ${code}`, async () => {
    await using program = await start(
      `
      await init();
      Deno.addSignalListener("${signal}", () => say("told"));
      say("ready");
      await sleep(60_000);`,
      { env: { DEPLOY_GRACE: "600ms" } },
    );
    await ready(program, 1);
    const beginMs = performance.now();
    program.child.kill(signal);
    await program.seen(({ event }) => event === "exit");
    const ms = performance.now() - beginMs;
    assert(ms >= 600, `it was killed after ${ms} ms`);
    const { code: found, processes: [first] } = await program.result;
    assertEquals([found, first?.status], [code, { signal: "SIGKILL" }]);
    // In so short a time, a busy machine may not let it say that.
    assertMatch(first?.stdout ?? "", /^ready\n(told\n)?$/);
  });

  Deno.test(`${signal}: a process that does not listen for it is ended by it, also one that computes`, async () => {
    await using program = await start(`
      function work() { say("ready"); for (;;); }
      await init({ functions: { work } });
      await spawn(work);
      say("ready");
      await sleep(60_000);`);
    await ready(program, 2);
    program.child.kill(signal);
    const { code: found, processes } = await program.result;
    assertEquals(found, code);
    assertEquals(processes.map(({ status }) => status), [{ signal }, { signal }]);
  });
}

Deno.test("a run's exit code is the first process's own, if it ended by itself when it was told to", async () => {
  const LISTENS = (code: number) => `Deno.addSignalListener("SIGTERM", () => Deno.exit(${code}));`;
  const table: [what: string, first: string, worker: string, code: number][] = [
    ["both succeed", LISTENS(0), LISTENS(0), 0],
    ["its own code", LISTENS(7), LISTENS(0), 7],
    ["a worker fails", LISTENS(0), LISTENS(3), 101],
    ["a worker is ended by the signal", LISTENS(0), "", 0],
    ["it is ended by the signal", "", LISTENS(0), 143],
  ];
  for (const [what, first, worker, code] of table) {
    await using program = await start(`
      async function work() { ${worker} say("ready"); await sleep(60_000); }
      await init({ functions: { work } });
      ${first}
      await spawn(work);
      say("ready");
      await sleep(60_000);`);
    await ready(program, 2);
    program.child.kill("SIGTERM");
    assertEquals((await program.result).code, code, what);
  }
});

Deno.test("a signal to a run whose first process has ended makes the exit code, however the others end", async () => {
  await using program = await start(`
    async function work() {
      Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
      await new Promise((resolve) => setTimeout(resolve, 500));
      say("ready");
      await sleep(60_000);
    }
    await init({ functions: { work } });
    await spawn(work);`);
  await program.seen(({ event }) => event === "exit");
  await ready(program, 1);
  program.child.kill("SIGTERM");
  const { code, processes } = await program.result;
  assertEquals([code, processes.map(({ status }) => status)], [143, [{ code: 0 }, { code: 0 }]]);
});

Deno.test("cleanup of a program is done when its listener ends it", async () => {
  await using program = await start(`
    const atEnd = () => globalThis.addEventListener("unload", () => say("unload"));
    async function work() {
      atEnd();
      const told = new AbortController();
      Deno.addSignalListener("SIGINT", () => told.abort());
      try {
        say("ready");
        await new Promise((resolve) => told.signal.addEventListener("abort", resolve));
        say("told");
      } finally {
        say("finally");
      }
    }
    await init({ functions: { work } });
    atEnd();
    const worker = await spawn(work);
    Deno.addSignalListener("SIGINT", async () => {
      say(await wait(worker));
      Deno.exit(0);
    });
    say("ready");
    await sleep(60_000);`);
  await ready(program, 2);
  program.child.kill("SIGINT");
  const { code, processes } = await program.result;
  assertEquals(code, 0);
  assertEquals(processes.map(({ stdout }) => stdout), [
    `ready\n{"code":0}\nunload\n`,
    "ready\ntold\nfinally\nunload\n",
  ]);
});

for (
  const [api, listen] of [
    ["Deno", "Deno.addSignalListener"],
    ["Node", '(await import("node:process")).default.on'],
  ]
) {
  Deno.test(`what a prelude listens for, with ${api}, happens in the processes of the program, and only there`, async () => {
    await using program = await start(`
      ${listen}("SIGINT", () => {
        say("saving");
        Deno.exit(0);
      });
      globalThis.addEventListener("unload", () => say("unload"));
      async function work() {
        say("ready");
        await sleep(60_000);
      }
      await init({ functions: { work } });
      await spawn(work);
      say("ready");
      await sleep(60_000);`);
    await ready(program, 2);
    program.child.kill("SIGINT");
    const { code, processes } = await program.result;
    assertEquals(code, 0);
    assertEquals(processes.map(({ stdout }) => stdout), Array(2).fill("ready\nsaving\nunload\n"));
  });
}

Deno.test("sent values are delivered while a program stops, also by a process that exits", async () => {
  await using program = await start(
    `
    async function work(parent) {
      const sender = new Sender(parent);
      Deno.addSignalListener("SIGTERM", () => {
        for (let i = 0; i < 8; i++) sender.send(new Uint8Array(1_000_000).fill(i));
        Deno.exit(0);
      });
      say("ready");
      await sleep(60_000);
    }
    await init({ functions: { work } });
    const receiver = new Receiver(await spawn(work));
    Deno.addSignalListener("SIGTERM", async () => {
      let count = 0;
      for await (const value of receiver) {
        await sleep(20);
        if (value.length === 1_000_000 && value[999_999] === count) count++;
      }
      say("received", count);
      Deno.exit(0);
    });
    say("ready");
    await sleep(60_000);`,
  );
  await ready(program, 2);
  program.child.kill("SIGTERM");
  const { code, processes: [first] } = await program.result;
  assertEquals([code, first?.stdout], [0, "ready\nreceived 8\n"]);
});

Deno.test("a program that is told to stop spawns nothing more", async () => {
  await using program = await start(`
    function work() { say("too late"); }
    await init({ functions: { work } });
    Deno.addSignalListener("SIGTERM", async () => {
      const error = await failure(() => spawn(work));
      say(error.reason, error.message);
      Deno.exit(0);
    });
    say("ready");
    await sleep(60_000);`);
  await ready(program, 1);
  program.child.kill("SIGTERM");
  const { code, processes } = await program.result;
  const said = "ready\nlost Cannot start work(): the run is ending\n";
  assertEquals([code, processes.map(({ stdout }) => stdout)], [0, [said]]);
});

Deno.test("a second signal kills the remaining processes at once, and that is shown", async () => {
  await using program = await start(
    `
    const ignore = () => {
      for (const signal of ["SIGINT", "SIGTERM"]) Deno.addSignalListener(signal, () => say(signal));
      say("ready");
    };
    async function work() { ignore(); await sleep(60_000); }
    await init({ functions: { work } });
    await spawn(work);
    ignore();
    await sleep(60_000);`,
    { env: { DEPLOY_GRACE: "1h" } },
  );
  await ready(program, 2);
  program.child.kill("SIGINT");
  const told = new Set<string>();
  await program.seen((event) => {
    if (event.event === "output" && "text" in event && event.text === "SIGINT\n") {
      told.add(event.pid);
    }
    return told.size === 2;
  });
  program.child.kill("SIGINT");
  const { code, processes } = await program.result;
  assertEquals(code, 130);
  for (const { stdout, status } of processes) {
    assertEquals([stdout, status], ["ready\nSIGINT\n", { signal: "SIGKILL" }]);
  }
});

Deno.test("without a grace, the first signal kills", async () => {
  await using program = await start(
    `
    await init();
    Deno.addSignalListener("SIGTERM", () => say("told"));
    say("ready");
    await sleep(60_000);`,
    { env: { DEPLOY_GRACE: "0" } },
  );
  await ready(program, 1);
  program.child.kill("SIGTERM");
  const { code, processes: [first] } = await program.result;
  assertEquals([code, first?.stdout, first?.status], [143, "ready\n", { signal: "SIGKILL" }]);
});

Deno.test("the end by a signal is shown under the process's name", async () => {
  await using program = await start(
    `await init(); say("ready"); Deno.writeTextFileSync("started", ""); await sleep(60_000);`,
    { format: "human" },
  );
  await untilThere(`${program.directory}/started`);
  program.child.kill("SIGTERM");
  const { code, raw } = await program.result;
  assertEquals(code, 143);
  assertMatch(withoutNotices(raw.stderr), /^[0-9a-f]{7}\b.*:\n +exited: SIGTERM\n$/);
});

/** A program of two processes that record their signals in files. */
const NOTES = `
  import { init, spawn } from "deploy";
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  async function work() {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      Deno.addSignalListener(signal, async () => {
        Deno.writeTextFileSync("told-" + Deno.pid, signal + "\\n", { append: true });
        await sleep(500);
        Deno.exit(0);
      });
    }
    Deno.writeTextFileSync("started-" + Deno.pid, "");
    await sleep(60_000);
  }
  await init({ functions: { work } });
  await spawn(work);
  await work();`;

/** The OS processes that have written a file with this prefix, and its contents. */
function notes(folder: string, begin: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const { name } of Deno.readDirSync(folder)) {
    if (!name.startsWith(begin)) continue;
    found.set(Number(name.slice(begin.length)), Deno.readTextFileSync(`${folder}/${name}`));
  }
  return found;
}

async function until(holds: () => boolean, what: string): Promise<void> {
  await within(60_000, holds, () => `it is not so that ${what}`);
}

async function untilThere(path: string): Promise<void> {
  const isThere = () => {
    try {
      return Deno.statSync(path).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  };
  await until(isThere, `${path} is there`);
}

/** Runs a shell command on a terminal of its own. */
async function atTerminal(
  command: string,
  use: (folder: string, terminal: Deno.ChildProcess) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/main.ts`, NOTES);
  const tasks = { go: `${Deno.execPath()} run -A --config ${CONFIG} main.ts` };
  await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ tasks }));
  const terminal = new Deno.Command("script", {
    args: ["-qec", command, "/dev/null"],
    cwd: folder,
    env: { SHELL: "/bin/sh", ...LONG_GRACE },
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await until(() => notes(folder, "started-").size === 2, "both processes run");
    await use(folder, terminal);
    await untilGone([...notes(folder, "started-").keys()], 10_000);
  } finally {
    await terminal.stdin.close().catch(() => {}); // it has ended
    await terminal.status;
    await Deno.remove(folder, { recursive: true });
  }
}

const RUN = `exec ${Deno.execPath()} run -A --config ${CONFIG} main.ts`;

/** As it is called interactively; `deno task` passes on signals that the terminal has already sent. */
const AT_TERMINAL: [what: string, command: string][] = [
  ["of deno run", RUN],
  ["of deno task", `exec ${Deno.execPath()} task go`],
];

for (const [what, command] of AT_TERMINAL) {
  Deno.test({
    name: `Ctrl-C at the terminal ${what} tells each process once`,
    ignore: Deno.build.os !== "linux",
    fn: () =>
      atTerminal(command, async (folder, terminal) => {
        const writer = terminal.stdin.getWriter();
        await writer.write(new Uint8Array([3]));
        assertEquals((await terminal.status).code, 0);
        writer.releaseLock();
        assertEquals([...notes(folder, "told-").values()], ["SIGINT\n", "SIGINT\n"]);
      }),
  });

  Deno.test({
    name: `the end of the terminal ${what} is SIGHUP to each process, once`,
    ignore: Deno.build.os !== "linux",
    fn: () =>
      atTerminal(command, async (folder, terminal) => {
        terminal.kill("SIGKILL");
        await untilGone([...notes(folder, "started-").keys()], 10_000);
        assertEquals([...notes(folder, "told-").values()], ["SIGHUP\n", "SIGHUP\n"]);
      }),
  });
}

Deno.test({
  name: "Ctrl-Z at the terminal stops each process, and fg lets all go on",
  ignore: Deno.build.os !== "linux",
  fn: () =>
    atTerminal(RUN, async (folder, terminal) => {
      const processes = [...notes(folder, "started-").keys()];
      const all = await descendantsOf(terminal.pid);
      const launcher = all.find(({ id }) => id === processes[0])!.parent;
      const are = (isStopped: boolean) => () =>
        [launcher, ...processes].every((id) => (readOsProcess(id)?.state === "T") === isStopped);
      const writer = terminal.stdin.getWriter();
      await writer.write(new Uint8Array([26]));
      await until(are(true), "all are stopped");
      // The terminal stops with its program, and is the shell that has both go on.
      await until(() => {
        for (const id of [terminal.pid, launcher]) {
          if (readOsProcess(id)?.state === "T") Deno.kill(id, "SIGCONT");
        }
        return are(false)();
      }, "all go on");
      await writer.write(new Uint8Array([3]));
      assertEquals((await terminal.status).code, 0);
      writer.releaseLock();
    }),
});
