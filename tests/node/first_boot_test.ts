/** A first process whose needs are found out before it is launched. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { SpawnError } from "../../src/core/errors.ts";
import { TrialBootError } from "../../src/core/trial_boot_error.ts";
import { BootGate } from "../../src/host/boot_gate.ts";
import { Boots } from "../../src/host/boots.ts";
import { startNode, untilGone } from "./node_harness.ts";

Deno.test("needs() returns the needs of the program, and launch() uses the booted process", async () => {
  await using run = startNode({ args: ["prelude-output"], maxSpares: 1 });
  assertEquals(await run.node.needs(), { mem: 1, cpu: 0 });
  const tried = run.children();
  assertEquals(tried.length, 1);
  assertEquals(run.events, [], "it is nobody's process yet");
  await run.node.idle();
  const pid = await run.launch(null);
  await run.master.wait(pid);
  await untilGone(tried);
  assertEquals(run.output(pid, 1), "prelude\nfunction\n");
  assertEquals(run.events.filter(({ event }) => event === "spawn").length, 1);
});

Deno.test("the process of a trial boot has a stdin once it is launched", async () => {
  await using run = startNode({ args: ["echo"], maxSpares: 1 });
  await run.node.needs();
  const pid = await run.launch(null);
  const writer = run.node.stdin(pid)!.getWriter();
  await writer.write(new TextEncoder().encode("over there"));
  await writer.close();
  await run.master.wait(pid);
  assertEquals(run.output(pid, 1), "over there");
});

Deno.test("without spares, nothing waits to be launched", async () => {
  await using run = startNode({ args: ["exit"], maxSpares: 0 });
  assertEquals(await run.node.needs(), { mem: 1, cpu: 0 });
  assertEquals(run.children(), []);
  assertEquals(await run.master.wait(await run.launch(null)), { code: 0 });
});

Deno.test("the process of a trial boot is ended after some seconds if it is not launched", async () => {
  await using run = startNode({ args: ["exit"], maxSpares: 1 });
  await run.node.needs();
  const tried = run.children();
  assertEquals(tried.length, 1);
  assertEquals(run.graces, [5_000]);
  run.passGraces();
  await untilGone(tried);
  assertEquals(await run.master.wait(await run.launch(null)), { code: 0 });
});

Deno.test("one that is killed while it waits is started again at its launch", async () => {
  await using run = startNode({ args: ["exit"], maxSpares: 1 });
  await run.node.needs();
  for (const pid of run.children()) Deno.kill(pid, "SIGKILL");
  assertEquals(await run.master.wait(await run.launch(null)), { code: 0 });
});

Deno.test("needs() of a program that does not reach init() reports why, and its output", async () => {
  await using run = startNode({ args: ["die-before-hello"], maxSpares: 1 });
  const error = await assertRejects(() => run.node.needs(), TrialBootError);
  assertEquals(error.message, "Cannot start: the program exited with 7 before await init()");
  const written = await new Blob(error.output.map(({ bytes }) => bytes)).text();
  assertStringIncludes(written, "on stdout");
  assertStringIncludes(written, "line 20");
});

Deno.test("stop() ends booting and booted processes, and rejects for the waiters", async () => {
  const booting = startNode({ args: ["exit"], maxSpares: 1 });
  const asked = booting.node.needs();
  asked.catch(() => {}); // checked below
  await booting.node.stop();
  assertEquals((await assertRejects(() => asked, SpawnError)).reason, "lost");
  await assertRejects(() => booting.node.needs(), SpawnError, "the run is ending");
  const booted = startNode({ args: ["exit"], maxSpares: 1 });
  await booted.node.needs();
  assert(booted.children().length === 1);
  await booted.node.stop();
  assertEquals(booted.children(), []);
});

/** Remembers what ends those that have booted on trial. */
class WatchedBoots extends Boots {
  readonly drops: (() => void)[] = [];

  override tried(drop: () => void): () => void {
    this.drops.push(drop);
    return super.tried(drop);
  }
}

Deno.test("trial boots and launches of all runs of a node wait for their turn, say so, and end with their run", async () => {
  const gate = new BootGate(1, 600_000);
  const boots = new WatchedBoots(gate, 1);
  const leave = await gate.enter();
  await using first = startNode({ args: ["exit"], maxSpares: 1, boots });
  await using second = startNode({ args: ["exit"], maxSpares: 1, boots });
  await using third = startNode({ args: ["exit"], maxSpares: 1, boots });
  const children = () => [first, second, third].flatMap((run) => run.children());
  const needs = [first.node.needs(), second.node.needs()];
  const launched = third.launch(null);
  for (const each of [...needs, launched]) each.catch(() => {}); // checked below
  // It waits for its turn, and a clock says for how long.
  while (third.graces.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const said = third.until(({ event }) => event === "said");
  third.passGraces();
  const event = await said;
  assertEquals(
    event.event === "said" && event.text,
    "a null has waited for 10 s to be started: node node 1 starts 1 at a time; before it: 2",
  );
  assertEquals(children(), []);
  // Nothing has left its place, and yet the run ends.
  await first.node.stop();
  assertEquals((await assertRejects(() => needs[0]!, SpawnError)).reason, "lost");
  assertEquals(children(), []);
  leave();
  assertEquals(await needs[1], { mem: 1, cpu: 0 });
  assertEquals(await third.master.wait(await launched), { code: 0 });
  // One that has booted on trial is ended when others need its place, and boots again at its launch.
  assertEquals(boots.drops.length, 1);
  boots.drops[0]!();
  await untilGone(second.children());
  assertEquals(await second.master.wait(await second.launch(null)), { code: 0 });
});
