/** Debuggers attach to processes of local runs and of clusters. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { signalChild } from "../../src/testing/os_processes.ts";
import { parseAddress } from "../../src/core/address.ts";
import { makePid, randomId } from "../../src/core/pid.ts";
import { createLogger } from "../../src/core/logger.ts";
import { dialPart, loadCredential } from "../../src/net/connect.ts";
import { Purpose } from "../../src/net/protocol.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import {
  type DeployToInspector,
  INSPECTOR_TO_DEPLOY,
  type InspectorToDeploy,
} from "../../src/wire/inspect_messages.ts";
import { startCluster } from "../fabric/cluster.ts";
import { SECRET_FILE } from "../secret.ts";
import { Debugger } from "./debugger.ts";
import { CLI, Project } from "./deploy_harness.ts";

const MAIN = `
import { init, spawn, wait } from "deploy";
import { worker } from "./worker.ts";

await init({ functions: { worker }, resources: { cpu: 1 } });
const pid = await spawn(worker, { n: 21 }, { cpu: 1 });
console.log("it ended with", (await wait(pid)).code);
`;

const WORKER = `// The types are gone in what runs.
interface Job {
  readonly n: number;
}

export function worker(_parent: string, job: Job): void {
  const doubled: number = job.n * 2;
  console.log("doubled", doubled);
}
`;

/** The line with the output. */
const LINE = 8;

/** The maximum time for a program, even on a slow machine. */
const LIMIT_MS = 180_000;

