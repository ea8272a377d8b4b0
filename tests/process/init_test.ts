/** init() in processes of a run; the test is their node. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Pid } from "deploy";
import type { StartMessage } from "../../src/process/node_link.ts";
import type { NodeMessage, ProcessMessage } from "../../src/wire/control.ts";
import { decodeProcessMessage } from "../../src/wire/process_messages.ts";
import { encodeMessage, MessageDecoder } from "../../src/wire/message.ts";
import { decode } from "../../src/codec/value_decoder.ts";
import { encode } from "../../src/codec/value_encoder.ts";
import { closedPort } from "../net/closed_port.ts";

const OWN = "8a3be21f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4100" as Pid;
const PARENT = "3fecd01f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4101" as Pid;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** The ports that processes may listen on; where any is allowed, the system chooses larger ones. */
const PORTS = [20_000, 29_999] as const;

/** The output of a process whose node is gone. */
const LOST =
  "deploy: Cannot go on: this process has lost its node: the node closed the control link\n";
const deno = Deno.env.get("DEPLOY_TEST_DENO") ?? Deno.execPath();

type Hello = Extract<ProcessMessage, { type: "hello" }>;

/** The bytes of a message of the node. */
function bytesOf(message: NodeMessage | ProcessMessage): Uint8Array {
  return encodeMessage(message);
}

/** A process that has sent `hello`, as its node sees it. */
interface Hosted {
  readonly hello: Hello;
  readonly directory: string;
  start(message?: Partial<StartMessage>): Promise<void>;
  send(bytes: Uint8Array): Promise<void>;
  /** The next message; `undefined` when the process has closed the link. */
  next(): Promise<ProcessMessage | undefined>;
  /** Closes the link, as an ending node does. */
  leave(): void;
  readonly output: Promise<{ stdout: string; stderr: string; code: number }>;
}

async function host(
  source: string,
  act: (process: Hosted) => Promise<void>,
  flags: string[] = ["-A"],
): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  await Deno.writeTextFile(`${directory}/main.ts`, source);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const control = `127.0.0.1:${listener.addr.port}`;
  const child = new Deno.Command(deno, {
    args: ["run", "--quiet", "--no-lock", "--config", CONFIG, ...flags, "main.ts", "x"],
    cwd: directory,
    env: {
      NO_COLOR: "1",
      FROM_NODE: "1",
      DEPLOY_PROCESS: JSON.stringify({ control, token: "abc", host: "127.0.0.1", ports: PORTS }),
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(60_000),
  }).spawn();
  const output = (async () => {
    const { stdout, stderr, code } = await child.output();
    const decoder = new TextDecoder();
    return { stdout: decoder.decode(stdout), stderr: decoder.decode(stderr), code };
  })();
  const conn = await Promise.race([listener.accept(), output]);
  if ("code" in conn) throw new Error(`it ended before it said hello: ${conn.stderr}`);
  const messages = receive(conn);
  const next = async () => (await messages.next()).value ?? undefined;
  const send = async (bytes: Uint8Array) => {
    for (let written = 0; written < bytes.length;) {
      written += await conn.write(bytes.subarray(written));
    }
  };
  let left = false;
  const leave = () => {
    if (!left) conn.close();
    left = true;
  };
  const hello = await next();
  assert(hello?.type === "hello");
  try {
    await act({
      hello,
      directory,
      start: async (message = {}) => {
        const will = `${directory}/will`;
        await send(bytesOf({ type: "welcome", pid: OWN, key: new Uint8Array(32), will }));
        await send(bytesOf({
          type: "start",
          parent: null,
          function: null,
          name: "main.ts",
          arg: new Uint8Array(0),
          resources: { mem: 7, cpu: 0.5 },
          cwd: null,
          env: null,
          ...message,
        }));
      },
      send,
      next,
      leave,
      output,
    });
    await output;
  } finally {
    listener.close();
    leave();
    await output;
    await Deno.remove(directory, { recursive: true });
  }
}

async function* receive(conn: Deno.TcpConn): AsyncGenerator<ProcessMessage, undefined> {
  const decoder = new MessageDecoder();
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    for (const body of decoder.push(buffer.subarray(0, count))) yield decodeProcessMessage(body);
  }
}

/** A start message for `work`. */
const WORK = { function: "work", parent: PARENT, arg: encode({ text: "ü", list: [1n] }) };

