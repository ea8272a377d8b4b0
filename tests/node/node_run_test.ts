// @ts-types="../../types/std_assert.d.ts"
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
// @ts-types="../../types/std_async.d.ts"
import { deadline } from "@std/async/deadline";
import { SpawnError } from "../../src/core/errors.ts";
import type { RunEvent } from "../../src/core/events.ts";
import { isPid, parsePid, type Pid } from "../../src/core/pid.ts";
import { NotStartedError } from "../../src/host/not_started.ts";
import { signalProcess } from "../../src/testing/os_processes.ts";
import { untilCollected } from "../collected.ts";
import { type Harness, isAlive, KEY, requestFor, startNode, untilGone } from "./node_harness.ts";

Deno.test("launch() starts a process with its identity, and reports its whole life", async () => {
  await using run = startNode();
  const parent = "8a3be21f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4100" as Pid;
  const pid = await run.launch("who", parent);
  assert(isPid(pid));
  assertEquals(parsePid(pid)?.host, "127.0.0.1");
  assertEquals(await run.master.wait(pid), { code: 0 });
  const start = JSON.parse(run.output(pid, 1));
  assertStringIncludes(start.will, "/tmp/deploy-");
  assertEquals(start, {
    type: "start",
    pid,
    parent,
    function: "who",
    name: "a who",
    arg: [4, 5],
    resources: { mem: 104857600, cpu: 0.0625 },
    cwd: null,
    env: null,
    key: [...KEY],
    will: start.will,
  });
  assertEquals(run.events.map(({ event }) => event), ["spawn", "output", "eof", "eof", "exit"]);
  const [first, last] = [run.events[0], run.events.at(-1)];
  assert(first?.event === "spawn" && last?.event === "exit");
  const { time } = first;
  const { resources } = start;
  const place = { node: "node 1", resources };
  assertEquals(first, { event: "spawn", parent, pid, name: "a who", ...place, time });
  const { record } = last;
  assert(record !== undefined);
  assertEquals(last, { event: "exit", pid, status: { code: 0 }, record, time: last.time });
  assertEquals(record, { ...record, lastLines: "" });
  assert(time <= last.time && last.time - time < 60_000 && Date.now() - last.time < 60_000);
});

Deno.test("wait() answers at any time with how a process ended", async () => {
  await using run = startNode();
  const table = [["exit", { code: 0 }], ["exit-3", { code: 3 }], ["raise", { signal: "SIGTERM" }]];
  for (const [name, status] of table) {
    const pid = await run.launch(name as string);
    assertEquals(await run.master.wait(pid), status as { code: number });
    assertEquals(await run.master.wait(pid), status as { code: number });
  }
  const unknown = "8a3be21f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4100" as Pid;
  await assertRejects(() => run.master.wait(unknown), Error, unknown);
  await assertRejects(() => run.master.kill(unknown), Error, unknown);
  assertEquals(await run.node.kill(unknown), false);
});

Deno.test("the record of a process has its last lines, and what it has been seen to use", async () => {
  await using run = startNode();
  const pid = await launchReady(run, "fail-late");
  const [looked] = run.node.usage();
  await run.node.kill(pid, { signal: "SIGTERM", graceMs: 3_000 });
  assertEquals(await run.master.wait(pid), { code: 1 });
  const exit = run.events.at(-1);
  assert(exit?.event === "exit" && exit.record !== undefined);
  assertEquals(exit.record.lastLines, run.output(pid, 2).split("\n").slice(-21).join("\n"));
  if (Deno.build.os !== "linux") return;
  const { peakBytes, cpuMs } = exit.record;
  assert(looked!.peakBytes > 60 * 1024 ** 2, `${looked!.peakBytes}`);
  assert(peakBytes !== null && peakBytes >= looked!.peakBytes, `${peakBytes}`);
  assert(cpuMs !== null && cpuMs >= looked!.cpuMs && cpuMs > 0, `${cpuMs}`);
});

