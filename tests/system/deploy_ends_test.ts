/** How deployments end: by themselves, by their user, and because of errors. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
// @ts-types="../../types/std_fmt.d.ts"
import { stripAnsiCode } from "@std/fmt/colors";
import { TESTS } from "../../src/net/liveness.ts";
import { type Cluster, startCluster } from "../fabric/cluster.ts";
import { Deployed, noneIsLeft, processesWith } from "../fabric/deployed.ts";
import { within } from "../within.ts";
import { CLI, deploy, deployJson, Project } from "./deploy_harness.ts";
import { SECRET_FILE } from "../secret.ts";

const SMALL = { mem: "2GiB", cpu: 4 };

function newMark(): string {
  return `mark-${crypto.randomUUID()}`;
}

/** Deploys one module, given as the code after `await init()`. */
async function deployed(
  cluster: Cluster,
  rest: string,
  options: { stdin?: string | Uint8Array<ArrayBuffer>; flags?: string[] } = {},
): ReturnType<typeof deploy> {
  const source = `import { init, spawn, wait } from "deploy";\n${rest}`;
  await using project = await Project.make({ "main.ts": source });
  const { flags = [], stdin } = options;
  return await deploy([...flags, cluster.bridge, "main.ts"], {
    cwd: project.folder,
    ...(stdin === undefined ? {} : { stdin }),
  });
}

Deno.test("a deployment ends as its program does", async (t) => {
  await using cluster = await startCluster({ nodes: [SMALL, SMALL] });

  const codes: [what: string, code: number, rest: string][] = [
    ["well", 0, `await init();`],
    ["with a code", 7, `await init(); Deno.exit(7);`],
    ["by a signal", 137, `await init(); Deno.kill(Deno.pid, "SIGKILL");`],
    [
      "well, but for another process",
      101,
      `async function bad() { Deno.exit(3); }
       await init({ functions: { bad } });
       await spawn(bad);`,
    ],
    [
      "well, but for another process, of which it was told",
      0,
      `async function bad() { Deno.exit(3); }
       await init({ functions: { bad } });
       await wait(await spawn(bad));`,
    ],
    [
      "well, but for processes on both nodes, of which it was told in other ways",
      0,
      `import { GiB, kill, Receiver, Sender } from "deploy";
       const most = { mem: 1.2 * GiB, cpu: 0 }; // a node has room for one
       async function bad(parent) { await new Sender(parent).send(1); Deno.exit(3); }
       async function waits(parent) { await new Receiver(parent).recv(); }
       await init({ functions: { bad, waits } });
       const [one, two] = [await spawn(waits, 0, most), await spawn(waits, 0, most)];
       await Promise.all([kill(one), kill(two)]);
       for (const pid of [await spawn(bad, 0, most), await spawn(bad, 0, most)]) {
         const receiver = new Receiver(pid);
         await receiver.recv();
         const error = await receiver.recv().catch((error) => error);
         if (error.kind !== "failed") throw error;
       }`,
    ],
  ];
  for (const [what, code, rest] of codes) {
    await t.step(what, async () => {
      const result = await deployed(cluster, rest);
      assertEquals([result.code, result.stdout], [code, ""], result.stderr);
    });
  }

  const ECHO = `
    await init();
    let size = 0;
    for await (const bytes of Deno.stdin.readable) {
      size += bytes.length;
      if (size < 100) await Deno.stdout.write(bytes);
    }
    console.log("end after", size);`;
  await t.step("having read all of stdin, and its end", async () => {
    const { stdout } = await deployed(cluster, ECHO, { stdin: "one\ntwo" });
    assertEquals(stdout, "one\ntwoend after 7\n");
    const none = await deployed(cluster, ECHO);
    assertEquals(none.stdout, "end after 0\n");
    const much = await deployed(cluster, ECHO, { stdin: new Uint8Array(3_000_000) });
    assertEquals(much.stdout, "end after 3000000\n");
  });

  await t.step("having left what it did not ask for, or was not to get", async () => {
    const source = `import { init } from "deploy";
      await init();
      const bytes = new Uint8Array(100);
      console.log("read", Deno.args[0] === "read" ? await Deno.stdin.read(bytes) : "nothing");`;
    await using project = await Project.make({ "main.ts": source, "lines": "one\ntwo\n" });
    const script = `while read line; do echo "$line"; "$@"; done < lines
      "$@" read < lines
      deploy="$1 $2 $3 $4 -n"; shift 4; $deploy "$@" read < lines`;
    const { stdout } = await new Deno.Command("sh", {
      args: [
        "-c",
        script,
        "sh",
        Deno.execPath(),
        "run",
        "-A",
        CLI,
        cluster.bridge,
        "main.ts",
        "--",
      ],
      cwd: project.folder,
      env: { DEPLOY_SECRET_FILE: SECRET_FILE, NO_COLOR: "1" },
      stderr: "null",
    }).output();
    assertEquals(
      new TextDecoder().decode(stdout),
      "one\nread nothing\ntwo\nread nothing\nread 8\nread null\n",
    );
  });

  await t.step("though it reads none of a long stdin", async () => {
    const stdin = new Uint8Array(3_000_000);
    const { code, stdout } = await deployed(cluster, `await init(); console.log("done");`, {
      stdin,
    });
    assertEquals([code, stdout], [0, "done\n"]);
  });

  await t.step(
    "with 20 MB shown, every byte of them, though nobody reads for longer than a link may be silent",
    async () => {
      const env = { DEPLOY_LIVENESS: "tests" };
      const silentS = TESTS.silenceMs / 1_000 + 1;
      await using cluster = await startCluster({ nodes: [SMALL], env });
      const rest = `await init();
      const line = "x".repeat(99) + "\\n";
      for (let index = 0; index < 200; index++) console.log(line.repeat(1000).slice(0, -1));`;
      await using project = await Project.make({
        "main.ts": `import { init } from "deploy";\n${rest}`,
      });
      const child = new Deno.Command("/bin/sh", {
        args: ["-c", `"$0" run -A "$@" 2>/dev/null | { sleep ${silentS}; wc -c; }`].concat(
          [Deno.execPath(), CLI, cluster.bridge, "main.ts"],
        ),
        cwd: project.folder,
        env: { DEPLOY_SECRET_FILE: SECRET_FILE, ...env },
      });
      const { stdout } = await child.output();
      assertEquals(new TextDecoder().decode(stdout).trim(), "20000000");
    },
  );

  await t.step("when nobody reads what it shows any more", async () => {
    const mark = newMark();
    await using project = await Project.make({
      "main.ts": `import { init } from "deploy"; await init();
        for (;;) { console.log("more"); await new Promise((next) => setTimeout(next, 1)); }`,
    });
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", `{ "$0" run -A "$@" 2>/dev/null; echo "code $?" >&2; } | head -1`].concat(
        [Deno.execPath(), CLI, cluster.bridge, "main.ts", "--", mark],
      ),
      cwd: project.folder,
      env: { DEPLOY_SECRET_FILE: SECRET_FILE },
    });
    const { stdout, stderr } = await child.output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals([out, err], ["more\n", "code 141\n"]);
    await noneIsLeft(mark);
  });
});

