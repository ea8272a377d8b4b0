/** runProgram() reports what a program did, and fails a test for what it left. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { LeftoverError, runProgram } from "deploy/testing";
import { untilGone } from "../node/node_harness.ts";
import { withoutNotices } from "../system/helpers.ts";

const ADDER = new URL("./programs/adder.ts", import.meta.url);
const LEAVER = new URL("./programs/leaver.ts", import.meta.url);

Deno.test("runProgram() gives the exit code, the output and the tree of processes", async () => {
  const { code, stdout, stderr, said, processes, events } = await runProgram(ADDER, {
    args: ["1", "2"],
  });
  assertEquals({ code, stdout, stderr, said: withoutNotices(said) }, {
    code: 0,
    stdout: "sum 3\n",
    stderr: "got 1\ngot 2\n",
    said: "",
  });
  const [first, ...others] = processes;
  assert(first !== undefined);
  const { pid } = first;
  const status = { code: 0 };
  assertEquals(first, {
    ...{ pid, parent: null, name: "adder.ts", node: null },
    ...{ stdout: "sum 3\n", stderr: "", status },
  });
  assertEquals(
    others.map(({ pid: _, ...each }) => each),
    ["1", "2"].map((text) => ({
      ...{ parent: pid, name: `add ${text}`, node: null },
      ...{ stdout: "", stderr: `got ${text}\n`, status },
    })),
  );
  assertEquals(events.filter(({ event }) => event === "exit").length, 3);
  assertEquals(events[0]?.event, "spawn");
});

Deno.test("runProgram() gives the program its stdin, variables and working directory", async () => {
  const folder = await Deno.makeTempDir();
  const { stdout } = await runProgram(ADDER.pathname, {
    stdin: "typed",
    env: { TITLE: "total" },
    cwd: folder,
    denoArgs: ["-A", "--config", new URL("../../deno.json", import.meta.url).pathname],
  });
  await Deno.remove(folder);
  assertEquals(stdout, "total 0\ntyped\n");
});

Deno.test("runProgram() resolves for a program that fails, and its code tells", async () => {
  const { code, processes } = await runProgram(ADDER, { args: ["-1"] });
  assertEquals(code, 3);
  assertEquals(processes.map(({ status }) => status), [{ code: 3 }, { code: 0 }]);
});

Deno.test("runProgram() of a module that is not there gives what Deno says of it", async () => {
  const { code, said, processes } = await runProgram(new URL("./nothing.ts", import.meta.url));
  assertEquals({ code, processes }, { code: 1, processes: [] });
  assertMatch(said, /Module not found/);
});

Deno.test("runProgram() ends a program that takes too long, and says how far it was", async () => {
  const program = new URL("./programs/survivor.ts", import.meta.url);
  // It gets far only if it has the time for that.
  for (let timeoutMs = 2_000;; timeoutMs *= 2) {
    const { message } = await assertRejects(
      () => runProgram(program, { args: ["1", "1000000"], timeoutMs }),
      Error,
      `took longer than ${timeoutMs} ms`,
    );
    if (!/--- stdout\nready/.test(message)) continue;
    assertMatch(message, /--- processes\n\w{7} survivor\.ts: /);
    return;
  }
});

Deno.test("runProgram() rejects for a process that is left, and its port, having killed it", async () => {
  const error = await assertRejects(
    () => runProgram(LEAVER, { args: ["process"] }),
    LeftoverError,
    "left behind:\n  process ",
  );
  assertMatch(error.message, /\n {2}listening port 127\.0\.0\.1:\d+$/);
  assertEquals([error.processes.length, error.ports.length, error.files], [1, 1, []]);
  await untilGone([Number(error.processes[0]!.split(" ")[0])], 5_000);
});

Deno.test("runProgram() rejects for a temporary file that is left, having removed it", async () => {
  const error = await assertRejects(
    () => runProgram(LEAVER, { args: ["file"] }),
    LeftoverError,
    "left behind:\n  file or folder ",
  );
  assertEquals(error.processes, []);
  assertEquals(error.files.length, 1);
  assertMatch(error.files[0]!, /-left$/);
  await assertRejects(() => Deno.stat(error.files[0]!), Deno.errors.NotFound);
});

Deno.test("a program with a TMPDIR of its own may leave files there", async () => {
  const folder = await Deno.makeTempDir();
  const { stdout } = await runProgram(LEAVER, { args: ["file"], env: { TMPDIR: folder } });
  assertEquals(stdout, "done\n");
  assertEquals([...Deno.readDirSync(folder)].length, 1);
  await Deno.remove(folder, { recursive: true });
});