Deno.test("init() resolves in the first process, which then knows its Pid", () =>
  host(
    `import { init, pid, resources } from "deploy";
    console.log("prelude");
    await init();
    console.log(pid(), resources(), Deno.env.get("DEPLOY_PROCESS"), Deno.env.get("FROM_NODE"));
    try { await init(); } catch (error) { console.log(String(error)); }`,
    async ({ hello, start, next, output }) => {
      assertEquals(hello.token, "abc");
      assert(hello.port >= PORTS[0] && hello.port <= PORTS[1], String(hello.port));
      await start();
      assertEquals(await next(), { type: "started" });
      assertEquals(await next(), undefined);
      assertEquals(await output, {
        stdout: `prelude\n${OWN} { mem: 7, cpu: 0.5 } undefined 1\n` +
          "Error: Cannot init() twice: call it once, and await it, in the main module\n",
        stderr: "",
        code: 0,
      });
    },
  ));

Deno.test("init() listens on the port that it reports", () =>
  host(`import { init } from "deploy"; await init();`, async ({ hello, start }) => {
    using _conn = await Deno.connect({ hostname: "127.0.0.1", port: hello.port });
    await start();
  }));

Deno.test("init() keeps the process alive until it has its identity, awaited or not", () =>
  host(
    `import { init } from "deploy"; init().then(() => console.log("told"));`,
    async ({ start, output }) => {
      await start();
      assertEquals((await output).stdout, "told\n");
    },
  ));

Deno.test("init() runs the function of a spawned process, and does not resolve", () =>
  host(
    `import { init } from "deploy";
    function work(parent, arg) {
      console.log(parent, arg, Deno.args);
      Deno.exitCode = 9;
    }
    await init({ functions: { work } });
    console.log("not reached");`,
    async ({ start, next, output }) => {
      await start(WORK);
      assertEquals(await next(), { type: "started" });
      assertEquals(await output, {
        stdout: `${PARENT} { text: "ü", list: [ 1n ] } [ "x" ]\n`,
        stderr: "",
        code: 9,
      });
    },
  ));

Deno.test("init() takes over directory and environment, and the next process gets them too", () =>
  host(
    `import { init, spawn } from "deploy";
    Deno.env.set("PRELUDE", "1");
    async function work() {
      console.log(Deno.cwd(), Deno.env.get("ADDED"), Deno.env.get("FROM_NODE"));
      Deno.env.set("MORE", "2");
      await spawn(work);
    }
    await init({ functions: { work } });`,
    async ({ start, next, send, output }) => {
      const elsewhere = await Deno.realPath(await Deno.makeTempDir());
      try {
        const env = encode({ ADDED: "1", FROM_NODE: null });
        await start({ ...WORK, cwd: elsewhere, env });
        assertEquals((await next())?.type, "started");
        const spawn = await next();
        assert(spawn?.type === "spawn" && spawn.env !== null);
        assertEquals(spawn.cwd, elsewhere);
        assertEquals(decode(spawn.env), { ADDED: "1", FROM_NODE: null, MORE: "2" });
        await send(bytesOf({ type: "spawned", request: spawn.request, pid: PARENT }));
        assertEquals((await output).stdout, `${elsewhere} 1 undefined\n`);
      } finally {
        await Deno.remove(elsewhere);
      }
    },
  ));

Deno.test("init() exits with 1 before it has started if there is no such function", () =>
  host(
    `import { init } from "deploy"; await init();`,
    async ({ start, next, output }) => {
      await start(WORK);
      assertEquals(await next(), undefined);
      const { stdout, stderr, code } = await output;
      assertEquals({ stdout, code }, { stdout: "", code: 1 });
      assertMatch(
        stderr,
        /^Cannot run work: no such function is registered in this process; .*\n$/,
      );
    },
  ));

Deno.test("init() fails before it has started if the directory is gone", () =>
  host(
    `import { init } from "deploy"; await init({ functions: { work() {} } });`,
    async ({ start, next, output, directory }) => {
      await start({ ...WORK, cwd: `${directory}/none` });
      assertEquals(await next(), undefined);
      const { stderr, code } = await output;
      assertEquals(code, 1);
      assertStringIncludes(stderr, `${directory}/none`);
    },
  ));