Deno.test("early output of a process follows its spawn event", async () => {
  await using run = startNode({ args: ["prelude-output"] });
  const pid = await run.launch(null);
  await run.master.wait(pid);
  assertEquals(run.events[0]?.event, "spawn");
  assertEquals(run.output(pid, 1), "prelude\nfunction\n");
});

Deno.test("launch() rejects with the output of a process that died before hello", async () => {
  await using run = startNode({ args: ["die-before-hello"] });
  const error = await assertRejects(() => run.launch("work"), NotStartedError);
  const lines = Array.from({ length: 10 }, (_, index) => `line ${index + 11}`).join("\n");
  assertEquals(
    error.message,
    `Cannot start work(): its process exited with 7 before it ran work(); ` +
      `its last lines on stderr:\n${lines}`,
  );
  assertEquals(error.reason, "not-started");
  const stdout = error.start.output.filter(({ fd }) => fd === 1);
  assertEquals(new TextDecoder().decode(stdout[0]?.bytes), "on stdout\n");
  assertEquals(run.events, []);
});

Deno.test("launch() rejects when a process dies between hello and its function", async () => {
  await using run = startNode();
  const error = await assertRejects(() => run.launch("die-after-start"), NotStartedError);
  assertStringIncludes(error.message, "exited with 9 before it ran die-after-start()");
  assertStringIncludes(error.message, "stderr:\nsorry");
  await run.node.idle();
  assertEquals(run.events, []);
});

Deno.test("launch() ends a process that writes too much before it is known", async () => {
  await using run = startNode({ args: ["flood-before-hello"] });
  const error = await assertRejects(() => run.launch("work"), NotStartedError);
  assertStringIncludes(error.message, "was killed for writing more than 1 MiB before it ran");
  assert(error.start.overflowed);
});

Deno.test("launch() rejects when the executable is not there", async () => {
  await using run = startNode({ command: "/nowhere/deno" });
  const error = await assertRejects(() => run.launch("work"), SpawnError, "Cannot start work():");
  assertEquals(error.reason, "not-started");
});

Deno.test("a process has its program's environment, and the variables of the run", async () => {
  Deno.env.set("NODE_RUN_TEST", "inherited");
  await using run = startNode();
  const pid = await run.launch("env");
  await run.master.wait(pid);
  const env = JSON.parse(run.output(pid, 1));
  assertEquals(env.NODE_RUN_TEST, "inherited");
  assertEquals(Object.keys(JSON.parse(env.DEPLOY_PROCESS)), ["control", "token", "socket"]);
});

Deno.test("processes spawn, wait for and kill each other through their node", async () => {
  await using run = startNode();
  const pid = await run.launch("spawn-two");
  await run.master.wait(pid);
  const spawned = run.events.flatMap((event) =>
    event.event === "spawn" ? [[event.parent, event.name]] : []
  );
  assertEquals(spawned, [[null, "a spawn-two"], [pid, "a name"], [pid, "a name"]]);
  assertEquals(JSON.parse(run.output(pid, 1)), [
    { type: "ended", request: 2, status: { code: 3 } },
    { type: "ended", request: 3, status: { code: 3 } },
    { type: "killed", request: 4 },
    { type: "ended", request: 5, status: { signal: "SIGKILL" } },
    { type: "killed", request: 6 },
  ]);
  // It killed these processes, so their ends count as noticed, once. What a process notices by waiting, it
  // reports itself.
  const killed = run.events.flatMap((event) =>
    event.event === "exit" && "signal" in event.status ? [event.pid] : []
  );
  assertEquals(noticed(run.events), killed);
  assertEquals(killed.length, 1);
});

/** The processes whose failures have been noticed. */
function noticed(events: readonly RunEvent[]): Pid[] {
  return events.flatMap((event) => event.event === "noticed" ? [event.pid] : []);
}

