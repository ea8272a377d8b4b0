// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import { ChildProcess } from "../../src/host/child_process.ts";
import { Watchdog } from "../../src/host/watchdog.ts";
import { isAlive, untilGone } from "../node/node_harness.ts";

const quiet = createLogger("error", (line) => {
  throw new Error(line);
});

function sleeper(): ChildProcess {
  const program = { command: "/bin/sh", args: ["-c", "exec sleep 1000"], cwd: "/" };
  return new ChildProcess(program, { env: {}, stdin: false });
}

Deno.test("when the launcher is killed, so are processes that compute forever", async () => {
  const launcher = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("./watchdog_launcher.ts", import.meta.url).pathname],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = launcher.stdout.getReader();
  const { value } = await reader.read();
  const { watchdog, groups } = JSON.parse(new TextDecoder().decode(value));
  assertEquals(groups.length, 4);
  assert(groups.every(isAlive));
  launcher.kill("SIGKILL");
  await launcher.status;
  await untilGone([...groups, watchdog], 5_000);
  await reader.cancel();
});

Deno.test("close() ends the groups that are left, and the watchdog", async () => {
  const watchdog = new Watchdog(quiet);
  const children = [sleeper(), sleeper(), sleeper()];
  await Promise.all(children.map(({ group }) => watchdog.add(group)));
  const spared = children[1] as ChildProcess;
  watchdog.remove(spared.group);
  const shell = watchdog.pid as number;
  await watchdog.close();
  assertEquals(isAlive(shell), false);
  assertEquals(await children[0]?.exited, { signal: "SIGKILL" });
  assertEquals(await children[2]?.exited, { signal: "SIGKILL" });
  assert(isAlive(spared.group));
  spared.kill();
  await spared.exited;
  await Promise.all(children.flatMap(({ drained }) => [drained[1], drained[2]]));
});

Deno.test("a watchdog that is killed is started again, and knows the same groups", async () => {
  const watchdog = new Watchdog(quiet);
  const child = sleeper();
  await watchdog.add(child.group);
  for (let round = 0; round < 3; round++) {
    const before = watchdog.pid as number;
    Deno.kill(before, "SIGKILL");
    while (watchdog.pid === undefined || watchdog.pid === before) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assertNotEquals(watchdog.pid, before);
  }
  await watchdog.close();
  assertEquals(await child.exited, { signal: "SIGKILL" });
  await Promise.all([child.drained[1], child.drained[2]]);
});

Deno.test("a watchdog ignores the signals that end a terminal's processes", async () => {
  const watchdog = new Watchdog(quiet);
  const shell = watchdog.pid as number;
  const names = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
  let ignored: string[] = [];
  while (ignored.length < 3) {
    assert(isAlive(shell));
    const status = Deno.readTextFileSync(`/proc/${shell}/status`);
    const mask = BigInt(`0x${/SigIgn:\s*([0-9a-f]+)/.exec(status)?.[1]}`);
    ignored = Object.entries(names)
      .filter(([, number]) => (mask >> BigInt(number - 1) & 1n) === 1n).map(([name]) => name);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  for (const name of ignored) Deno.kill(shell, name as Deno.Signal);
  await watchdog.close();
  assertEquals(isAlive(shell), false);
});
