/** The output of a program on the terminal, and as data: exact lines, exact bytes. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { untilGone } from "../node/node_harness.ts";
import { IMPORTS } from "./api.ts";
import {
  type JsonEvent,
  type RunOptions,
  runProgram,
  startProgram,
  withoutNotices,
} from "./helpers.ts";
import { commandFor, way } from "./ways.ts";

/** Runs a program in the human format; `shell` redirects its streams. */
async function shown(
  source: string,
  shell: "2>&1" | "2>/dev/null" | "2>&1 >/dev/null" | ">/dev/null 2>&1; echo $?",
  options: RunOptions = {},
): Promise<string> {
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-test-" }));
  try {
    await Deno.writeTextFile(`${directory}/main.ts`, IMPORTS + source);
    const deno = Deno.env.get("DEPLOY_TEST_DENO") ?? Deno.execPath();
    const { args = [], flags = ["-A"], env = {} } = options;
    const command = await commandFor(directory, { args, flags, env, deno, format: "human" });
    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `"$@" ${shell}`, "sh", command.path, ...command.args],
      cwd: directory,
      env: command.env,
      stdin: "null",
      stderr: "inherit",
      signal: AbortSignal.timeout(120_000),
    }).output();
    return new TextDecoder().decode(stdout);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** The output, with Pids numbered in the order of their appearance, and without progress. */
function named(text: string): string {
  const names = new Map<string, string>();
  return text.replaceAll(/^deploy: .*\n/gm, "").replaceAll(/\b[0-9a-f]{7}\b/g, (name) => {
    if (!names.has(name)) names.set(name, `P${names.size}`);
    return names.get(name) ?? "";
  }).replaceAll(/^P0 main:/gm, "P0 main.ts:"); // as an executable, it is called main
}

Deno.test("where stdout and stderr are one, lines appear in the order in which a process wrote them", async () => {
  const text = await shown(
    `
    const encoder = new TextEncoder();
    async function worker() {
      for (let index = 0; index < 50; index++) {
        console.log("out", index);
        console.error("err", index);
        Deno.stdout.writeSync(encoder.encode("half "));
        Deno.stderr.writeSync(encoder.encode("whole\\n"));
        const child = new Deno.Command("sh", { args: ["-c", "echo child out; echo child err >&2"] });
        if (index === 20) await child.spawn().status;
      }
    }
    await init({ functions: { worker } });
    await worker();
    await wait(await spawn(worker));`,
    "2>&1",
  );
  const expected = Array.from({ length: 50 }, (_, index) => [
    `out ${index}`,
    `err ${index}`,
    "half whole",
    ...(index === 20 ? ["child out", "child err"] : []),
  ]).flat();
  const written = text.split("\n").filter((line) => /out|err|half/.test(line));
  assertEquals(written.map((line) => line.trimStart()), [...expected, ...expected]);
});

Deno.test("the program of the documentation is shown as documented", async () => {
  const text = await shown(
    `
    async function worker(parent, job) {
      console.log(job.greeting);
      await using sender = new Sender(parent);
      await sender.send(job.index * 100);
    }
    await init({ functions: { worker } });
    const pid = await spawn(worker, { index: 45, greeting: "hello worker 0!" });
    const receiver = new Receiver(pid);
    const total = await receiver.recv();
    await wait(pid);
    console.log(\`total \${total}!\`);`,
    "2>&1",
  );
  assertEquals(
    named(text),
    `P0 main.ts:
   spawned: P1 worker
P1 worker:
   hello worker 0!
   exited
P0 main.ts:
   total 4500!
   exited
`,
  );
});

Deno.test("the ends of processes are named: codes and signals", async () => {
  const text = await shown(
    `
    function work(_parent, code) { if (code === 0) Deno.kill(Deno.pid, "SIGKILL"); Deno.exit(code); }
    await init({ functions: { work } });
    for (const code of [3, 0]) await wait(await spawn(work, code));
    Deno.exit(4);`,
    "2>&1",
  );
  assertEquals(
    named(text),
    "P0 main.ts:\n   spawned: P1 work\nP1 work:\n   exited: 3\nP0 main.ts:\n   spawned: P2 work\nP2 work:\n   exited: SIGKILL\n" +
      "P0 main.ts:\n   exited: 4\n",
  );
});

Deno.test("an unfinished line is ended on the screen, and not in the output itself", async () => {
  const source = `
    function work(_parent, text) { Deno.stdout.writeSync(new TextEncoder().encode(text)); }
    await init({ functions: { work } });
    for (const text of ["one", "two\\n\\n 2", ""]) await wait(await spawn(work, text));
    Deno.stdout.writeSync(new TextEncoder().encode("end"));`;
  assertEquals(
    named(await shown(source, "2>&1")),
    `P0 main.ts:
   spawned: P1 work
P1 work:
   one
   exited
P0 main.ts:
   spawned: P2 work
P2 work:
   two
${"   "}
    2
   exited
P0 main.ts:
   spawned: P3 work
P3 work:
   exited
P0 main.ts:
   end
   exited
`,
  );
  // A separate stdout contains only what was written.
  assertEquals(await shown(source, "2>/dev/null"), "onetwo\n\n 2end");
});

