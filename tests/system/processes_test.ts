/** Processes of whole programs: init(), spawn(), wait() and kill(), and how processes end. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  type ProcessRecord,
  runProgram,
  type RunResult,
  startProgram,
  withoutNotices,
} from "./helpers.ts";

/** The first lines of every program here. */
const IMPORTS = `import { ChannelError, init, kill, pid, Receiver, resources, Sender, spawn,
  SpawnError, spawnable, trySpawn, wait } from "deploy";
`;

function firstOf(run: RunResult): ProcessRecord {
  const [first] = run.processes;
  assert(first !== undefined, `there is no first process: ${run.raw.stderr}`);
  return first;
}

/** The processes other than the first one. */
function othersOf(run: RunResult): readonly ProcessRecord[] {
  return run.processes.slice(1);
}

/** Checks that the run succeeded, and returns the output of the first process. */
function successOf(run: RunResult): string {
  const { stdout, stderr } = firstOf(run);
  const raw = withoutNotices(run.raw.stderr);
  assertEquals({ code: run.code, stderr, raw }, { code: 0, stderr: "", raw: "" });
  return stdout;
}

Deno.test("the program in the documentation of the module does what it says", async () => {
  const source = await Deno.readTextFile(new URL("../../mod.ts", import.meta.url));
  const block = /```ts ignore\n([^]*?)```/.exec(source)?.[1];
  assert(block !== undefined);
  const run = await runProgram(block.replaceAll(/^ \* ?/gm, ""));
  assertEquals(successOf(run), "total 4500!\n");
  assertEquals(
    othersOf(run).map(({ stdout, status }) => ({ stdout, status })),
    Array.from({ length: 10 }, (_, index) => ({
      stdout: `hello worker ${index}!\n`,
      status: { code: 0 },
    })),
  );
});

Deno.test("init() resolves in the first process only, and the prelude runs in each", async () => {
  const run = await runProgram(`${IMPORTS}
    let prelude = 0;
    function work() { console.log("work", prelude); }
    prelude++;
    await init({ functions: { work } });
    console.log("main", prelude);
    await spawn(work);`);
  assertEquals(successOf(run), "main 1\n");
  assertEquals(othersOf(run).map((each) => each.stdout), ["work 1\n"]);
  assertEquals(othersOf(run).map((each) => each.parent), [firstOf(run).pid]);
});

Deno.test("each process knows its Pid, its parent's, and its resources", async () => {
  const run = await runProgram(`${IMPORTS}
    function work(parent) { console.log(parent, pid(), resources().mem, resources().cpu); }
    await init({ functions: { work }, resources: { mem: 5000000, cpu: 0.5 } });
    console.log(pid(), resources().mem, resources().cpu);
    console.log(await spawn(work, undefined, { cpu: 2 }), Object.isFrozen(resources()));`);
  const [first, other] = run.processes;
  assert(first !== undefined && other !== undefined);
  assertEquals(successOf(run), `${first.pid} 5000000 0.5\n${other.pid} true\n`);
  assertEquals(other.stdout, `${first.pid} ${other.pid} 104857600 2\n`);
});

Deno.test("a new process has its parent's arguments, environment and directory", async () => {
  const run = await runProgram(
    `${IMPORTS}
    const show = () => console.log(JSON.stringify([
      Deno.args, Deno.cwd(), Deno.env.get("GIVEN"), Deno.env.get("CHANGED"), Deno.env.get("GONE"),
      Object.keys(Deno.env.toObject()).filter((name) => name === "DEPLOY_PROCESS"),
    ]));
    async function inner() { show(); }
    async function outer() {
      show();
      Deno.env.set("CHANGED", "twice");
      await spawn(inner);
    }
    await init({ functions: { inner, outer } });
    show();
    Deno.mkdirSync("below");
    Deno.chdir("below");
    Deno.env.set("CHANGED", "once");
    Deno.env.delete("GONE");
    await spawn(outer);`,
    { args: ["a b", "--c", ""], env: { GIVEN: "g", CHANGED: "no", GONE: "not yet" } },
  );
  const first = JSON.parse(successOf(run));
  const args = ["a b", "--c", ""];
  const cwd = first[1];
  assertEquals(first, [args, cwd, "g", "no", "not yet", []]);
  assertEquals(othersOf(run).map(({ stdout }) => JSON.parse(stdout)), [
    [args, `${cwd}/below`, "g", "once", null, []],
    [args, `${cwd}/below`, "g", "twice", null, []],
  ]);
});

