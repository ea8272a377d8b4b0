/** The launcher's own tasks, with whole programs, started as a user starts them. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
// @ts-types="../../types/std_async.d.ts"
import { deadline } from "@std/async/deadline";
import { MiB } from "../../src/core/resources.ts";
import { readSettings } from "../../src/local/settings.ts";
import { untilGone } from "../node/node_harness.ts";

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** A program of two processes that print their ids and then compute forever. */
const STUCK = `
import { init, spawn } from "deploy";
function stuck() { console.log(Deno.pid); while (true); }
await init({ functions: { stuck } });
await spawn(stuck);
stuck();
`;

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A program in a folder of its own. */
class Program implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();

  constructor(source: string) {
    Deno.writeTextFileSync(this.path, source);
  }

  get path(): string {
    return `${this.folder}/main.ts`;
  }

  command(
    options: Deno.CommandOptions & { flags?: string[]; programArgs?: string[] } = {},
  ): Deno.Command {
    const { flags = ["-A"], programArgs = [], ...rest } = options;
    return new Deno.Command(Deno.execPath(), {
      args: ["run", "--config", CONFIG, ...flags, "main.ts", ...programArgs],
      cwd: this.folder,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...rest,
    });
  }

  async run(options?: Parameters<Program["command"]>[0]): Promise<Outcome> {
    const { code, stdout, stderr } = await this.command(options).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, stdout: out ?? "", stderr: err ?? "" };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Reads `count` lines. */
async function readLines(stream: ReadableStream<Uint8Array>, count: number): Promise<string[]> {
  const text = await readUntil(stream, new RegExp(`(.*\n){${count}}`));
  return text.split("\n").slice(0, count);
}

/** Reads text that matches, or all that there is. */
async function readUntil(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (text.search(pattern) < 0) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
  return text;
}

Deno.test("readSettings() reads the environment, which overrides the program's resources", () => {
  const read = (env: Record<string, string>) =>
    readSettings((name) => env[name], { cpu: 2 }, { cores: 3, availableBytes: 8 * 1024 * MiB });
  const resources = { mem: 100 * MiB, cpu: 2 };
  assertEquals(read({}), {
    format: "human",
    logLevel: "warn",
    resources,
    maxSpares: 3,
    graceMs: 3_000,
    enforces: false,
    dashboardPort: undefined,
    tracePath: undefined,
    inspection: undefined,
  });
  assertEquals(read({ DEPLOY_FORMAT: "", DEPLOY_RESOURCES: "", DEPLOY_LOG: "" }), read({}));
  assertEquals(
    read({
      DEPLOY_FORMAT: "json",
      DEPLOY_RESOURCES: "mem=5MiB",
      DEPLOY_LOG: "debug",
      DEPLOY_SPARES: "0",
      DEPLOY_GRACE: "500ms",
      DEPLOY_ENFORCE: "1",
      DEPLOY_DASHBOARD: "0",
      DEPLOY_TRACE: "run.json",
      DEPLOY_INSPECT: "1",
    }),
    {
      format: "json",
      logLevel: "debug",
      resources: { mem: 5 * MiB, cpu: 2 },
      maxSpares: 0,
      graceMs: 500,
      enforces: true,
      dashboardPort: 0,
      tracePath: "run.json",
      inspection: { names: null, breaks: false },
    },
  );
  assertEquals(read({ DEPLOY_INSPECT_BRK: "a,b" }).inspection, { names: ["a", "b"], breaks: true });
  assertThrows(
    () => read({ DEPLOY_INSPECT: "a,," }),
    SyntaxError,
    'Cannot use "a,," as DEPLOY_INSPECT',
  );
  assertThrows(
    () => read({ DEPLOY_INSPECT: "1", DEPLOY_INSPECT_BRK: "1" }),
    SyntaxError,
    "set one of them",
  );
  assertThrows(() => read({ DEPLOY_FORMAT: "xml" }), SyntaxError, "write human, lines or json");
  assertThrows(() => read({ DEPLOY_RESOURCES: "cpu=-1" }), SyntaxError, "cpu is -1");
  assertThrows(
    () => read({ DEPLOY_SPARES: "some" }),
    SyntaxError,
    "expected the number of spare processes",
  );
  assertThrows(() => read({ DEPLOY_GRACE: "3" }), SyntaxError, 'Cannot use "3" as DEPLOY_GRACE');
  assertThrows(
    () => read({ DEPLOY_ENFORCE: "yes" }),
    SyntaxError,
    'Cannot use "yes" as DEPLOY_ENFORCE: write 1 to hold processes to ',
  );
  for (const port of ["yes", "-1", "65536", "80.5"]) {
    assertThrows(() => read({ DEPLOY_DASHBOARD: port }), SyntaxError, "write the port where");
  }
  assertThrows(() => read({ DEPLOY_RESOURCES: "disk=1" }), SyntaxError, "mem=1GiB,cpu=2");
});

