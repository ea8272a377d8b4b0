/** Runs that are shown to several viewers, fed by one of them, left, and found again. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { type Cluster, startCluster } from "../fabric/cluster.ts";
import { CLI, deploy, type DeployResult, Project } from "./deploy_harness.ts";
import { SECRET_FILE } from "../secret.ts";

/** Shows each line of its stdin, and ends with 3 at the end of that. */
const ECHO = `
import { init } from "deploy";
await init();
if (Deno.args[0] === "ignores SIGINT") Deno.addSignalListener("SIGINT", () => {});
console.log("begins");
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  console.log("got " + text.trimEnd());
}
console.error("ends");
Deno.exitCode = 3;
`;

/** Writes 20 MB, and then a file. */
const LOUD = `
import { init } from "deploy";
await init();
const line = "x".repeat(99) + "\\n";
for (let index = 0; index < 200; index++) console.log(line.repeat(1000).slice(0, -1));
await Deno.writeTextFile(Deno.args[0], "");
for await (const _ of Deno.stdin.readable);
`;

const WAITS = `
import { init } from "deploy";
await init();
console.log("begins");
await new Promise((resolve) => setTimeout(resolve, 1e6));
`;

/** A command that runs, with a stdin that the test writes. */
class Started implements AsyncDisposable {
  stdout = "";
  stderr = "";
  readonly child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #read: Promise<unknown>;
  #changed = Promise.withResolvers<void>();

  constructor(command: string, args: readonly string[], cwd: string, bridge: string) {
    this.child = new Deno.Command(command, {
      args: [...args],
      cwd,
      env: { ...ENV, DEPLOY_BRIDGE: bridge },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(120_000),
    }).spawn();
    this.#stdin = this.child.stdin.getWriter();
    this.#read = Promise.all([this.#collect("stdout"), this.#collect("stderr")]).then(() => {
      this.#changed.reject(new Error(`it never said that: ${this.stdout}${this.stderr}`));
      this.#changed.promise.catch(() => {}); // nobody may wait for it
    });
  }

  async type(text: string): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode(text));
  }

  async typeEnd(): Promise<void> {
    await this.#stdin.close();
  }

  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout + this.stderr)) await this.#changed.promise;
  }

  /** Resolves with its exit status when all of its output has been read. */
  async code(): Promise<number> {
    const { code } = await this.child.status;
    await this.#read;
    return code;
  }

  async #collect(stream: "stdout" | "stderr"): Promise<void> {
    for await (const text of this.child[stream].pipeThrough(new TextDecoderStream())) {
      this[stream] += text;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stdin.abort().catch(() => {}); // it may have been closed
    await this.code();
  }
}

const ENV = { DEPLOY_SECRET_FILE: SECRET_FILE, DEPLOY_FORMAT: "", NO_COLOR: "1", USER: "me" };