Deno.test("spawn() carries the values of a channel", async () => {
  const run = await runProgram(`${IMPORTS}
    function work(_parent, arg) { console.log(arg, arg.self === arg); }
    await init({ functions: { work } });
    const arg = { n: -0, big: 5n, map: new Map([[1, new Set("x")]]), none: undefined };
    arg.self = arg;
    await spawn(work, arg);
    await spawn(work, { self: "á".repeat(3) });
    try { await spawn(work, { jobs: [{ run() {} }] }); } catch (e) { console.log(String(e)); }`);
  assertEquals(
    successOf(run),
    "TypeError: value.jobs[0].run is a function; functions cannot be sent\n",
  );
  const [first, second] = othersOf(run);
  assertStringIncludes(first?.stdout ?? "", "-0");
  assertStringIncludes(first?.stdout ?? "", "5n");
  assertMatch(first?.stdout ?? "", /true\n$/);
  assertStringIncludes(second?.stdout ?? "", "ááá");
});

Deno.test("spawn() before init() says what to await, and a prelude that fails ends the run", async () => {
  const run = await runProgram(`${IMPORTS}
    const work = spawnable("test/work", () => {});
    await spawn(work);`);
  assertEquals(run.processes, []);
  assertEquals(run.code, 1);
  assertStringIncludes(run.raw.stderr, "Cannot spawn: await init() first");
});

Deno.test("a library's function is spawned without being named in init()", async () => {
  const run = await runProgram(
    `${IMPORTS}
    import { greet } from "./library.ts";
    await init();
    console.log(await wait(await spawn(greet, "you")));`,
    {
      files: {
        "library.ts": `import { spawnable } from "deploy";
          export const greet = spawnable("lib/greet", (_parent, name) => console.log("hello", name));`,
      },
    },
  );
  assertEquals(successOf(run), "{ code: 0 }\n");
  assertEquals(othersOf(run).map(({ stdout }) => stdout), ["hello you\n"]);
});

Deno.test("spawn() rejects a function that is not registered", async () => {
  const run = await runProgram(`${IMPORTS}
    await init();
    try { await spawn(function work() {}); } catch (error) {
      console.log(error instanceof SpawnError, error.reason, error.message);
    }`);
  assertMatch(successOf(run), /^true unregistered Cannot spawn work\(\): it is not registered; /);
});

Deno.test("spawn() rejects with the output of a process that died before its function", async () => {
  const run = await runProgram(
    `${IMPORTS}
    function work() {}
    if (Deno.args.length === 0 && Deno.readTextFileSync("state") === "broken") {
      console.log("to stdout");
      console.error("the prelude is broken");
      Deno.exit(7);
    }
    await init({ functions: { work } });
    Deno.writeTextFileSync("state", "broken");
    try { await spawn(work); } catch (error) {
      console.log(error instanceof SpawnError, error.reason, error.message);
    }`,
    { files: { state: "good" } },
  );
  const said = successOf(run);
  assertMatch(said, /^true not-started /);
  assertStringIncludes(said, "7");
  assertStringIncludes(said, "the prelude is broken");
  assertEquals(run.processes.length, 1);
});

Deno.test("spawn() rejects if the function is registered here only", async () => {
  const run = await runProgram(`${IMPORTS}
    await init();
    const work = spawnable("late/work", () => {});
    try { await spawn(work); } catch (error) { console.log(error.reason, error.message); }`);
  const said = successOf(run);
  assertMatch(said, /^not-started /);
  assertStringIncludes(
    said,
    "Cannot run late/work: no such function is registered in this process",
  );
});

Deno.test("a chain of processes is 10 deep, and values come all the way back", async () => {
  const run = await runProgram(`${IMPORTS}
    async function link(parent, depth) {
      const sender = new Sender(parent);
      if (depth === 10) return await sender.send([depth]);
      const receiver = new Receiver(await spawn(link, depth + 1));
      await sender.send([depth, ...await receiver.recv()]);
    }
    await init({ functions: { link } });
    console.log((await new Receiver(await spawn(link, 1)).recv()).join());`);
  assertEquals(successOf(run), "1,2,3,4,5,6,7,8,9,10\n");
  for (const [index, process] of othersOf(run).entries()) {
    assertEquals(process.parent, run.processes[index]?.pid);
    assertEquals(process.status, { code: 0 });
  }
});

