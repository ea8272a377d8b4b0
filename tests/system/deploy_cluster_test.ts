/** Deployments and their cluster: room, secrets, stored files, and several deployments at the same time. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
// @ts-types="../../types/std_async.d.ts"
import { deadline } from "@std/async/deadline";
import { CountingRelay } from "../../scripts/bench/counting_relay.ts";
import { startCluster } from "../fabric/cluster.ts";
import { noneIsLeft, processesWith } from "../fabric/deployed.ts";
import { writeNewSecret } from "../../src/fabric/secret_file.ts";
import { signalChild } from "../../src/testing/os_processes.ts";
import { CLI, deploy, deployJson, Project } from "./deploy_harness.ts";
import { SECRET_FILE } from "../secret.ts";

const SMALL = { mem: "1GiB", cpu: 2 };

const HELLO = `import { init } from "deploy"; await init(); console.log("hello", Deno.args[0]);`;

/** Waits for the end of its stdin. */
const WAITS = `import { init } from "deploy";
await init({ resources: { mem: 0.8 * 1024 ** 3, cpu: 0 } });
console.log("there");
for await (const _ of Deno.stdin.readable);
`;

/** Answers as little as a program that computes, and leaves the cores to others. */
const BLOCKS = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);";

/** A running deployment, whose stdin, stdout and stderr the test controls. */
class Started implements AsyncDisposable {
  readonly child: Deno.ChildProcess;
  readonly stdin: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly text: Record<"stdout" | "stderr", string> = { stdout: "", stderr: "" };
  readonly ended: Promise<number>;
  #changed = Promise.withResolvers<void>();

