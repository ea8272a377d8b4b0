/** Colours, and their absence, on a terminal, in files and in pipes; locally and on a cluster. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { startCluster } from "../fabric/cluster.ts";
import { CLI, Project } from "./deploy_harness.ts";
import { SECRET_FILE } from "../secret.ts";

const PROGRAM = `
import { init, spawn, wait } from "deploy";
function work() { throw new Error("bad"); }
await init({ functions: { work } });
console.log({ a: 1 });
console.log(JSON.stringify([Deno.env.get("NO_COLOR"), Deno.env.get("FORCE_COLOR")]));
await wait(await spawn(work));
`;

const ESCAPE = "\x1b[";

interface Shown {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a shell line with its output in pipes. */
async function inPipes(
  line: string,
  cwd: string,
  env: Record<string, string> = {},
): Promise<Shown> {
  const own = Object.entries(Deno.env.toObject())
    .filter(([name]) => !/^(NO_COLOR|FORCE_COLOR|DEPLOY_\w+|SHELL)$/.test(name));
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", line],
    cwd,
    clearEnv: true,
    env: { ...Object.fromEntries(own), TERM: "xterm-256color", ...env },
    stdin: "null",
    signal: AbortSignal.timeout(120_000),
  }).output();
  return { stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** Runs a shell line on a terminal of its own, and returns the output. */
async function onTerminal(
  line: string,
  cwd: string,
  env: Record<string, string> = {},
): Promise<string> {
  const quoted = `'${line.replaceAll("'", `'"'"'`)}'`;
  const { stdout } = await inPipes(`script -qec ${quoted} /dev/null`, cwd, {
    SHELL: "/bin/sh",
    ...env,
  });
  return stdout.replaceAll("\r\n", "\n");
}

const RUN = `${Deno.execPath()} run -q -A --no-lock main.ts`;

Deno.test("on a terminal, titles, values and errors are in colour", async () => {
  await using project = await Project.make({ "main.ts": PROGRAM });
  const shown = await onTerminal(RUN, project.folder);
  // deno-lint-ignore no-control-regex -- escape sequences are what is looked for
  assertMatch(shown, /\x1b\[1m\x1b\[38;5;\d+m[0-9a-f]{7}\x1b\[39m main\.ts\x1b\[22m:\n/);
  assert(shown.includes(`   { a: \x1b[33m1\x1b[39m }\n`), shown);
  assert(shown.includes(`   [null,"1"]\n`), shown);
  // deno-lint-ignore no-control-regex -- escape sequences are what is looked for
  assertMatch(shown, /\x1b\[31merror/);
});

Deno.test("in a file, in a pipe and in json there are no colours, also of errors", async () => {
  await using project = await Project.make({ "main.ts": PROGRAM });
  const { folder } = project;
  for (const env of [{}, { DEPLOY_FORMAT: "lines" }, { DEPLOY_FORMAT: "json" }]) {
    const { stdout, stderr } = await inPipes(RUN, folder, env);
    assertEquals([stdout.includes(ESCAPE), stderr.includes(ESCAPE)], [false, false]);
    assertEquals((stdout + stderr).includes("bad"), true);
  }
  const json = await onTerminal(RUN, folder, { DEPLOY_FORMAT: "json" });
  assert(json.includes('[\\"1\\",null]') && json.includes("bad"), json);
  // No escape sequences, neither literally nor in strings of the data.
  assertEquals([json.includes("\x1b"), json.includes("\\u001b")], [false, false]);
  // A file gets none even if there is a terminal, which has coloured titles, and nothing of stdout.
  const terminal = await onTerminal(`${RUN} > out.txt`, folder);
  const file = await Deno.readTextFile(`${folder}/out.txt`);
  assertEquals(file, `{ a: 1 }\n["1",null]\n`);
  assert(terminal.includes(ESCAPE) && !terminal.includes("{ a: 1 }"), terminal);
});

Deno.test("the user's setting for colours takes precedence", async () => {
  await using project = await Project.make({ "main.ts": PROGRAM });
  const never = await onTerminal(RUN, project.folder, { NO_COLOR: "yes" });
  assertEquals([never.includes(ESCAPE), never.includes(`["yes",null]`)], [false, true]);
  const always = await inPipes(RUN, project.folder, { FORCE_COLOR: "1" });
  assertEquals(always.stdout.includes(ESCAPE), true);
});

Deno.test("a line that is written over keeps its indent on a terminal", async () => {
  await using project = await Project.make({
    "main.ts": `
      import { init } from "deploy";
      await init();
      const write = (text) => Deno.stdout.writeSync(new TextEncoder().encode(text));
      for (const text of ["10 %", "\\r50 %", "\\r", "100 %\\n"]) {
        write(text);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }`,
  });
  const shown = await onTerminal(RUN, project.folder, { NO_COLOR: "1" });
  assertMatch(shown, /^[0-9a-f]{7} main\.ts:\n {3}10 %\r {3}50 %\r {3}100 %\n {3}exited\n$/);
});

Deno.test("on a cluster, colours are as they are here", async () => {
  await using cluster = await startCluster();
  await using project = await Project.make({ "main.ts": PROGRAM });
  const { folder } = project;
  const deploy = `${Deno.execPath()} run -q -A --no-lock ${CLI} --secret-file ${SECRET_FILE}`;
  const run = `${deploy} ${cluster.bridge} main.ts`;
  const shown = await onTerminal(run, folder);
  assert(shown.includes(`   { a: \x1b[33m1\x1b[39m }\n`), shown);
  const { stdout, stderr } = await inPipes(run, folder);
  assertEquals(stdout, `{ a: 1 }\n["1",null]\n`);
  assertEquals(stderr.includes(ESCAPE), false);
  assert(stderr.includes("Error: bad"), stderr);
  const given = await inPipes(run.replace(" main.ts", " --env FORCE_COLOR=1 main.ts"), folder);
  assertEquals(given.stdout.includes(`[null,"1"]`), true, given.stdout);
});