Deno.test("wait() returns how a process ended, before and after, to every caller", async () => {
  const run = await runProgram(`${IMPORTS}
    async function work(parent) {
      await new Receiver(parent).recv();
      Deno.exit(3);
    }
    async function ask(_parent, other) { console.log(await wait(other)); }
    await init({ functions: { work, ask } });
    const other = await spawn(work);
    const asking = await spawn(ask, other);
    const both = [wait(other), wait(other)];
    await new Sender(other).send("go");
    console.log(await Promise.all(both), await wait(asking), await wait(other));
    const unknown = pid().replace(/^......../, "00000000");
    try { await wait(unknown); } catch (error) { console.log(error.name, error.message.includes(unknown)); }
    try { await kill(unknown); } catch (error) { console.log(error.name, error.message.includes(unknown)); }
    try { await wait(pid()); } catch (error) { console.log(error.message.includes("it is this process")); }`);
  assertEquals(
    firstOf(run).stdout,
    "[ { code: 3 }, { code: 3 } ] { code: 0 } { code: 3 }\nError true\nError true\ntrue\n",
  );
  assertEquals(firstOf(run).stderr, "");
  assertEquals(othersOf(run).map(({ stdout }) => stdout), ["", "{ code: 3 }\n"]);
  assertEquals(run.code, 0);
});

Deno.test("kill() ends a process that computes, and its children", async () => {
  const run = await runProgram(`${IMPORTS}
    async function work(parent) {
      const { pid } = new Deno.Command("sleep", { args: ["1000"] }).spawn();
      const sender = new Sender(parent);
      await sender.send(pid);
      await sender.close();
      while (true);
    }
    const runs = (id) => {
      try {
        return Deno.readTextFileSync("/proc/" + id + "/stat").split(") ")[1][0] !== "Z";
      } catch { return false; }
    };
    await init({ functions: { work } });
    const other = await spawn(work);
    const sleeper = await new Receiver(other).recv();
    console.log(runs(sleeper));
    await kill(other);
    console.log(await wait(other));
    await kill(other);
    while (runs(sleeper)) await new Promise((resolve) => setTimeout(resolve, 5));
    console.log("gone");`);
  assertEquals(firstOf(run).stdout, 'true\n{ signal: "SIGKILL" }\ngone\n');
  assertEquals(othersOf(run).map(({ status }) => status), [{ signal: "SIGKILL" }]);
  assertEquals(run.code, 0);
});

Deno.test("kill() of oneself ends the process there", async () => {
  const run = await runProgram(`${IMPORTS}
    async function work() { await kill(pid()); console.log("not reached"); }
    await init({ functions: { work } });
    console.log(await wait(await spawn(work)));`);
  assertEquals(firstOf(run).stdout, '{ signal: "SIGKILL" }\n');
  assertEquals(othersOf(run).map(({ stdout }) => stdout), [""]);
});

Deno.test("exit codes: of functions that return, throw and exit, at any depth", async () => {
  const run = await runProgram(`${IMPORTS}
    const functions = {
      returns() {},
      async throwsError() { await 1; throw new Error("it broke"); },
      throwsText() { throw "just text"; },
      throwsUndefined() { throw undefined; },
      rejects() { Promise.reject(new Error("nobody handles it")); return new Promise(() => {}); },
      async throwsLater(parent) {
        setTimeout(() => { throw new Error("in a timer"); });
        await wait(parent);
      },
      exits() { (() => { try { Deno.exit(5); } finally { console.log("not reached"); } })(); },
      async exitsLater(parent) { setTimeout(() => Deno.exit(6)); await wait(parent); },
      async exitsInNode() { (await import("node:process")).default.exit(7); },
      sets() { Deno.exitCode = 8; },
    };
    await init({ functions });
    for (const fn of Object.values(functions)) console.log(JSON.stringify(await wait(await spawn(fn))));`);
  assertEquals(firstOf(run).stderr, "");
  const codes = firstOf(run).stdout.trimEnd().split("\n").map((line) => JSON.parse(line).code);
  assertEquals(codes, [0, 1, 1, 1, 1, 1, 5, 6, 7, 8]);
  assertEquals(othersOf(run).map(({ stdout }) => stdout).join(""), "");
  const errors = othersOf(run).map(({ stderr }) => stderr);
  assertMatch(errors[1] ?? "", /Uncaught .*Error: it broke\n[^]*main\.ts:\d+:\d+/);
  assertMatch(errors[2] ?? "", /Uncaught .*just text/);
  assertMatch(errors[3] ?? "", /Uncaught .*undefined/);
  assertMatch(errors[4] ?? "", /Uncaught .*Error: nobody handles it/);
  assertMatch(errors[5] ?? "", /Uncaught .*Error: in a timer/);
  assertEquals([errors[0], ...errors.slice(6)], ["", "", "", "", ""]);
  assertEquals(run.code, 0);
});