Deno.test("a program that cannot be started again reports it in one line, and exits with 1", async () => {
  await using program = new Program(`import { init } from "deploy"; await init();`);
  const source = await Deno.readTextFile(program.path);
  const runs: [args: string[], said: string][] = [
    [["eval", "--config", CONFIG, source], "it runs under deno eval"],
    [["run", "--allow-net", "--allow-env", "--config", CONFIG, program.path], "needs --allow-run;"],
    [
      ["run", "--no-prompt", "--config", CONFIG, program.path],
      "--allow-run, --allow-net and --allow",
    ],
  ];
  for (const [args, said] of runs) {
    const command = new Deno.Command(Deno.execPath(), { args, stdin: "null" });
    const { code, stdout, stderr } = await command.output();
    const text = new TextDecoder().decode(stderr);
    assertStringIncludes(text, said);
    assertEquals([code, stdout.length, text.trimEnd().split("\n").length], [1, 0, 1]);
  }
});

Deno.test("a program that is read from stdin is refused in one line", async () => {
  const args = ["run", "-A", "--config", CONFIG, "-"];
  const child = new Deno.Command(Deno.execPath(), {
    args,
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`import { init } from "deploy"; await init();`));
  await writer.close();
  const { code, stderr } = await child.output();
  assertEquals(code, 1);
  assertStringIncludes(
    new TextDecoder().decode(stderr),
    "it was read from stdin; save it to a file",
  );
});

Deno.test("an invalid variable is one line, and exit code 2", async () => {
  await using program = new Program(`import { init } from "deploy"; await init();`);
  for (const name of ["DEPLOY_FORMAT", "DEPLOY_RESOURCES", "DEPLOY_LOG", "DEPLOY_GRACE"]) {
    const { code, stderr } = await program.run({ env: { [name]: "nonsense" } });
    assertEquals([code, stderr.trimEnd().split("\n").length], [2, 1]);
    assertStringIncludes(stderr, "nonsense");
  }
});

Deno.test("a program needs only the permissions that are asked for", async () => {
  await using program = new Program(`
import { init, type Pid, spawn, wait } from "deploy";
function work(_parent: Pid, text: string) { console.log(text, Deno.args[0]); }
await init({ functions: { work } });
await wait(await spawn(work, "worked"));
`);
  const flags = ["--no-prompt", "--allow-run", "--allow-net", "--allow-env"];
  const outcome = await program.run({ flags, programArgs: ["with it"] });
  assertEquals(outcome.stdout, "worked with it\n", outcome.stderr);
  assertEquals(outcome.code, 0);
});

Deno.test("stdin and its end reach the first process", async () => {
  await using program = new Program(`
import { init } from "deploy";
await init();
console.log((await new Response(Deno.stdin.readable).text()).length);
`);
  const child = program.command({ stdin: "piped", stderr: "null" }).spawn();
  const writer = child.stdin.getWriter();
  const chunk = new Uint8Array(1_000_000).fill(97);
  for (let count = 0; count < 5; count++) await writer.write(chunk);
  await writer.close();
  const { code, stdout } = await child.output();
  assertEquals([code, new TextDecoder().decode(stdout)], [0, "5000000\n"]);
});

Deno.test("a program whose first process does not read its stdin ends all the same", async () => {
  await using program = new Program(`import { init } from "deploy"; await init();`);
  const child = program.command({ stdin: "piped", stdout: "null", stderr: "null" }).spawn();
  const writer = child.stdin.getWriter();
  // It writes until the launcher is gone.
  const writing = (async () => {
    while (true) await writer.write(new Uint8Array(100_000));
  })().catch((error) => error);
  assertEquals((await child.status).code, 0);
  assert(await writing instanceof Deno.errors.BrokenPipe);
  await writer.abort().catch(() => {});
});

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  Deno.test(`${signal} ends every process, shows that, and exits with ${code}`, async () => {
    await using program = new Program(STUCK);
    const child = program.command().spawn();
    const pids = (await readLines(child.stdout, 2)).map(Number);
    child.kill(signal);
    const { code: found, stderr } = await child.output();
    assertEquals(found, code);
    const shown = new TextDecoder().decode(stderr);
    assertEquals(shown.match(new RegExp(`exited: ${signal}`, "g"))?.length, 2, shown);
    await untilGone(pids, 0);
  });
}