Deno.test("a process that loses its node exits with 1, silently", async () => {
  const first = `import { init } from "deploy";
    await init();
    addEventListener("unload", () => console.log("unload"));
    setInterval(() => {}, 1000);`;
  const spawned = `import { init, wait } from "deploy";
    async function work(parent) { await wait(parent); }
    await init({ functions: { work } });`;
  await host(first, async ({ leave, output }) => {
    leave();
    assertEquals(await output, { stdout: "", stderr: LOST, code: 1 });
  });
  await host(first, async ({ start, next, leave, output }) => {
    await start();
    assertEquals((await next())?.type, "started");
    leave();
    // "unload" is printed because Deno dispatches it in every exit.
    assertMatch((await output).stdout, /^(unload\n)?$/);
    assertEquals((await output).stderr, LOST);
    assertEquals((await output).code, 1);
  });
  await host(spawned, async ({ start, next, leave, output }) => {
    await start(WORK);
    assertEquals((await next())?.type, "started");
    assertEquals((await next())?.type, "wait");
    leave();
    assertEquals(await output, { stdout: "", stderr: LOST, code: 1 });
  });
});

Deno.test("a process treats an invalid message of its node as the node's end", () =>
  host(`import { init } from "deploy"; await init();`, async ({ send, output }) => {
    await send(new Uint8Array([0, 0, 0, 1, 0xc1]));
    const { stderr, ...rest } = await output;
    assertEquals(rest, { stdout: "", code: 1 });
    assertMatch(stderr, /^deploy: Cannot go on: this process has lost its node: .*\n$/);
  }));

Deno.test("init() works where the process may not write, and Deno.exit ends it there too", () =>
  host(
    `import { init } from "deploy";
    async function work() { await 1; Deno.exit(4); }
    await init({ functions: { work } });`,
    async ({ start, output }) => {
      await start(WORK);
      assertEquals(await output, { stdout: "", stderr: "", code: 4 });
    },
    ["--allow-net", "--allow-env"],
  ));

Deno.test("init() rejects invalid options, also in a process of a run", async () => {
  const table: [string, string][] = [
    ["null", "TypeError: Cannot init(): options is null, not an object"],
    ["{ functions: 3 }", "TypeError: Cannot init(): functions is 3, not an object"],
    ["{ functions: [] }", "TypeError: Cannot init(): functions is , not an object"],
    ["{ functions: { a: 1 } }", "TypeError: Cannot init(): functions.a is 1, not a function"],
    ["{ resources: 'x' }", "TypeError: Cannot init(): resources is x, not an object"],
    ["{ resources: { mem: -1 } }", "TypeError: Cannot init(): resources.mem is -1, "],
    ["{ resources: { cpu: '1' } }", 'TypeError: Cannot init(): resources.cpu is "1", '],
    ["{ functions: { taken() {} } }", 'Error: Cannot register two functions as "taken"'],
  ];
  const source = `import { init, spawnable } from "deploy";
    spawnable("taken", () => {});
    for (const options of [${table.map(([options]) => options)}]) {
      try { await init(options); } catch (error) { console.log(String(error)); }
    }`;
  const { stdout } = await new Deno.Command(deno, {
    args: ["eval", "--quiet", "--no-lock", "--config", CONFIG, source],
    env: { DEPLOY_PROCESS: "" },
  }).output();
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assertEquals(lines.length, table.length);
  for (const [index, [, message]] of table.entries()) {
    assertStringIncludes(lines[index] ?? "", message);
  }
});

Deno.test("init() rejects in a worker, and if the node's variable is malformed", async () => {
  const run = async (source: string, env: Record<string, string>) => {
    const { stdout, stderr, code } = await new Deno.Command(deno, {
      args: ["eval", "--quiet", "--no-lock", "--config", CONFIG, source],
      env: { NO_COLOR: "1", ...env },
    }).output();
    return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  };
  const module = `import { init } from "deploy"; await init();`;
  const rubbish = await run(module, { DEPLOY_PROCESS: "{}" });
  assertEquals(rubbish.code, 1);
  assertStringIncludes(rubbish.text, "Cannot join a run: the environment variable DEPLOY_PROCESS");

  using closed = await closedPort();
  const control = `127.0.0.1:${closed.port}`;
  const nobody = JSON.stringify({ control, token: "a", host: "127.0.0.1" });
  const gone = await run(module, { DEPLOY_PROCESS: nobody });
  assertEquals(gone.code, 1);
  assertStringIncludes(gone.text, "ConnectionRefused");

  const mod = JSON.stringify(new URL("../../mod.ts", import.meta.url).href);
  const code = JSON.stringify(
    `import { init } from ${mod}; try { await init(); } catch (error) { console.log(error.message); } close();`,
  );
  const worker = await run(
    `new Worker("data:text/javascript," + encodeURIComponent(${code}), { type: "module" });`,
    {},
  );
  assertStringIncludes(worker.text, "Cannot init() in a worker: call it in the main module");
});