  constructor(args: readonly string[], cwd: string) {
    this.child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", CLI, ...args],
      cwd,
      env: { DEPLOY_SECRET_FILE: SECRET_FILE, NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.stdin = this.child.stdin.getWriter();
    const read = [this.#read("stdout"), this.#read("stderr")];
    this.ended = Promise.all([this.child.status, ...read]).then(([{ code }]) => code);
  }

  async says(stream: "stdout" | "stderr", pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text[stream])) {
      const over = await Promise.race([this.#changed.promise, this.ended]);
      if (over !== undefined && !pattern.test(this.text[stream])) {
        throw new Error(`it never said ${pattern}: ${JSON.stringify(this.text)}`);
      }
    }
  }

  async #read(stream: "stdout" | "stderr"): Promise<void> {
    for await (const text of this.child[stream].pipeThrough(new TextDecoderStream())) {
      this.text[stream] += text;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended
    }
    await this.ended;
    await this.stdin.close().catch(() => {}); // its reader is gone
  }
}

Deno.test("a deployment without room waits, says so, and runs when there is room", async () => {
  await using cluster = await startCluster({ nodes: [SMALL] });
  await using project = await Project.make({ "main.ts": WAITS });
  await using one = new Started([cluster.bridge], project.folder);
  await one.says("stdout", /there/);
  assert(!one.text.stderr.includes("waiting"), one.text.stderr);
  await using two = new Started([cluster.bridge], project.folder);
  await two.says(
    "stderr",
    /^deploy: waiting for room: no node has 819 MiB and 0 cores free$/m,
  );
  await using three = new Started([cluster.bridge], project.folder);
  await three.says("stderr", /waiting for room/);
  // A deployment that is cancelled no longer waits.
  three.child.kill("SIGINT");
  assertEquals(await three.ended, 130);
  assertEquals(two.text.stdout, "");
  await one.stdin.close();
  assertEquals(await one.ended, 0);
  await two.says("stdout", /there/);
  await two.stdin.close();
  assertEquals(await two.ended, 0);
});

Deno.test("several deployments at once do not disturb each other", async () => {
  await using cluster = await startCluster();
  await using project = await Project.make({
    "main.ts": HELLO,
    "loud.ts": `import { init } from "deploy"; await init();
      for (;;) console.log("x".repeat(100_000));`,
    "bad.ts": `import { init } from "deploy"; throw new Error("bad");`,
  });
  const cwd = project.folder;
  const mark = crypto.randomUUID();
  // Only the beginning of its output is read, so that it stops half-way.
  const loud = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", CLI, "--grace", "1h", cluster.bridge, "loud.ts", "--", mark],
    cwd,
    env: { DEPLOY_SECRET_FILE: SECRET_FILE },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const names = ["a", "b", "c", "d"];
  const results = await Promise.all([
    ...names.map((name) => deployJson([cluster.bridge, "main.ts", "--", name], { cwd })),
    deployJson([cluster.bridge, "bad.ts"], { cwd }),
  ]);
  assertEquals(
    results.map(({ code, processes }) => [code, processes[0]?.stdout]),
    [...names.map((name) => [0, `hello ${name}\n`]), [1, undefined]],
  );
  const output = loud.stdout.getReader();
  assertEquals((await output.read()).done, false);
  // Two signals, since the end of the run after the first one cannot be shown.
  loud.kill("SIGINT");
  await noneIsLeft(mark, 60_000);
  signalChild(loud, "SIGINT"); // it may have shown all, if it has only just begun
  const { code } = await deadline(loud.status, 60_000);
  assertEquals(code, 130);
  await output.cancel();
});

Deno.test("Ctrl-C while a program is built or tried ends deploy, and leaves nothing behind", async () => {
  await using cluster = await startCluster({ nodes: [SMALL] });
  const mark = crypto.randomUUID();
  await using project = await Project.make({ "main.ts": BLOCKS });
  await using tried = new Started([cluster.bridge, "main.ts", "--", mark], project.folder);
  const all = async () => (await processesWith(mark)).length;
  while (await all() === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  tried.child.kill("SIGINT");
  await noneIsLeft(mark);
  assertEquals(await tried.ended, 130);
  await using killed = new Started([cluster.bridge, "main.ts", "--", mark], project.folder);
  while (await all() === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  killed.child.kill("SIGKILL");
  await noneIsLeft(mark);
});

Deno.test("a bridge that is killed is said, in one line, and so is one that is not there", async () => {
  await using cluster = await startCluster({ nodes: [SMALL] });
  await using project = await Project.make({ "main.ts": WAITS });
  const from = cluster.master.out.length;
  await using run = new Started([cluster.bridge], project.folder);
  await run.says("stdout", /there/);
  cluster.master.kill("SIGKILL");
  assertEquals(await run.ended, 1);
  assertMatch(
    run.text.stderr,
    new RegExp(
      // What it had not read when it was killed resets the connection.
      `^deploy: lost the bridge ${cluster.bridge}: it has lost its master: ` +
        `(it closed the connection|the connection broke)$` +
        `[^]*exited: lost: the bridge has lost its master`,
      "m",
    ),
  );
  assertEquals(cluster.master.out.length, from);
  const { code, stdout, stderr } = await deploy([cluster.bridge], { cwd: project.folder });
  assertEquals([code, stdout], [1, ""]);
  assertMatch(
    stderr,
    new RegExp(
      `deploy: Cannot connect to the bridge at ${cluster.bridge}: nothing listens there\n$`,
    ),
  );
});

Deno.test("deploy needs the cluster's secret, and says what is wrong with the one that it has", async () => {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of ["right", "wrong"]) await writeNewSecret(`${folder}/${name}`);
    await Deno.writeTextFile(`${folder}/thought up`, "correct horse battery staple", {
      mode: 0o600,
    });
    await using cluster = await startCluster({
      nodes: [SMALL],
      options: ["--secret-file", `${folder}/right`],
    });
    await using project = await Project.make({ "main.ts": HELLO });
    const cwd = project.folder;
    const table: [args: string[], env: Record<string, string>, code: number, said: RegExp][] = [
      [["--secret-file", `${folder}/right`], {}, 0, /exited/],
      [[], { DEPLOY_SECRET_FILE: `${folder}/right` }, 0, /exited/],
      [
        ["--secret-file", `${folder}/wrong`],
        {},
        1,
        /^deploy: Cannot connect to the bridge .*secret/m,
      ],
      [
        [],
        { DEPLOY_SECRET_FILE: "" },
        1,
        /^deploy: Cannot connect to the bridge .*this side has none/m,
      ],
      [
        ["--secret-file", `${folder}/thought up`],
        {},
        2,
        /^deploy: Cannot use the secret in .*thought up: .*fabric secret FILE$/m,
      ],
      [["--secret-file", `${folder}/none`], {}, 2, /^deploy: Cannot read the secret in .*none/],
    ];
    for (const [args, env, code, said] of table) {
      const result = await deploy([...args, cluster.bridge], { cwd, env });
      assertEquals(result.code, code, result.stderr);
      assertMatch(result.stderr, said);
    }
    // Only the parts of the cluster have the secret.
    await cluster.master.line(/secret/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a file that is damaged in the stores is detected, and only its damaged pieces are sent again", async () => {
  await using cluster = await startCluster({ nodes: [SMALL, SMALL] });
  await using project = await Project.make({
    "main.ts": `import { init } from "deploy"; await init();
      console.log((await Deno.readFile("large")).every((byte, index) => byte === index >> 17));`,
  });
  const cwd = project.folder;
  // Each piece differs from the others.
  const large = Uint8Array.from({ length: 1024 ** 2 }, (_, index) => index >> 17);
  await Deno.writeFile(`${cwd}/large`, large);
  const args = ["--include", "large", cluster.bridge];
  const first = await deploy(args, { cwd });
  assertEquals(first.stdout, "true\n", first.stderr);
  let damaged = 0;
  for (const store of cluster.stores) {
    for await (const { name } of Deno.readDir(`${store}/files`)) {
      const path = `${store}/files/${name}/data`;
      if ((await Deno.stat(path)).size !== large.length) continue;
      await Deno.chmod(path, 0o755);
      using file = await Deno.open(path, { write: true });
      await file.write(new Uint8Array([1, 2, 3]));
      damaged++;
    }
  }
  assert(damaged > 0);
  const second = await deploy(args, { cwd });
  assertEquals(second.stdout, "true\n", second.stderr);
  assertMatch(second.stderr, /^deploy: sent 128 KiB, /m);
});

Deno.test("changed pieces are sent deflated, and arrive unchanged", async () => {
  await using cluster = await startCluster({ nodes: [SMALL] });
  using relay = new CountingRelay(cluster.bridge);
  await using project = await Project.make({
    "main.ts": `import { init } from "deploy"; await init();
      const { default: text } = await import("./words.json", { with: { type: "json" } });
      console.log(text.length, Deno.readTextFileSync("words.txt"));`,
    "words.json": JSON.stringify("to be or not to be, ".repeat(25_000)),
    "words.txt": "",
  });
  const cwd = project.folder;
  const words = Array.from({ length: 60_000 }, (_, index) => `line ${index}`).join("\n");
  for (const text of [words, `one line more\n${words}`]) {
    await Deno.writeTextFile(`${cwd}/words.txt`, text);
    const before = relay.bytes;
    const { code, stdout, stderr } = await deploy(["--include", "words.txt", relay.address], {
      cwd,
    });
    assertEquals([code, stdout], [0, `500000 ${text}\n`], stderr);
    const sent = relay.bytes - before;
    assert(sent < text.length / 2, `${sent} bytes were sent`);
  }
});
