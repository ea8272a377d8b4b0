/** Deployments that lose their connection to the bridge: what goes on, what is said, and what ends. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseAddress } from "../../src/core/address.ts";
import { TESTS } from "../../src/net/liveness.ts";
import { writeStdin } from "../../src/testing/write_stdin.ts";
import { Random } from "../channel/random.ts";
import { Relay } from "../channel/relay.ts";
import { type Cluster, startCluster } from "../fabric/cluster.ts";
import { Deployed, noneIsLeft } from "../fabric/deployed.ts";
import { CLI, deploy, Project } from "./deploy_harness.ts";
import { SECRET_FILE } from "../secret.ts";

/** Silence is noticed after a quarter of the usual time, and so is the end of the attempts to reconnect. */
const SOON = { env: { DEPLOY_LIVENESS: "tests" } };

/** How long the processes of a deploy that is gone may be left. */
const GONE_MS = TESTS.silenceMs + TESTS.reconnectMs + 5_000;

/** Writes its stdin to its stdout. */
const ECHO = `
import { init } from "deploy";
await init();
console.error("echoes");
for await (let chunk of Deno.stdin.readable) {
  while (chunk.length > 0) chunk = chunk.subarray(await Deno.stdout.write(chunk));
}
console.error("ends");
`;

/** A relay to the bridge of a cluster. */
function relayTo({ bridge }: Cluster): { relay: Relay; address: string } {
  const { host, port } = parseAddress(bridge)!;
  const relay = new Relay({ hostname: host, port }, { hostname: "127.0.0.1", port: 0 });
  assert("port" in relay.endpoint);
  return { relay, address: `127.0.0.1:${relay.endpoint.port}` };
}

/** An echoing program that is deployed through a relay. */
class Echo implements AsyncDisposable {
  readonly relay: Relay;
  readonly child: Deno.ChildProcess;
  /** Resolves with what it has written to stdout. */
  readonly stdout: Promise<Uint8Array>;
  stderr = "";
  #changed = Promise.withResolvers<void>();
  readonly #project: Project;
  readonly #read: Promise<void>;

  private constructor(relay: Relay, address: string, project: Project) {
    this.relay = relay;
    this.#project = project;
    this.child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", CLI, address],
      cwd: project.folder,
      env: { DEPLOY_SECRET_FILE: SECRET_FILE, DEPLOY_FORMAT: "", NO_COLOR: "1", ...SOON.env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(120_000),
    }).spawn();
    this.stdout = new Response(this.child.stdout).bytes();
    this.#read = this.#readErrors();
  }

  static async start(cluster: Cluster): Promise<Echo> {
    const project = await Project.make({ "main.ts": ECHO });
    const { relay, address } = relayTo(cluster);
    return new Echo(relay, address, project);
  }

  /** Gives it its stdin, and resolves when all that it wrote is `bytes`, and it has succeeded. */
  async echoes(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await writeStdin(this.child.stdin, bytes);
    const stdout = await this.stdout;
    assertEquals(stdout.length, bytes.length, this.stderr);
    assert(stdout.every((byte, at) => byte === bytes[at]), this.stderr);
    assertEquals((await this.child.status).code, 0, this.stderr);
    await this.#read;
    assertMatch(this.stderr, /^ {3}ends\n {3}exited\n$/m);
  }

  /** Resolves when it has said that, on stderr. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stderr)) await this.#changed.promise;
  }

  async #readErrors(): Promise<void> {
    for await (const text of this.child.stderr.pipeThrough(new TextDecoderStream())) {
      this.stderr += text;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
    this.#changed.reject(new Error(`it never said that: ${this.stderr}`));
    this.#changed.promise.catch(() => {}); // nobody may wait for it
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.status;
    await this.#read;
    this.relay.close();
    await this.#project[Symbol.asyncDispose]();
  }
}

function randomBytes(random: Random, count: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: count }, () => random.integer(0, 255));
}

type Step = [name: string, fn: (cluster: Cluster) => Promise<void>];

/** Deploy goes on at the exact byte, in both directions, after… */
function goesOn(): Step[] {
  const seed = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 2 ** 31));
  const random = new Random(seed);
  return [
    [`a connection that is reset, again and again, SEED=${seed}`, async (cluster) => {
      await using echo = await Echo.start(cluster);
      await echo.says(/echoes/);
      echo.relay.fate = () => ({ cutAfter: random.integer(10_000, 900_000) });
      echo.relay.cutAll();
      await echo.echoes(randomBytes(random, 2_000_000));
      const lost = echo.stderr.match(/^deploy: lost the connection to the bridge at /gm)?.length;
      const again = echo.stderr.match(/^deploy: connected again$/gm)?.length;
      assertEquals(lost, again, echo.stderr);
      assert(again! > 3, echo.stderr);
    }],
    ["one that is cut silently, and healed", async (cluster) => {
      await using echo = await Echo.start(cluster);
      await echo.says(/echoes/);
      const echoed = echo.echoes(randomBytes(random, 2_000_000));
      echo.relay.freeze();
      await echo.says(
        /lost the connection to the bridge at \S+: it did not answer for 2.5 s; reconnecting for 7.5 s/,
      );
      echo.relay.thaw();
      await echo.says(/connected again/);
      await echoed;
    }],
    ["a suspension of deploy for longer than it may be silent", async (cluster) => {
      await using echo = await Echo.start(cluster);
      await echo.says(/echoes/);
      const echoed = echo.echoes(randomBytes(random, 2_000_000));
      const before = echo.relay.over;
      echo.child.kill("SIGSTOP");
      // Until the bridge has given up the connection.
      while (echo.relay.over === before) await new Promise((resolve) => setTimeout(resolve, 20));
      echo.child.kill("SIGCONT");
      await echo.says(/connected again/);
      await echoed;
    }],
  ];
}