Deno.test("a refused deployment shows why, and the program's output", async (t) => {
  await using cluster = await startCluster({ nodes: [SMALL] });
  const cases: { what: string; source: string; flags?: string[]; output?: RegExp; why: RegExp }[] =
    [
      {
        what: "whose prelude throws",
        source: `console.log("so far"); throw new RangeError("too early");`,
        output: /so far\n[^]*RangeError: too early\n[^]*main\.ts:1:/,
        why: /^deploy: Cannot start: the program exited with 1 before await init\(\)$/,
      },
      {
        what: "that exits early",
        source: `console.error("no licence"); Deno.exit(4);`,
        output: /no licence\n/,
        why: /^deploy: Cannot start: the program exited with 4 before await init\(\)$/,
      },
      {
        what: "that never calls init()",
        source: `console.log("Hello world");`,
        output: /Hello world\n/,
        why: /^deploy: Cannot start: the program exited with 0 before await init\(\)$/,
      },
      {
        what: "that does not come to init()",
        source: `Deno.stdout.writeSync(new TextEncoder().encode("thinking"));
          await new Promise(() => setInterval(() => {}, 1e6));`,
        output: /thinking\n/,
        why: /^deploy: Cannot start: the program did not reach await init\(\) within 10 s$/,
      },
      {
        what: "that asks for more than any node has",
        source: `import { init, GiB } from "deploy"; await init({ resources: { mem: 3 * GiB } });`,
        why:
          /^deploy: Cannot spawn the first process: no node has 3 GiB and 0\.0625 cores, even when/,
      },
      {
        what: "that is given more than any node has",
        source: `import { init } from "deploy"; await init();`,
        flags: ["--cpu", "5"],
        why:
          /^deploy: Cannot deploy main\.ts: no node has 5 cores; the largest has 2 GiB and 4 cores$/,
      },
      {
        what: "that cannot be built",
        source: `import "./none.ts";`,
        output: /none\.ts/,
        why: /^deploy: Cannot build main\.ts: .*none\.ts/,
      },
      {
        what: "whose source would change the terminal",
        source: `import "./none\x1b]0;title\x07.ts"; const = "\x1b]0;title\x07";`,
        output: /none/,
        why: /^deploy: Cannot build main\.ts: [^\p{Cc}]+$/u,
      },
    ];
  for (const { what, source, flags = [], output, why } of cases) {
    await t.step(what, async () => {
      await using project = await Project.make({ "main.ts": source });
      const args = [...flags, cluster.bridge, "main.ts"];
      const { code, stdout, stderr } = await deploy(args, { cwd: project.folder });
      assertEquals([code, stdout], [1, ""]);
      if (output !== undefined) assertMatch(stripAnsiCode(stderr), output);
      assertMatch(stderr.trimEnd().split("\n").at(-1)!, why);
      assert(!stderr.includes("\x1b]"), stderr);
    });
  }

  await t.step("as one line of stderr with --format json", async () => {
    await using project = await Project.make({ "main.ts": `Deno.exit(4);` });
    const result = await deployJson([cluster.bridge, "main.ts"], { cwd: project.folder });
    assertEquals([result.code, result.stdout], [1, ""]);
    assertMatch(result.stderr, /^deploy: [^\n]+\n$/);
  });
});