Deno.test("the notices of a process precede its exit", async () => {
  await using run = startNode();
  const pid = await run.launch("notice");
  await run.master.wait(pid);
  const failed = run.events.find((event) => event.event === "exit" && "code" in event.status);
  assert(failed?.event === "exit");
  assertEquals(failed.status, { code: 3 });
  assertEquals(noticed(run.events), [failed.pid]);
  assertEquals(run.events.at(-1)?.event, "exit");
});

Deno.test("a process that does not wait for one that it kills has still caused its end", async () => {
  await using run = startNode();
  const pid = await run.launch("kill-and-exit");
  await run.master.wait(pid);
  const isExit = (event: RunEvent) => event.event === "exit";
  assertEquals(run.events.filter(isExit).length, 1, "what is killed has not ended yet");
  const killed = run.events.find((event) => event.event === "spawn" && event.parent === pid);
  assert(killed?.event === "spawn");
  assertEquals(noticed(run.events), [killed.pid]);
  assertEquals(run.events.filter((event) => isExit(event) || event.event === "noticed")[0], {
    event: "noticed",
    pid: killed.pid,
  });
  run.passGraces();
  await run.node.idle();
});

Deno.test("a question that fails is answered with its reason", async () => {
  await using run = startNode();
  const pid = await run.launch("spawn-failing");
  await run.master.wait(pid);
  const [spawn, wait] = run.output(pid, 1).trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(spawn.reason, "not-started");
  assertStringIncludes(spawn.message, "sorry");
  assertEquals(wait.reason, "unknown");
  assertStringIncludes(wait.message, "8a3be21f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4100");
});

Deno.test("the requests of a process before its exit are carried out, and precede its exit", async () => {
  await using run = startNode();
  const pid = await run.launch("spawn-and-exit");
  assertEquals(await run.master.wait(pid), { code: 0 });
  const spawned = run.events.findIndex((event) => event.event === "spawn" && event.parent === pid);
  const exited = run.events.findIndex((event) => event.event === "exit" && event.pid === pid);
  assert(spawned > 0 && spawned < exited);
  await run.node.idle();
  const event = run.events[spawned];
  assert(event?.event === "spawn");
  const child = event.pid;
  assertEquals(run.output(child, 1), "hello\n");
});

Deno.test("kill() ends a process that computes forever, and its children", async () => {
  await using run = startNode();
  const stuck = await run.launch("stuck");
  await run.until((event) => event.event === "output" && event.pid === stuck);
  await run.node.kill(stuck);
  assertEquals(await run.master.wait(stuck), { signal: "SIGKILL" });
  assertEquals(run.output(stuck, 1), "stuck\n");

  const parent = await run.launch("grandchild");
  await run.until((event) => event.event === "output" && event.pid === parent);
  const grandchild = Number(run.output(parent, 1));
  assert(isAlive(grandchild));
  await run.node.kill(parent);
  await untilGone([grandchild]);
});

Deno.test("a process ends although a child holds its stdout", async () => {
  await using run = startNode();
  const pid = await run.launch("daemon");
  const isChild = (event: RunEvent) => event.event === "output" && event.pid === pid;
  await run.until(isChild);
  const child = Number(run.output(pid, 1));
  try {
    assertEquals(await deadline(run.master.wait(pid), 60_000), { code: 0 });
  } finally {
    signalProcess(child, "SIGKILL");
  }
});

Deno.test("all output comes before the exit, however slow the sink", async () => {
  let taken = 0;
  let inFlight = 0;
  let most = 0;
  await using run = startNode({
    sink: async (event) => {
      if (event.event !== "output") return;
      assert(event.bytes.length <= 65_536);
      most = Math.max(most, ++inFlight);
      await new Promise((resolve) => setTimeout(resolve, 1));
      for (const byte of event.bytes) {
        if (byte !== (taken % 1_048_576) % 251) throw new Error(`wrong byte at ${taken}`);
        taken++;
      }
      inFlight--;
    },
  });
  const pid = await run.launch("large-output");
  assertEquals(await run.master.wait(pid), { code: 0 });
  assertEquals(taken, 8 * 1024 * 1024);
  assertEquals(most, 1);
});