/** Writes 40,000 lines. */
const LINES = `
import { init } from "deploy";
await init();
for (let line = 1; line <= 40_000; line++) console.log("this is line " + line);
`;

/** What is shown to somebody else goes on at the exact byte, too. */
function logsGoOn(): Step[] {
  return [["deploy logs -f is reset, again and again", async (cluster) => {
    await using project = await Project.make({ "main.ts": LINES });
    const { relay, address } = relayTo(cluster);
    const env = { ...SOON.env, NO_COLOR: "1" };
    const { stdout } = await deploy(["--detach", cluster.bridge], { cwd: project.folder, env });
    const cuts = [40_000, 300_000, 20_000, 500_000];
    relay.fate = () => ({ cutAfter: cuts.shift() ?? Infinity });
    const args = ["logs", "-f", address, stdout.trim()];
    const { stdout: lines, stderr, code } = await deploy(args, { cwd: project.folder, env });
    relay.close();
    assertEquals([code, cuts], [0, []], stderr);
    const expected = Array.from({ length: 40_000 }, (_, at) => `this is line ${at + 1}\n`).join("");
    assert(lines === expected, `${lines.length} bytes of ${expected.length}\n${stderr}`);
    // A cut before the bridge has answered is one attempt more, and not said.
    const lost = stderr.match(/^deploy: lost the connection .* reconnecting for 7.5 s$/gm)?.length;
    assertEquals(stderr.match(/^deploy: connected again$/gm)?.length, lost, stderr);
    assert(lost! > 0, stderr);
  }]];
}

/** Three processes that record their signals in files. */
const RECORDS = `
import { init, spawn } from "deploy";
const [folder, mark, kind] = Deno.args;
const note = (text) => Deno.writeTextFileSync(folder + "/" + Deno.pid, text + "\\n", { append: true });
function live() {
  Deno.addSignalListener("SIGTERM", () => {
    note("SIGTERM");
    if (kind === "ignores") return;
    note("saved");
    Deno.exit(0);
  });
  note("started");
  console.log("ready");
  setInterval(() => {}, 1000);
}
async function work() { live(); await new Promise(() => {}); }
await init({ functions: { work } });
await spawn(work);
await spawn(work);
live();
`;