/** Has `Deno.args[1]` processes, each with a child that is not a process of the program. */
const MANY = `
import { init, spawn } from "deploy";
async function busy() {
  new Deno.Command("sh", { args: ["-c", "sleep 1000; :", Deno.args[0]] }).spawn();
  console.log("busy");
  await new Promise((resolve) => setTimeout(resolve, 100));
  for (;;) await new Promise((resolve) => setTimeout(resolve, 100));
}
await init({ functions: { busy }, resources: { mem: 1, cpu: 0 } });
const count = Number(Deno.args[1]);
await Promise.all(Array.from({ length: count }, () => spawn(busy, 0, { mem: 1, cpu: 0 })));
console.log("all busy");
`;

Deno.test("no process is left 5 s after the end of a deployment", async (t) => {
  await using cluster = await startCluster({ nodes: [SMALL, SMALL, SMALL] });
  const endings: [what: string, count: number, signal: Deno.Signal, code: number][] = [
    ["by Ctrl-C, with 40 processes", 40, "SIGINT", 130],
    ["by SIGTERM", 6, "SIGTERM", 143],
    ["by SIGHUP", 3, "SIGHUP", 129],
  ];
  for (const [what, count, signal, code] of endings) {
    await t.step(what, async () => {
      const mark = newMark();
      await using program = await Deployed.start(cluster.bridge, MANY, {
        args: [mark, String(count)],
      });
      await program.says("all busy");
      await program.until(() => program.text.split("busy\n").length === count + 2);
      // Its own end would decide how the run ends if it were still running.
      await program.until(() => program.events.some(({ event }) => event === "exit"));
      // There may be more: processes that wait to be told who they are. One that has just been started by
      // another is not seen for a moment.
      await within(
        10_000,
        async () => (await processesWith(mark)).length >= 2 * count,
        () => "its processes cannot be seen",
      );
      program.kill(signal);
      await noneIsLeft(mark);
      assertEquals(await program.code, code);
      const exits = program.events.filter(({ event }) => event === "exit");
      assertEquals(exits.length, count + 1);
    });
  }
});

Deno.test("no process is left of a program that was still being tried when its deployment ended", async (t) => {
  await using cluster = await startCluster({ nodes: [SMALL] });
  for (const [signal, code] of [["SIGINT", 130], ["SIGKILL", 137]] as const) {
    await t.step(signal, async () => {
      const mark = newMark();
      const source = `
        new Deno.Command("sh", { args: ["-c", "sleep 1000; :", Deno.args[0]] }).spawn();
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`;
      await using program = await Deployed.start(cluster.bridge, source, { args: [mark] });
      // It has to be built before.
      const isTried = async () => (await processesWith(mark)).length >= 2;
      await within(60_000, isTried, () => `it is not tried: ${program.stderr}`);
      program.kill(signal);
      await noneIsLeft(mark);
      assertEquals(await program.code, code);
      assertEquals(program.events, []);
    });
  }
});