/** A program whose stderr is read while it runs. */
class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Promise<string>;
  readonly #reader: ReadableStreamDefaultReader<string>;
  /** Its stderr so far. */
  stderr = "";

  constructor(args: readonly string[], cwd: string, env: Record<string, string> = {}) {
    const isLocal = args[0] !== CLI;
    const deno = isLocal ? Deno.env.get("DEPLOY_TEST_DENO") : undefined;
    this.#child = new Deno.Command(deno ?? Deno.execPath(), {
      args: ["run", "-A", ...args],
      cwd,
      env: { DEPLOY_SECRET_FILE: SECRET_FILE, DEPLOY_FORMAT: "human", NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(LIMIT_MS),
    }).spawn();
    this.#stdout = new Response(this.#child.stdout).text();
    this.#reader = this.#child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  }

  signal(signal: Deno.Signal): void {
    signalChild(this.#child, signal);
  }

  /** The first line of its stderr that matches. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const lines = this.stderr.split("\n").slice(0, -1);
      const found = lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      const { value } = await this.#reader.read();
      if (value === undefined) throw new Error(`it has ended without ${pattern}: ${this.stderr}`);
      this.stderr += value;
    }
  }

  /** Its exit code and stdout, once it has ended. */
  async end(): Promise<[number, string]> {
    for (let read = await this.#reader.read(); !read.done; read = await this.#reader.read()) {
      this.stderr += read.value;
    }
    return [(await this.#child.status).code, await this.#stdout];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGTERM");
    await this.end();
  }
}

/**
 * Attaches to the worker that waits, looks at it, stops at a line of its TypeScript, and lets it go once `whileStopped`
 * is done.
 */
async function debugWorker(
  line: string,
  folder: string,
  whileStopped = () => Promise.resolve(),
): Promise<void> {
  await using inspector = await Debugger.attach(line);
  const [entered] = await inspector.stopped();
  assertEquals(entered!.functionName, "worker");
  assertEquals(await inspector.evaluate(entered!, "job.n"), 21);

  const place = await inspector.find("worker.ts", LINE);
  assertEquals(place.source, `file://${folder}/worker.ts`);
  assertEquals(place.content, WORKER);
  await inspector.breakAt(place);
  await inspector.send("Debugger.resume");
  const [stopped] = await inspector.stopped();
  assertEquals(stopped!.functionName, "worker");
  assertEquals(await inspector.evaluate(stopped!, "doubled"), 42);
  await whileStopped();
  await inspector.send("Debugger.resume");
}

const WAITS = /^deploy: [0-9a-f]{7} worker waits for a debugger: port \d+, or devtools:/;

Deno.test("a debugger stops a spawned function on another node at a line of its TypeScript", async () => {
  await using cluster = await startCluster({
    nodes: [{ mem: "1GiB", cpu: 1 }, { mem: "1GiB", cpu: 1 }],
  });
  await using project = await Project.make({ "main.ts": MAIN, "worker.ts": WORKER });
  await using program = new Program(
    [CLI, "--inspect-brk=worker", cluster.bridge, "main.ts"],
    project.folder,
  );
  const line = await program.line(WAITS);
  const port = Number(/port (\d+)/.exec(line)![1]);
  // A page whose name leads to this machine is not let in.
  const { status } = await fetchAs("evil.example", port);
  assertEquals(status, 403);
  // Neither is who has the secret of the cluster, and has not started the run.
  assertStringIncludes(await inspectWithout(cluster.bridge), "another deploy");

  await debugWorker(line, project.folder);
  const [code, stdout] = await program.end();
  assertEquals([code, stdout], [0, "doubled 42\nit ended with 0\n"], program.stderr);
  assert(!program.stderr.includes("Debugger"), program.stderr);
});

Deno.test("the same in a local run, of which Ctrl-\\ tells that it may stand at a breakpoint", async () => {
  await using project = await Project.make({ "main.ts": MAIN, "worker.ts": WORKER });
  await using program = new Program(["main.ts"], project.folder, { DEPLOY_INSPECT_BRK: "worker" });
  await debugWorker(await program.line(WAITS), project.folder, async () => {
    if (Deno.build.os !== "linux") return; // others do not tell that it does not compute
    program.signal("SIGQUIT");
    await program.line(/^[0-9a-f]{7} worker +no answer, without computing: at a breakpoint, or in/);
  });
  const [code, stdout] = await program.end();
  assertEquals([code, stdout], [0, "doubled 42\nit ended with 0\n"], program.stderr);
  assert(!program.stderr.includes("Debugger"), program.stderr);
});

Deno.test("a debugger finds the first process where it has called init()", async () => {
  await using project = await Project.make({ "main.ts": MAIN, "worker.ts": WORKER });
  await using program = new Program(["main.ts"], project.folder, { DEPLOY_INSPECT_BRK: "main.ts" });
  const line = await program.line(/ main\.ts waits for a debugger: /);
  await using inspector = await Debugger.attach(line);
  await inspector.stopped();
  await inspector.breakAt(await inspector.find("main.ts", 7));
  await inspector.send("Debugger.resume");
  const [stopped] = await inspector.stopped();
  assertMatch(String(await inspector.evaluate(stopped!, "pid")), /^[0-9a-f]+@/);
  await inspector.send("Debugger.resume");
  // Deno 2.6 does not let a process end by itself that a debugger has been attached to: it is told to stop.
});

/** Asks for the list of an inspector with another `Host`, which `fetch` does not send. */
async function fetchAs(host: string, port: number): Promise<{ status: number }> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(new TextEncoder().encode(`GET /json HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
  const buffer = new Uint8Array(1024);
  const count = await conn.read(buffer) ?? 0;
  const answer = new TextDecoder().decode(buffer.subarray(0, count));
  return { status: Number(answer.split(" ")[1]) };
}

/** What the bridge says to who asks for a process and does not have the token of its run. */
async function inspectWithout(bridge: string): Promise<string> {
  const logger = createLogger("error", () => {});
  const credential = await loadCredential({ secretFile: SECRET_FILE, plain: false, logger });
  const conn = await dialPart(parseAddress(bridge)!, Purpose.inspect, credential);
  const link = new MessageLink<DeployToInspector, InspectorToDeploy>(conn, {
    schema: INSPECTOR_TO_DEPLOY,
  });
  const pid = makePid(randomId(), "127.0.0.1", 1);
  void link.send({ type: "inspect", token: "0".repeat(32), pid });
  const { value: answer } = await link.messages().next();
  link.drop();
  return answer?.type === "refused" ? answer.why : String(answer?.type);
}