Deno.test("where stdout is another place, stderr has headings and lines of stderr alone", async () => {
  const source = `
    function work() { console.log("out"); console.error("err"); console.log("out"); }
    await init({ functions: { work } });
    const write = (stream, text) => stream.writeSync(new TextEncoder().encode(text));
    write(Deno.stdout, "unfinished");
    write(Deno.stderr, "one, ");
    write(Deno.stdout, "unfinished");
    write(Deno.stderr, "two");
    await wait(await spawn(work));
    console.log("end");`;
  assertEquals(
    named(await shown(source, "2>&1 >/dev/null")),
    `P0 main.ts:
   one, two
   spawned: P1 work
P1 work:
   err
   exited
P0 main.ts:
   exited
`,
  );
});

Deno.test("a character that is cut in two is shown whole, in both formats", async () => {
  const source = `
    async function work() {
      for (const byte of new TextEncoder().encode("é€\\u{1F600}")) {
        Deno.stdout.writeSync(new Uint8Array([byte]));
        await sleep(30);
      }
      Deno.stderr.writeSync(new Uint8Array([0xff, 0xe2, 0x82]));
    }
    await init({ functions: { work } });
    await wait(await spawn(work));`;
  const run = await runProgram(IMPORTS + source);
  const of = (fd: 1 | 2) =>
    run.events.flatMap((e) => e.event === "output" && e.fd === fd ? [e] : []);
  // However the bytes were read, each text consists of whole characters, and other bytes are base64.
  assertEquals(of(1).map((event) => "text" in event && event.text).join(""), "é€\u{1F600}");
  const rest = of(2).flatMap((event) => "base64" in event ? [...atob(event.base64)] : ["text"]);
  assertEquals(rest.join(""), "\xff\xe2\x82");
  const alone = source.replace(/Deno\.stderr.*\n/, "");
  assertMatch(named(await shown(alone, "2>&1")), /^P1 work:\n {3}é€\u{1F600}\n/mu);
});

