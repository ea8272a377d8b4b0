// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import { ChildProcess } from "../../src/host/child_process.ts";
import { Marks } from "../../src/host/marks.ts";
import { Watchdog } from "../../src/host/watchdog.ts";
import { isAlive, untilGone } from "../node/node_harness.ts";

const marks = new Marks();

const quiet = createLogger("error", (line) => {
  throw new Error(line);
});

function sleeper(mark = marks.next()): ChildProcess {
  const program = { command: "/bin/sh", args: ["-c", "exec sleep 1000"], cwd: "/" };
  return new ChildProcess(program, { env: {}, stdin: "null", mark });
}

Deno.test("when the launcher is killed, so are its processes, and its folder is removed, wherever it is", async () => {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/folder`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/a file`, "");
  const launcher = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("./watchdog_launcher.ts", import.meta.url).pathname, folder],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = launcher.stdout.getReader();
  const { value } = await reader.read();
  const { watchdog, groups } = JSON.parse(new TextDecoder().decode(value));
  assertEquals(groups.length, 4);
  assert(groups.every(isAlive));
  if (Deno.build.os === "linux") await Deno.rename(folder, `${parent}/moved`);
  launcher.kill("SIGKILL");
  await launcher.status;
  await untilGone([...groups, watchdog]);
  await Deno.remove(parent); // there is nothing in it
  await reader.cancel();
});

Deno.test("close() ends the groups that are left, and the watchdog", async () => {
  const watchdog = new Watchdog({ logger: quiet, marks });
  const children = [sleeper(), sleeper(new Marks().next()), sleeper()];
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
  const watchdog = new Watchdog({ logger: quiet, marks });
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

Deno.test("where watchdogs keep ending, the next ones are started after longer and longer pauses, without end", async () => {
  const lines: string[] = [];
  const pauses: { ms: number; then: () => void }[] = [];
  const watchdog = new Watchdog({
    logger: createLogger("warn", (line) => lines.push(line)),
    marks,
    startTimer: (ms, then) => {
      pauses.push({ ms, then });
      return () => {};
    },
  });
  const child = sleeper();
  await watchdog.add(child.group);
  const kill = async () => {
    const before = watchdog.pid as number;
    Deno.kill(before, "SIGKILL");
    while (watchdog.pid === before) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await kill();
  assert(watchdog.pid !== undefined, "the second one is started at once");
  for (let round = 0; round < 12; round++) {
    await kill();
    assertEquals(watchdog.pid, undefined);
    pauses[round]!.then();
    assert(watchdog.pid !== undefined);
  }
  assertEquals(
    pauses.map(({ ms }) => ms / 100),
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600],
  );
  assertEquals(lines.length, 1, lines.join("\n"));
  await watchdog.close();
  assertEquals(await child.exited, { signal: "SIGKILL" });
  await Promise.all([child.drained[1], child.drained[2]]);
});

Deno.test("a watchdog ignores the signals that end a terminal's processes", async () => {
  const watchdog = new Watchdog({ logger: quiet, marks });
  const child = sleeper();
  await watchdog.add(child.group);
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
  await Promise.all([child.exited, child.drained[1], child.drained[2]]);
});

/** Three processes that leave the group and session of the one that starts them, in three ways; the last one's parent is gone. */
const LEAVES = `
setsid sleep 1000 &
echo $!
env -i setsid sleep 1000 &
echo $!
(setsid sh -c 'echo $$; exec sleep 1000' &)
`;

interface Left {
  readonly child: ChildProcess;
  readonly mark: string;
  /** The processes that it has started, by now in sessions of their own. */
  readonly ids: number[];
}

/** A process that has started others. */
async function leaver(): Promise<Left> {
  const mark = marks.next();
  const program = { command: "/bin/sh", args: ["-c", `${LEAVES} exec sleep 1000`], cwd: "/" };
  const child = new ChildProcess(program, { env: {}, stdin: "null", mark });
  const numbers = (): number[] => {
    const text = child.held.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");
    return text.endsWith("\n") ? text.trim().split("\n").map(Number) : [];
  };
  const isLeader = (id: number): boolean =>
    Number(Deno.readTextFileSync(`/proc/${id}/stat`).replace(/.*\) /, "").split(" ")[3]) === id;
  while (numbers().length < 3 || !numbers().every(isLeader)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return { child, mark, ids: numbers() };
}

async function finish({ child }: Left): Promise<void> {
  child.kill();
  await Promise.all([child.exited, child.drained[1], child.drained[2]]);
}

Deno.test({
  name: "what an ended process has started ends, wherever it has gone, and nothing else",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const watchdog = new Watchdog({ logger: quiet, marks });
    const [ends, stays] = await Promise.all([leaver(), leaver()]);
    await finish(ends);
    assert([...ends.ids, ...stays.ids].every(isAlive));
    watchdog.left(ends.mark);
    await watchdog.endLeft();
    await untilGone(ends.ids);
    assert(stays.ids.every(isAlive));
    await watchdog.close();
    await untilGone(stays.ids);
    await finish(stays);
  },
});

/** As another user, it gets rid of its limit, and leaves its session and its parent. */
const HIDES = `
setsid sh -c 'prlimit --pid $$ --locks=unlimited; echo $$; exec sleep 1000' </dev/null &
exec sleep 1000
`;

Deno.test({
  name: "what an ended process of another user has started ends, also if it has changed its limits",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0,
  fn: async () => {
    const marks = new Marks(true);
    const watchdog = new Watchdog({ logger: quiet, marks });
    const user = {
      ...{ name: "nobody", uid: 65534, gid: 65534, home: "/", groups: [65534] },
      marksGroups: true,
    };
    const program = { command: "/bin/sh", args: ["-c", HIDES], cwd: "/", env: {}, user };
    const hide = async (mark: string) => {
      const child = new ChildProcess(program, { env: {}, stdin: "null", mark });
      const text = () => child.held.map(({ bytes }) => new TextDecoder().decode(bytes)).join("");
      while (!text().endsWith("\n")) await new Promise((resolve) => setTimeout(resolve, 5));
      return { child, mark, ids: [Number(text())] };
    };
    const [ends, stays] = [await hide(marks.next()), await hide(marks.next())];
    await finish(ends);
    watchdog.left(ends.mark);
    await watchdog.endLeft();
    await untilGone(ends.ids, 5_000);
    assert(stays.ids.every(isAlive));
    // All of its run, when its launcher is gone.
    await watchdog.close();
    await untilGone(stays.ids, 5_000);
    await finish(stays);
  },
});

Deno.test({
  name: "the watchdog looks by itself soon after an end, and goes on when it is killed",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const watchdog = new Watchdog({ logger: quiet, marks });
    const [first, second] = await Promise.all([leaver(), leaver()]);
    await Promise.all([finish(first), finish(second)]);
    watchdog.left(first.mark);
    await untilGone(first.ids);
    watchdog.left(second.mark);
    const asked = watchdog.endLeft();
    Deno.kill(watchdog.pid as number, "SIGKILL");
    await asked;
    await watchdog.close();
    await untilGone(second.ids);
  },
});