Deno.test("a second signal does not wait for a terminal that does not read", async () => {
  await using program = new Program(`
import { init } from "deploy";
await init();
while (true) console.log("y".repeat(100_000));
`);
  const child = program.command({ env: { DEPLOY_GRACE: "1h" }, stderr: "null" }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill("SIGTERM");
  child.kill("SIGINT");
  const { code } = await deadline(child.status, 60_000);
  assert([130, 143].includes(code), `exit code ${code}`);
  await reader.cancel();
});

Deno.test("after kill -9 of the launcher, no process is left", async () => {
  await using program = new Program(STUCK);
  const child = program.command({ stderr: "null" }).spawn();
  const pids = (await readLines(child.stdout, 2)).map(Number);
  child.kill("SIGKILL");
  await child.status;
  await untilGone(pids);
  await child.stdout.cancel();
});

Deno.test("a run whose output has no reader left ends, as a shell's command would", async () => {
  await using program = new Program(`
import { init } from "deploy";
await init();
while (true) console.log("y");
`);
  const child = program.command({ stderr: "null" }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  assertEquals((await child.status).code, 141);
});

Deno.test("a first process that dies before init() is shown as it is, with one line", async () => {
  await using program = new Program(`
import { init } from "deploy";
if (Deno.env.has("DEPLOY_PROCESS")) {
  console.log("to stdout");
  console.error("to stderr");
  Deno.exit(3);
}
await init();
`);
  const line = "deploy: Cannot start: the first process exited with 3 before init() resolved\n";
  const human = await program.run();
  assertEquals(human, { code: 1, stdout: "to stdout\n", stderr: `to stderr\n${line}` });
  const json = await program.run({ env: { DEPLOY_FORMAT: "json" } });
  assertEquals([json.code, json.stdout], [1, ""]);
  assert(json.stderr.endsWith(line));
});

Deno.test("the program is over when its last process is, with the code of the first that failed", async () => {
  await using program = new Program(`
import { init, type Pid, spawn } from "deploy";
async function late(_parent: Pid, code: number) {
  await new Promise((resolve) => setTimeout(resolve, 300));
  console.log("late");
  Deno.exit(code);
}
await init({ functions: { late } });
await spawn(late, Number(Deno.args[0]));
Deno.exit(Number(Deno.args[1]));
`);
  const table = [["0", "0", 0], ["3", "0", 101], ["0", "4", 4], ["3", "4", 4]] as const;
  for (const [late, first, code] of table) {
    const outcome = await program.run({ programArgs: [late, first] });
    assertEquals([outcome.code, outcome.stdout], [code, "late\n"], outcome.stderr);
  }
});

Deno.test("a prelude that changes the directory does so in every process", async () => {
  await using program = new Program(`
import { init } from "deploy";
Deno.mkdirSync("below", { recursive: true });
Deno.chdir("below");
await init();
console.log(Deno.cwd());
`);
  const { code, stdout, stderr } = await program.run();
  assertEquals([code, stdout], [0, `${await Deno.realPath(program.folder)}/below\n`], stderr);
});

Deno.test("two seconds after the first process has ended, a line on stderr names the running ones", async () => {
  await using program = new Program(`
    import { init, spawn } from "deploy";
    const isThere = () => Deno.stat(Deno.args[0]).then(() => true, () => false);
    const slow = async () => {
      while (!await isThere()) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await init({ functions: { slow } });
    await spawn(slow);`);
  for (const format of ["human", "lines", "json"]) {
    const enough = `${program.folder}/enough-${format}`;
    const env = { NO_COLOR: "1", DEPLOY_FORMAT: format };
    const child = program.command({ programArgs: [enough], env }).spawn();
    const said = /^deploy: the first process has ended; 1 other still runs: [0-9a-f]{7} slow$/gm;
    const begun = await readUntil(child.stderr, said);
    await Deno.writeTextFile(enough, "");
    const { code, stdout, stderr } = await child.output();
    const [out, rest] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    const all = begun + rest;
    assertEquals(code, 0, all);
    assertEquals([all.match(said)?.length, out!.match(said)], [1, null], all);
  }
});