/** A project with these programs, and the commands of `deploy` in it. */
class Bench implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly project: Project;

  private constructor(cluster: Cluster, project: Project) {
    this.#cluster = cluster;
    this.project = project;
  }

  static async make(cluster: Cluster): Promise<Bench> {
    const files = { "echo.ts": ECHO, "loud.ts": LOUD, "waits.ts": WAITS };
    return new Bench(cluster, await Project.make(files));
  }

  get bridge(): string {
    return this.#cluster.bridge;
  }

  /** Starts `deploy` with these arguments. */
  start(...args: string[]): Started {
    return this.command(Deno.execPath(), ["run", "-A", CLI, ...args]);
  }

  command(command: string, args: readonly string[]): Started {
    return new Started(command, args, this.project.folder, this.#cluster.bridge);
  }

  /** Runs it to its end, without stdin. */
  run(...args: string[]): Promise<DeployResult> {
    const env = { DEPLOY_BRIDGE: this.#cluster.bridge, USER: "me" };
    return deploy(args, { cwd: this.project.folder, env });
  }

  /** Leaves a program to the cluster; returns the id of its run. */
  async detach(...args: string[]): Promise<string> {
    const { stdout, stderr } = await this.run("--detach", ...args);
    assertMatch(stdout, /^\w{4}-\w{4}\n$/, stderr);
    return stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.project[Symbol.asyncDispose]();
  }
}

type Step = [name: string, fn: (bench: Bench) => Promise<void>];

const STEPS: Step[] = [
  ["a detached run is fed by the first who attached, and shown to all", async (bench) => {
    const id = await bench.detach("echo.ts");
    await using silent = bench.start("attach", "-n", id);
    await silent.says(/reads stdin: give it some with deploy attach/);
    await using first = bench.start("attach", id);
    await first.type("one\n");
    await first.says(/got one/);
    await using second = bench.start("attach", id);
    await second.type("two\n"); // not read, since it is not its turn
    await second.says(/got one/);
    await first.type("three\n");
    await first.says(/got three/);
    await first.typeEnd();
    for (const viewer of [silent, first, second]) {
      assertEquals(await viewer.code(), 3, viewer.stderr);
      assertEquals(viewer.stdout, "begins\ngot one\ngot three\n");
      assertMatch(viewer.stderr, /^ {3}ends\n {3}exited: 3\n$/m);
    }
    const again = await bench.run("attach", "--format", "lines", id);
    assertEquals(again.code, 3);
    assertMatch(again.stdout, /^\w{7} echo.ts \| begins\n.* got one\n.* got three\n$/);
  }],
  ["Ctrl-C of attach ends only that; the next one gives stdin", async (bench) => {
    const id = await bench.detach("--name", "left", "echo.ts");
    await using first = bench.start("attach", "left");
    await first.type("one\n");
    await first.says(/got one/);
    await using second = bench.start("attach", id);
    await second.type("two\n");
    await second.says(/got one/);
    first.child.kill("SIGINT");
    assertEquals(await first.code(), 130, first.stderr);
    assertMatch(
      first.stderr,
      new RegExp(`^deploy: left run ${id} \\(left\\), which goes on: deploy attach ${id}\n`, "m"),
    );
    await second.says(/got two/);
    await second.typeEnd();
    assertEquals(await second.code(), 3, second.stderr);
  }],
  ["a viewer that does not read slows no other one, and sees all in the end", async (bench) => {
    const done = `${bench.project.folder}/done`;
    const id = await bench.detach("loud.ts", "--", done);
    // It is held up by a reader of its stdout.
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", `"$0" "$@" 2>/dev/null | { read -r _ && read -r go < "${done}.go"; wc -c; }`]
        .concat([Deno.execPath(), "run", "-A", CLI, "attach", "-n", id]),
      cwd: bench.project.folder,
      env: { ...ENV, DEPLOY_BRIDGE: bench.bridge },
      stdin: "null",
      stdout: "piped",
    });
    await new Deno.Command("mkfifo", { args: [`${done}.go`] }).output();
    const slow = child.output();
    await using fast = bench.start("attach", id);
    while (!(await Deno.stat(done).then(() => true, () => false))) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await Deno.writeTextFile(`${done}.go`, "go\n");
    await fast.typeEnd();
    assertEquals(await fast.code(), 0, fast.stderr);
    assertEquals(fast.stdout.length, 20_000_000);
    const { stdout } = await slow;
    assertEquals(new TextDecoder().decode(stdout).trim(), `${20_000_000 - 100}`);
  }],
  ["deploy says who told its run to stop", async (bench) => {
    await using run = bench.start("--name", "told", "waits.ts");
    await run.says(/begins/);
    assertEquals((await bench.run("kill", "told")).code, 0);
    assertEquals(await run.code(), 143);
    const by = `me@${Deno.hostname()}`.replaceAll(".", "\\.");
    assertMatch(
      run.stderr,
      new RegExp(`^deploy: the run was told to stop by ${by} at 127.0.0.1:\\d+$`, "m"),
    );
  }],
  ["a signal to deploy says that --detach would let the run go on", async (bench) => {
    await using run = bench.start("waits.ts");
    await run.says(/begins/);
    run.child.kill("SIGINT");
    assertEquals(await run.code(), 130);
    assertMatch(run.stderr, /^deploy: told the run to stop; .*--detach lets it go on$/m);
  }],
  [
    "Ctrl-C d at a terminal lets the run go on, any other key stops it, Ctrl-C kills it",
    async (bench) => {
      for (const [name, key] of [["kept", "d"], ["stopped", "x"], ["killed", "\x03"]] as const) {
        // If the second Ctrl-C comes late, what it kills has been told to stop, and goes on.
        const late = key === "\x03" ? ["--", "ignores SIGINT"] : [];
        const flags = ["--name", name, "--grace", "1h"];
        const words = [Deno.execPath(), "run", "-A", CLI, ...flags, "echo.ts", ...late];
        // Ctrl-C is for a shell, too: one that waited for deploy could end of it, whatever deploy does.
        // Nor is there a task runner, which would make Ctrl-C within half a second count as one.
        const line = `exec env -u INIT_CWD ${words.map((word) => `'${word}'`).join(" ")}`;
        await using terminal = bench.command("script", ["-qec", line, "/dev/null"]);
        await terminal.says(/begins/);
        await terminal.type("one\n");
        await terminal.says(/got one/);
        // A key is pressed at once: on a busy machine, 2 s may be over before this process sees the line.
        await terminal.type(key === "\x03" ? key : `\x03${key}`);
        await terminal.says(/deploy: stopping the run in 2 s: d lets it go on, Ctrl-C kills it/);
        if (key === "\x03") {
          // A signal that follows too soon would count as the same one.
          await new Promise((resolve) => setTimeout(resolve, 200));
          await terminal.type(key);
        }
        assertEquals(await terminal.code(), key === "d" ? 0 : 130, terminal.stdout);
        if (key !== "d") {
          assertMatch(terminal.stdout, key === "x" ? /exited: SIGINT/ : /exited: SIGKILL/);
          continue;
        }
        const [, id] = /deploy: run (\w{4}-\w{4}) goes on; see it with: deploy attach/
          .exec(terminal.stdout)!;
        const attached = await deploy(["attach", id!], {
          cwd: bench.project.folder,
          env: { DEPLOY_BRIDGE: bench.bridge },
          stdin: "two\n",
        });
        // At a terminal, what it writes to stderr goes the same way.
        assertEquals([attached.code, attached.stdout], [3, "begins\ngot one\ngot two\nends\n"]);
      }
    },
  ],
  ["a run that does not exist is one line and 1", async (bench) => {
    const { code, stdout, stderr } = await bench.run("attach", "nothing");
    assertEquals([code, stdout, stderr], [
      1,
      "",
      'deploy: there is no run "nothing"; see deploy ps\n',
    ]);
  }],
];

Deno.test("deploy attach", async (t) => {
  await using cluster = await startCluster({ nodes: [{ mem: "4GiB", cpu: 16 }] });
  await using bench = await Bench.make(cluster);
  // Not all at once: while that many programs are built, a busy machine does not answer in time.
  const steps = STEPS.values();
  const takeSteps = async () => {
    for (const [name, fn] of steps) {
      await t.step({
        ...{ name, fn: () => fn(bench) },
        ...{ sanitizeOps: false, sanitizeResources: false, sanitizeExit: false },
      });
    }
  };
  await Promise.all([takeSteps(), takeSteps(), takeSteps()]);
});