/** A deployed program of three processes that all run. */
async function start(kind: string, bridge: string, flags: string[] = []) {
  const folder = await Deno.makeTempDir({ prefix: "deploy-notes-" });
  const mark = `mark-${crypto.randomUUID()}`;
  // A busy machine may need it for what takes no time.
  const grace = flags.includes("--grace") ? [] : ["--grace", "1m"];
  const program = await Deployed.start(bridge, RECORDS, {
    args: [folder, mark, kind],
    ...{ flags: [...grace, ...flags], ...SOON },
  });
  await program.until(() => program.text.split("ready\n").length === 4);
  return {
    ...{ mark, program },
    async notes(): Promise<string[]> {
      const found: string[] = [];
      for await (const { name } of Deno.readDir(folder)) {
        found.push((await Deno.readTextFile(`${folder}/${name}`)).replace("started\n", ""));
      }
      return found;
    },
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A deploy that does not come back: its run is told to stop, and has its grace. */
function endsRun(): Step[] {
  return [
    ["it was killed", async (cluster) => {
      await using run = await start("saves", cluster.bridge);
      run.program.kill("SIGKILL");
      await noneIsLeft(run.mark, GONE_MS);
      assertEquals(await run.notes(), Array(3).fill("SIGTERM\nsaved\n"));
    }],
    ["it was killed, and the run ignores SIGTERM", async (cluster) => {
      await using run = await start("ignores", cluster.bridge, ["--grace", "1s"]);
      run.program.kill("SIGKILL");
      await noneIsLeft(run.mark, GONE_MS);
      // Which of them come to write that in so short a time is not known.
      for (const note of await run.notes()) assertMatch(note, /^(SIGTERM\n)?$/);
    }],
    ["it gives up: it ends what it has shown, and exits with 1", async (cluster) => {
      const { relay, address } = relayTo(cluster);
      await using run = await start("saves", address);
      relay.close();
      assertEquals(await run.program.code, 1);
      assertMatch(
        run.program.stderr,
        // The port of the relay is free now, for anybody.
        /^deploy: lost the connection to the bridge at \S+: .+; reconnecting for 7.5 s\ndeploy: no connection to the bridge at \S+ for 7.5 s: .+; gave up\n$/m,
      );
      const ends = run.program.events.filter(({ event }) => event === "eof" || event === "exit");
      assertEquals(ends.length, 9);
      for (const event of ends) {
        if (event.event !== "exit") continue;
        assert("lost" in event.status && event.status.lost.startsWith("the bridge "));
      }
      await noneIsLeft(run.mark, GONE_MS);
      assertEquals(await run.notes(), Array(3).fill("SIGTERM\nsaved\n"));
    }],
    // Chaos, seed 101: its bridge was frozen, and the events ended without those of the processes' ends.
    [
      "it is told to stop, and the bridge does not answer: it ends what it has shown",
      async (cluster) => {
        const { relay, address } = relayTo(cluster);
        await using run = await start("saves", address, ["--grace", "100ms"]);
        relay.freeze();
        run.program.kill("SIGTERM");
        assertEquals(await run.program.code, 143, run.program.stderr);
        const ends = run.program.events.filter(({ event }) => event === "eof" || event === "exit");
        assertEquals(ends.length, 9);
        for (const event of ends) {
          if (event.event !== "exit") continue;
          assert("lost" in event.status && event.status.lost.startsWith("the bridge "));
        }
        relay.close();
        await noneIsLeft(run.mark, GONE_MS);
      },
    ],
    ["a signal ends the run at once, as ever", async (cluster) => {
      await using run = await start("saves", cluster.bridge);
      run.program.kill("SIGTERM");
      assertEquals(await run.program.code, 0, run.program.stderr);
      await noneIsLeft(run.mark);
    }],
  ];
}

Deno.test("deploy loses its connection to the bridge", async (t) => {
  await using cluster = await startCluster({ nodes: [{ mem: "4GiB", cpu: 8 }], ...SOON });
  // Some at once, since most of the time they wait for an end of somebody's patience; not all: while that
  // many programs are built, a busy machine lets deploy be silent for longer than it may.
  const steps = [...goesOn(), ...logsGoOn(), ...endsRun()].values();
  const takeSteps = async () => {
    for (const [name, fn] of steps) {
      await t.step({
        ...{ name, fn: () => fn(cluster) },
        ...{ sanitizeOps: false, sanitizeResources: false, sanitizeExit: false },
      });
    }
  };
  await Promise.all([takeSteps(), takeSteps()]);
});