Deno.test("a live process whose link is closed is ended, with one line in the log", async () => {
  await using run = startNode();
  const pid = await run.launch("close-link");
  while (run.graces.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(run.graces, [10_000]);
  run.passGraces();
  assertEquals(await run.master.wait(pid), { signal: "SIGKILL" });
  assertEquals(run.logged.length, 1);
  assertStringIncludes(run.logged[0] ?? "", "it still ran 10 s after its control link had ended");
});

Deno.test("a process cannot say on its link what others did: it is ended, and nothing is believed", async () => {
  await using run = startNode();
  const other = await run.launch("hang");
  const forgers = await Promise.all(
    Array.from({ length: 9 }, (_, which) => run.launch(`forge-${which}`, other)),
  );
  for (const [which, pid] of forgers.entries()) {
    assertEquals(await run.master.wait(pid), { signal: "SIGKILL" }, `${which}`);
  }
  // One line for all, as for whatever others cause.
  assertMatch(
    run.logged.join(""),
    /^[^\n]*Ended process \w{7}: invalid message on its control link/,
  );
  const ofOther = run.events.filter((event) => "pid" in event && event.pid === other);
  assertEquals(ofOther.map(({ event }) => event), ["spawn"]);
  assertEquals(await run.node.runs(other), true);
});

Deno.test("a process that sends invalid messages is ended, with one line in the log", async () => {
  await using run = startNode();
  const pid = await run.launch("rubbish");
  assertEquals(await run.master.wait(pid), { signal: "SIGKILL" });
  assertEquals(run.logged.length, 1);
  assertStringIncludes(run.logged[0] ?? "", "invalid message on its control link");
});

Deno.test("a process is asked what it waits for only once it has started", async () => {
  await using run = startNode();
  let started = false;
  const launching = run.launch("slow-start").then(() => started = true);
  while (!started) {
    const states = await run.node.waits();
    if (!started) assertEquals([...states.keys()], []);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await launching;
});

Deno.test("a will is delivered before the exit of its process is reported", async () => {
  const { promise: delivered, resolve: deliver } = Promise.withResolvers<void>();
  const wills: string[] = [];
  const asked = Promise.withResolvers<void>();
  await using run = startNode({
    deliverWill: async (will, { key }) => {
      assertEquals(key, KEY);
      const bytes = new Uint8Array(will.size);
      will.readInto(bytes, 0);
      wills.push(new TextDecoder().decode(bytes));
      asked.resolve();
      await delivered;
    },
  });
  const pid = await run.launch("leave-will");
  await asked.promise;
  assertEquals(run.events.filter(({ event }) => event === "eof").length, 2);
  assertEquals(run.events.some(({ event }) => event === "exit"), false);
  deliver();
  assertEquals(await run.master.wait(pid), { code: 0 });
  assertEquals(wills, ["my last will"]);
});

Deno.test("a process of which values are lost keeps its own status, its channels learn of it, and no file is left", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const asked = Promise.withResolvers<void>();
    await using run = startNode({
      willFolder: folder,
      deliverWill: (_will, { signal }) => {
        asked.resolve();
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      },
    });
    const pid = await run.launch("leave-will");
    await asked.promise;
    await run.node.kill(pid);
    const undelivered = "it was killed before they had arrived";
    // This is what channels are told, by which readers tell a whole stream from a cut one.
    assertEquals(await run.master.wait(pid), { code: 0, undelivered });
    assertEquals(run.logged, []);
    for (
      const [leaves, why] of [
        ["leave-folder", "it is not a regular file"],
        ["leave-empty", "the process could not write them to a file"],
      ] as const
    ) {
      const status = await run.master.wait(await run.launch(leaves));
      assert("undelivered" in status, JSON.stringify(status));
      assertStringIncludes(status.undelivered, why);
      assertStringIncludes(run.logged.at(-1) ?? "", why);
    }
    const exits = run.events.filter(({ event }) => event === "exit");
    assertEquals(exits.map((event) => "status" in event && event.status), [
      { code: 0 },
      { code: 0 },
      { code: 0 },
    ]);
    const files = Array.from(Deno.readDirSync(folder), ({ name }) => name);
    assertEquals(files.filter((name) => name.endsWith(".will")), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("stop() ends all processes at once, launches included, and starts no more", async () => {
  const run = startNode();
  const pids = await Promise.all([run.launch("hang"), run.launch("stuck")]);
  const late = run.launch("hang");
  const rejected = assertRejects(() => late, SpawnError);
  await run.node.stop();
  await rejected;
  for (const pid of pids) assertEquals(await run.master.wait(pid), { signal: "SIGKILL" });
  const error = await assertRejects(() => run.launch("hang"), SpawnError);
  assertEquals(error.reason, "lost");
  assertEquals(run.events.filter(({ event }) => event === "exit").length, 2);
});

/** Resolves when a process has written this line to stdout. */
async function says(run: Harness, pid: Pid, line: string): Promise<void> {
  const written = () => run.output(pid, 1).split("\n").includes(line);
  await run.until((event) => event.event === "output" && event.pid === pid && written());
}

/** Resolves with the OS processes of the run as soon as there are any. */
async function someChildren(run: Harness): Promise<number[]> {
  let children: number[];
  do {
    await new Promise((resolve) => setTimeout(resolve, 5));
    children = run.children();
  } while (children.length === 0);
  return children;
}

async function launchReady(run: Harness, name: string): Promise<Pid> {
  const pid = await run.launch(name);
  await says(run, pid, "ready");
  return pid;
}

Deno.test("kill() with a signal lets a process end by itself, and kills it after its grace", async () => {
  await using run = startNode();
  const [saves, ignores, neither] = await Promise.all([
    launchReady(run, "save"),
    launchReady(run, "ignore"),
    run.launch("hang"),
  ]);
  const how = { signal: "SIGTERM", graceMs: 3_000 } as const;
  await Promise.all([run.node.kill(saves, how), run.node.kill(neither, how)]);
  assertEquals(await run.master.wait(saves), { code: 5 });
  assertEquals(run.output(saves, 1), "ready\nSIGTERM 1\n");
  assertEquals(await run.master.wait(neither), { signal: "SIGTERM" });
  assertEquals(run.graces, []);

  const killed = run.node.kill(ignores, how);
  await says(run, ignores, "SIGTERM");
  assertEquals(run.graces, [3_000]);
  run.passGraces();
  await killed;
  assertEquals(await run.master.wait(ignores), { signal: "SIGKILL" });
  await run.node.kill(ignores, how);
});

Deno.test("kill() with no grace is SIGKILL, and an unknown signal is an error", async () => {
  await using run = startNode();
  const pid = await launchReady(run, "ignore");
  const unknown = { signal: "SIGNONE" as Deno.Signal, graceMs: 1 };
  await assertRejects(() => run.node.kill(pid, unknown), TypeError, "SIGNONE");
  await run.node.kill(pid, { signal: "SIGTERM", graceMs: 0 });
  assertEquals(await run.master.wait(pid), { signal: "SIGKILL" });
  assertEquals(run.output(pid, 1), "ready\n");
});

Deno.test("a signal also reaches the children of a process, as from a terminal", async () => {
  await using run = startNode();
  const pid = await launchReady(run, "grandchild-told");
  const killed = run.node.kill(pid, { signal: "SIGTERM", graceMs: 3_000 });
  await says(run, pid, "told");
  run.passGraces();
  await killed;
  assertEquals(await run.master.wait(pid), { signal: "SIGKILL" });
});

Deno.test("stop() with a signal signals every process once, starts no more, and kills after the grace", async () => {
  await using run = startNode({ maxSpares: 2 });
  const [saves, ignores] = await Promise.all([
    launchReady(run, "save"),
    launchReady(run, "ignore"),
  ]);
  const how = { signal: "SIGINT", graceMs: 3_000 } as const;
  const stopped = run.node.stop(how);
  assertEquals((await assertRejects(() => run.launch("hang"), SpawnError)).reason, "lost");
  const again = run.node.stop({ signal: "SIGTERM", graceMs: 2_000 });
  assertEquals(await run.master.wait(saves), { code: 5 });
  assertEquals(run.output(saves, 1), "ready\nSIGINT 1\n");
  await says(run, ignores, "SIGINT");
  assertEquals(run.graces, [3_000, 2_000]);
  run.passGraces();
  await Promise.all([stopped, again]);
  assertEquals(await run.master.wait(ignores), { signal: "SIGKILL" });
  assertEquals(run.output(ignores, 1), "ready\nSIGINT\n");
  assertEquals([run.graces, run.node.spares], [[], 0]);
});

Deno.test("a second stop() without a grace kills at once", async () => {
  await using run = startNode();
  const pid = await launchReady(run, "ignore");
  const stopped = run.node.stop({ signal: "SIGINT", graceMs: 3_000 });
  await says(run, pid, "SIGINT");
  await run.node.stop();
  await stopped;
  assertEquals(await run.master.wait(pid), { signal: "SIGKILL" });
  assertEquals(run.graces, []);
});

Deno.test("the will of a process that ends in its grace is delivered, until the grace is over", async () => {
  const delivering = Promise.withResolvers<void>();
  const givenUp = Promise.withResolvers<never>();
  await using run = startNode({
    deliverWill: (_will, { signal }) => {
      signal.addEventListener("abort", () => givenUp.reject(signal.reason));
      delivering.resolve();
      return givenUp.promise;
    },
  });
  const pid = await run.launch("leave-will");
  await delivering.promise;
  const how = { signal: "SIGTERM", graceMs: 3_000 } as const;
  let isStopped = false;
  const stopped = run.node.stop(how).then(() => isStopped = true);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals([isStopped, run.graces], [false, [3_000]]);
  run.passGraces();
  await stopped;
  const status = await run.master.wait(pid);
  assert(
    "undelivered" in status && status.undelivered.includes("it was killed before"),
    JSON.stringify(status),
  );
});

Deno.test("the first process has a stdin, and its end", async () => {
  await using run = startNode({ args: ["echo"] });
  const pid = await run.launch(null);
  const writer = run.node.stdin(pid)?.getWriter();
  assert(writer !== undefined);
  await writer.write(new TextEncoder().encode("to be echoed"));
  await writer.close();
  assertEquals(await run.master.wait(pid), { code: 0 });
  assertEquals(run.output(pid, 1), "to be echoed");
  assertEquals(run.node.stdin(pid), undefined);
});

Deno.test("the first process may boot before it is launched, and is the one that is", async () => {
  await using run = startNode({ args: ["echo"], prepares: true });
  const booting = await someChildren(run);
  const pid = await run.launch(null);
  assertEquals(run.children(), booting);
  await run.node.stdin(pid)?.close();
  assertEquals(await run.master.wait(pid), { code: 0 });
});

Deno.test("stop() ends a first process that boots and was not launched", async () => {
  const run = startNode({ args: ["echo"], prepares: true });
  const booting = await someChildren(run);
  await run.node.stop();
  await untilGone(booting);
  assertEquals(run.events, []);
});

Deno.test("a node does not keep the argument of a process that runs", async () => {
  await using run = startNode();
  let isKept = true;
  const registry = new FinalizationRegistry(() => isKept = false);
  const launch = async (): Promise<void> => {
    const arg = new Uint8Array(1024 * 1024);
    registry.register(arg, undefined);
    await run.master.spawn({ ...requestFor("ignore", null), arg }, { wait: true });
  };
  await launch();
  await untilCollected(() => !isKept, "the argument is collected");
});