Deno.test("the events are these lines, with the keys in this order, and nothing else", async () => {
  const run = await runProgram(`${IMPORTS}
    function work() { console.error("to stderr"); Deno.exit(2); }
    await init({ functions: { work } });
    const other = await spawn(work);
    await wait(other);
    console.log('a "b"\\t\\u2028é');`);
  const [first, other] = run.processes.map(({ pid }) => pid);
  const [spawn] = run.events;
  assert(spawn?.event === "spawn");
  assertEquals(spawn.node === null, way !== "deployed", "a local run has no node");
  const main = way === "compiled" ? "main" : "main.ts";
  // On a cluster, each may be on a different node.
  const [node, otherNode] = run.events
    .flatMap((event) => event.event === "spawn" ? [JSON.stringify(event.node)] : []);
  const of = (pid: string | undefined) =>
    run.raw.stdout.trimEnd().split("\n").filter((line) => line.includes(`"pid":"${pid}"`))
      .map((line) => line.replace(/"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/, "AT"));
  // Either stream may end first.
  assertEquals([
    ...of(first).slice(0, 2),
    ...of(first).slice(2, 4).toSorted(),
    ...of(first).slice(4),
  ], [
    `{"event":"spawn","parent":null,"pid":"${first}","name":"${main}","node":${node},AT}`,
    `{"event":"output","pid":"${first}","fd":1,"text":"a \\"b\\"\\t\u2028é\\n",AT}`,
    `{"event":"eof","pid":"${first}","fd":1}`,
    `{"event":"eof","pid":"${first}","fd":2}`,
    `{"event":"exit","pid":"${first}","status":{"code":0},AT}`,
  ]);
  assertEquals(of(other).filter((line) => !line.includes("eof")), [
    `{"event":"spawn","parent":"${first}","pid":"${other}","name":"work","node":${otherNode},AT}`,
    `{"event":"output","pid":"${other}","fd":2,"text":"to stderr\\n",AT}`,
    `{"event":"exit","pid":"${other}","status":{"code":2},AT}`,
  ]);
  assertEquals(
    of(other).filter((line) => line.includes("eof")).toSorted(),
    [1, 2].map((fd) => `{"event":"eof","pid":"${other}","fd":${fd}}`),
  );
  assertEquals(of(first).length + of(other).length, run.events.length);
  assertEquals([run.code, withoutNotices(run.raw.stderr)], [0, ""]);
});

Deno.test("60 processes are spawned at once, and write at once: each one's bytes are there, in their order", async () => {
  const run = await runProgram(`${IMPORTS}
    function work(_parent, index) {
      for (let line = 0; line < 100; line++) {
        console.log(index, line, "x".repeat(line * 5));
        if (line % 10 === 0) console.error(index, line);
      }
    }
    await init({ functions: { work } });
    const pids = await Promise.all(Array.from({ length: 60 }, (_, index) => spawn(work, index)));
    const statuses = await Promise.all(pids.map(wait));
    say(new Set(pids).size, statuses.every(success));`);
  assertEquals(run.code, 0, run.raw.stderr + run.processes[0]?.stderr);
  assertEquals(run.processes.length, 61);
  assertEquals(run.processes[0]?.stdout, "60 true\n");
  const seen = new Set<number>();
  for (const { stdout, stderr } of run.processes.slice(1)) {
    const index = Number.parseInt(stdout);
    seen.add(index);
    const lines = Array.from({ length: 100 }, (_, line) => line);
    assertEquals(stdout, lines.map((n) => `${index} ${n} ${"x".repeat(n * 5)}\n`).join(""));
    assertEquals(stderr, lines.filter((n) => n % 10 === 0).map((n) => `${index} ${n}\n`).join(""));
  }
  assertEquals(seen.size, 60);
});

Deno.test("50 MB of output are shown unchanged", async () => {
  const text = await shown(
    `
    function work(_parent, letter) {
      const line = letter.repeat(999_999) + "\\n";
      for (let i = 0; i < 25; i++) console.log(line.slice(0, -1));
    }
    await init({ functions: { work } });
    const both = await Promise.all([spawn(work, "a"), spawn(work, "b")]);
    await Promise.all(both.map(wait));`,
    "2>/dev/null",
  );
  const counts = { a: 0, b: 0, "\n": 0 };
  for (const char of text) counts[char as "a"]++;
  assertEquals(counts, { a: 24_999_975, b: 24_999_975, "\n": 50 });
});

Deno.test("a program's stdin is that of its first process alone, byte for byte, with its end", async () => {
  const source = `${IMPORTS}
    async function work() { say("other", (await new Response(Deno.stdin.readable).text()).length); }
    await init({ functions: { work } });
    await wait(await spawn(work));
    const text = await new Response(Deno.stdin.readable).text();
    say(text.length, text.slice(0, 6), text.endsWith("end\\n"));`;
  const stdin = "é\u{1F600}\t\n" + "x".repeat(200_000) + "end\n";
  const run = await runProgram(source, { stdin });
  assertEquals(run.processes.map(({ stdout }) => stdout), [
    `${stdin.length} ${stdin.slice(0, 6)} true\n`,
    "other 0\n",
  ]);
});

Deno.test("SIGTERM also ends the children of processes; nothing is left", async () => {
  await using program = await startProgram(`${IMPORTS}
    async function work() {
      const { pid } = new Deno.Command("sleep", { args: ["1000"] }).spawn();
      say(pid);
      await sleep(1e6);
    }
    await init({ functions: { work } });
    await Promise.all([spawn(work), spawn(work), spawn(work)]);
    await sleep(1e6);`);
  const said: number[] = [];
  const isLast = (event: JsonEvent) => {
    if (event.event === "output" && "text" in event) said.push(Number(event.text));
    return said.length === 3;
  };
  await program.seen(isLast);
  program.child.kill("SIGTERM");
  const run = await program.result;
  assertEquals(run.code, 143);
  const statuses = run.processes.map(({ status }) => status);
  assertEquals(statuses, Array(4).fill({ signal: "SIGTERM" }));
  await untilGone(said, 5_000);
});

Deno.test("the system's own variables are not in the environment of programs", async () => {
  const run = await runProgram(`${IMPORTS}
    const show = () => say(Object.keys(Deno.env.toObject()).filter((name) => name.startsWith("DEPLOY_")).sort());
    function work() { show(); }
    await init({ functions: { work } });
    show();
    await wait(await spawn(work));`);
  // A local program has the environment of its user, here of the test.
  const own = Object.keys(Deno.env.toObject()).filter((name) => name.startsWith("DEPLOY_"));
  const expected = way === "deployed" ? [] : [...new Set([...own, "DEPLOY_FORMAT"])].sort();
  const line = JSON.stringify(expected) + "\n";
  assertEquals(run.processes.map(({ stdout }) => stdout), [line, line], run.raw.stderr);
});

Deno.test("arguments are the same in every process, whatever is in them", async () => {
  const args = [
    "",
    " a  b ",
    "tab\there",
    "ünï — \u{1F600}",
    `a'b"c\\`,
    "--flag=x",
    "-A",
    "*",
    "$HOME",
  ];
  const run = await runProgram(
    `${IMPORTS}
    function work() { say(Deno.args); }
    await init({ functions: { work } });
    say(Deno.args);
    await wait(await spawn(work));`,
    { args },
  );
  const line = JSON.stringify(args) + "\n";
  assertEquals(run.processes.map(({ stdout }) => stdout), [line, line], run.raw.stderr);
});