Deno.test("the run's exit code is the first process's own, if that is not 0", async () => {
  const table: [string, number][] = [
    ["", 0],
    ["Deno.exitCode = 4;", 4],
    ["Deno.exit(5);", 5],
    ["setTimeout(() => Deno.exit(6), 1);", 6],
    ["throw new Error('it broke');", 1],
    ["Deno.kill(Deno.pid, 'SIGKILL'); await new Promise(() => {});", 137],
    ["await spawn(fails);", 101],
    ["await wait(await spawn(fails));", 0],
    ["await spawn(fails); Deno.exit(9);", 9],
  ];
  for (const [end, code] of table) {
    const run = await runProgram(`${IMPORTS}
      function fails() { Deno.exit(3); }
      await init({ functions: { fails } });
      ${end}`);
    assertEquals(run.code, code, end);
  }
});

/** Ways for a process to end with values in flight, and its exit code. */
const ENDS: [string, number][] = [
  ["", 0],
  ["await sender.close();", 0],
  ["Deno.exit(5);", 5],
  ["setTimeout(() => Deno.exit(6)); await new Promise(() => {});", 6],
  ["(await import('node:process')).default.exit(7);", 7],
  ["throw new Error('it broke');", 1],
  ["Promise.reject(new Error('it broke')); await new Promise(() => {});", 1],
];

/** A process that sends 900 kB, more than a socket holds unread, and ends without waiting. */
const SENDS = `const sender = new Sender(remote);
  for (let i = 0; i < 9; i++) await sender.send(new Uint8Array(100_000).fill(i));`;

/** Reads that, late, and prints how it ended. */
const RECEIVES = `const receiver = new Receiver(remote);
  let sum = 0, count = 0;
  try {
    for (;;) { for (const byte of await receiver.recv()) sum += byte; count++; }
  } catch (error) {
    console.log(count, sum, error instanceof ChannelError, error.kind);
    if (count < 9) console.error(error.message);
  }`;

/** A program whose first process reads what spawned ones send, of which each ends in one of these ways. */
function readsSpawned(ends: readonly string[]): string {
  return `${IMPORTS}
      const ends = [${ends.map((end) => `async (sender) => { ${end} }`).join(", ")}];
      async function work(remote, end) { ${SENDS} await ends[end](sender); }
      await init({ functions: { work } });
      for (const end of ends.keys()) {
        const remote = await spawn(work, end);
        const ended = wait(remote);
        ${RECEIVES}
        console.log((await ended).code);
      }`;
}

/** What it prints. */
function saysOfSpawned(ends: readonly [string, number][]): string {
  return ends.map(([end, code]) => `9 3600000 true ${kindOf(end, code)}\n${code}\n`).join("");
}

function kindOf(end: string, code: number): string {
  return end.includes("close") ? "closed" : code === 0 ? "exited" : "failed";
}

/** The ways alone. */
const WAYS = ENDS.map(([end]) => end);

Deno.test("the values of a spawned process arrive, however it ends", async () => {
  const run = await runProgram(readsSpawned(WAYS));
  assertEquals(firstOf(run).stdout, saysOfSpawned(ENDS), run.stderr);
});

Deno.test("the values of the first process arrive, however it ends, and others outlive it", async () => {
  for (const [end, code] of ENDS) {
    const run = await runProgram(`${IMPORTS}
      async function work(remote) { ${RECEIVES} }
      await init({ functions: { work } });
      const remote = await spawn(work);
      ${SENDS} ${end}`);
    const kind = kindOf(end, code);
    const said = `${end} ${run.stderr}${run.raw.stderr}`;
    assertEquals(othersOf(run).map(({ stdout }) => stdout), [`9 3600000 true ${kind}\n`], said);
    assertEquals(run.code, code, end);
  }
});

