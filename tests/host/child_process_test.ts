/** An OS process of a run: its session, and its end at any moment. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import { ChildProcess } from "../../src/host/child_process.ts";
import { Marks } from "../../src/host/marks.ts";
import { Watchdog } from "../../src/host/watchdog.ts";

const marks = new Marks();

function shell(script: string): ChildProcess {
  const program = { command: "/bin/sh", args: ["-c", script], cwd: "/" };
  return new ChildProcess(program, { env: {}, stdin: "null", mark: marks.next() });
}

async function outputOf(child: ChildProcess): Promise<string> {
  await Promise.all([child.exited, child.drained[1], child.drained[2]]);
  return child.held.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");
}

Deno.test("a process leads a session and a group of its own", async () => {
  const child = shell("ps -o pid=,pgid=,sid= -p $$");
  assertEquals((await outputOf(child)).trim().split(/\s+/).map(Number), [
    child.group,
    child.group,
    child.group,
  ]);
});

Deno.test({
  name: "Linux kills a process and what it starts before the node, when no memory is left",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const own = Number(Deno.readTextFileSync("/proc/self/oom_score_adj"));
    const higher = Math.trunc((own + 1000) / 2);
    const child = shell("cat /proc/$$/oom_score_adj; sh -c 'cat /proc/$$/oom_score_adj'");
    assertEquals(await outputOf(child), `${higher}\n${higher}\n`);
  },
});

Deno.test("a missing or non-executable file is an error at once, which names it", () => {
  for (const command of ["/nowhere/deno", "/etc/passwd", "/etc"]) {
    const program = { command, args: [], cwd: "/" };
    assertThrows(
      () => new ChildProcess(program, { env: {}, stdin: "null", mark: marks.next() }),
      Error,
      `Failed to spawn '${command}'`,
    );
  }
});

Deno.test("kill() ends a process that has not made its session yet", async () => {
  for (let round = 0; round < 30; round++) {
    const child = shell("exec sleep 1000");
    child.kill();
    assertEquals(await child.exited, { signal: "SIGKILL" });
    await outputOf(child);
  }
});

Deno.test("so does the watchdog when its launcher is gone", async () => {
  const quiet = createLogger("error", (line) => {
    throw new Error(line);
  });
  for (let round = 0; round < 30; round++) {
    const watchdog = new Watchdog({ logger: quiet, marks });
    const child = shell("exec sleep 1000");
    void watchdog.add(child.group);
    await watchdog.close();
    assertEquals(await child.exited, { signal: "SIGKILL" });
    await outputOf(child);
  }
});

Deno.test("a sink takes one piece of output at a time, in order, also what was written before it", async () => {
  const child = shell("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.02; done; exec cat /dev/zero");
  while (child.held.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  let inFlight = 0;
  let text = "";
  await new Promise<void>((done) =>
    child.release(async (_fd, bytes) => {
      assertEquals(++inFlight, 1);
      await new Promise((resolve) => setTimeout(resolve, 10));
      text += new TextDecoder().decode(bytes);
      inFlight--;
      if (text.includes("8\n")) done();
    })
  );
  child.kill();
  await Promise.all([child.exited, child.drained[1], child.drained[2]]);
  assertEquals(text.slice(0, 16), "1\n2\n3\n4\n5\n6\n7\n8\n");
});