Deno.test("the values of a process without write permission still arrive", async () => {
  const flags = ["--allow-net", "--allow-env", "--allow-read", "--allow-run"];
  const run = await runProgram(readsSpawned(WAYS), { flags });
  assertEquals(firstOf(run).stdout, saysOfSpawned(ENDS), run.stderr);
  const said = othersOf(run).map(({ stderr }) => stderr);
  assertEquals(said.map((text) => text !== ""), ENDS.map(([, code]) => code === 1), run.stderr);
});

Deno.test("without a folder for temporary files values still arrive, and one line says so", async () => {
  const ends = ENDS.filter(([end]) => /Deno.exit|throw/.test(end));
  const run = await runProgram(readsSpawned(ends.map(([end]) => end)), {
    env: { TMPDIR: "/nowhere" },
  });
  assertEquals(firstOf(run).stdout, saysOfSpawned(ends), run.stderr);
  assertEquals(withoutNotices(run.raw.stderr).split("\n").length, 2, run.raw.stderr);
  assert(run.raw.stderr.includes("cannot write to /nowhere"), run.raw.stderr);
});

Deno.test("a process ends without a receiver that is gone", async () => {
  const run = await runProgram(`${IMPORTS}
    async function work(parent) {
      const sender = new Sender(parent);
      await sender.send(1);
      await sender.send(2);
    }
    await init({ functions: { work } });
    const remote = await spawn(work);
    console.log(await new Receiver(remote).recv());
    Deno.exit(0);`);
  assertEquals(successOf(run), "1\n");
  assertEquals(othersOf(run).map(({ status }) => status), [{ code: 0 }]);
});

Deno.test("a pending recv keeps a process alive, an idle channel does not", async () => {
  const run = await runProgram(`${IMPORTS}
    async function late(parent) {
      await new Receiver(parent).recv();
      setTimeout(() => {}, 1000);
      await new Sender(parent).send("late");
    }
    function idle(parent) { new Sender(parent); new Receiver(parent); }
    await init({ functions: { late, idle } });
    const pid = await spawn(late);
    new Receiver(pid).recv().then((value) => console.log(value));
    const idler = await spawn(idle);
    new Sender(idler);
    new Sender(pid).send("go");`);
  assertEquals(successOf(run), "late\n");
});

Deno.test("work that a function began and did not await is finished first", async () => {
  const run = await runProgram(`${IMPORTS}
    function inner(_parent, text) { console.log(text); }
    function work(parent) {
      new Receiver(parent).recv()
        .then((value) => spawn(inner, value))
        .then((pid) => wait(pid))
        .then((status) => new Sender(parent).send(status));
    }
    await init({ functions: { work, inner } });
    const pid = await spawn(work);
    await new Sender(pid).send("started late");
    console.log(await new Receiver(pid).recv());`);
  assertEquals(successOf(run), "{ code: 0 }\n");
  assertEquals(othersOf(run).map(({ stdout }) => stdout), ["", "started late\n"]);
});

Deno.test("all that a process wrote arrives before its exit does", async () => {
  const run = await runProgram(`${IMPORTS}
    function work() {
      for (let i = 0; i < 20; i++) console.log("x".repeat(50_000));
      console.error("y".repeat(500_000));
      Deno.exit(2);
    }
    await init({ functions: { work } });
    await spawn(work);`);
  const [other] = othersOf(run);
  assertEquals(other?.stdout, ("x".repeat(50_000) + "\n").repeat(20));
  assertEquals(other?.stderr, "y".repeat(500_000) + "\n");
  assertEquals(other?.status, { code: 2 });
});

Deno.test("the first process reads the stdin of the run", async () => {
  const run = await runProgram(
    `${IMPORTS}
    await init();
    console.log((await new Response(Deno.stdin.readable).text()).toUpperCase());`,
    { stdin: "some text" },
  );
  assertEquals(successOf(run), "SOME TEXT\n");
});

Deno.test("Ctrl-C ends every process", async () => {
  await using program = await startProgram(`${IMPORTS}
    async function work(parent) { console.log("up"); await wait(parent); }
    function busy() { console.log("up"); while (true); }
    await init({ functions: { work, busy } });
    await spawn(work);
    await spawn(busy);
    await new Promise(() => setInterval(() => {}, 1000));`);
  let up = 0;
  await program.seen((event) => event.event === "output" && ++up === 2);
  program.child.kill("SIGINT");
  const run = await program.result;
  assertEquals(run.code, 130);
  assertEquals(run.processes.map(({ status }) => status), Array(3).fill({ signal: "SIGINT" }));
});
