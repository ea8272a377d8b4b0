/** Hosts that are cut off while a program runs on them, and parts of a cluster that are killed. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import type { Pid } from "../../src/core/pid.ts";
import { type Deployed, noneIsLeft } from "../fabric/deployed.ts";
import { TESTS } from "../../src/net/liveness.ts";
import { readIfThere } from "../../src/testing/os_processes.ts";
import type { JsonEvent } from "../system/helpers.ts";
import { networkTest } from "../system/netns.ts";
import { within } from "../within.ts";
import { HostCluster } from "./host_cluster.ts";
import { noneIsLeftWithin } from "./left.ts";
import { MEMBERS, RESPAWN, STREAM } from "./programs.ts";

type Exit = Extract<JsonEvent, { event: "exit" }>;

/** Silence is noticed after a quarter of the usual time. */
const SOON = { env: { DEPLOY_LIVENESS: "tests" } };

/** A silent part is considered lost after this time, which is checked at every heartbeat. */
const { silenceMs: SILENCE_MS, workerSilenceMs: WORKER_SILENCE_MS, reconnectMs: RECONNECT_MS } =
  TESTS;

/** This long after a loss, nothing of the lost part may be left. */
const LEFT_MS = 5_000;

function newMark(): string {
  return `mark-${crypto.randomUUID()}`;
}

function exits(program: Deployed): Exit[] {
  return program.events.filter((event): event is Exit => event.event === "exit");
}

function pidsOf(program: Deployed): Pid[] {
  return program.events.flatMap((event) => event.event === "spawn" ? [event.pid] : []);
}

networkTest(
  "a node that is cut off is lost with all on it, and taken back; the others go on",
  async () => {
    await using cluster = await HostCluster.start(SOON);
    const mark = newMark();
    await using program = await cluster.deploy(MEMBERS, [mark, "5", "1"]);
    await program.says("all are there");
    const [, ...others] = pidsOf(program);
    const victim = cluster.nodeHosts[1]!;
    const lost = others.filter((pid) => cluster.hostOf(pid) === victim);
    const members = others.slice(0, 5);
    const lostMembers = members.filter((pid) => lost.includes(pid));
    assert(lostMembers.length > 0 && lostMembers.length < 5, `${lostMembers.length} of 5`);

    const cutMs = performance.now();
    const from = cluster.master.err.length;
    await victim.cut();
    await within(
      SILENCE_MS + LEFT_MS,
      () => exits(program).length >= lost.length,
      () => `only ${exits(program).length} of ${lost.length} are lost`,
    );
    assertGreater(performance.now() - cutMs, WORKER_SILENCE_MS);
    const why = `node ${victim.bind} did not answer for ${SILENCE_MS / 1_000} s`;
    assertEquals(new Set(exits(program).map(({ pid }) => pid)), new Set(lost));
    for (const { status } of exits(program)) assertEquals(status, { lost: why });
    await noneIsLeftWithin(LEFT_MS, mark, victim);

    // Exactly the processes that wait for a lost process, or for a value from it, are told.
    for (const pid of lost) await program.says(`waited ${pid} ${JSON.stringify({ lost: why })}\n`);
    const told = (5 - lostMembers.length) * lostMembers.length;
    await program.until(() => program.text.split("recv ").length > told);
    for (const [, message] of program.text.matchAll(/recv (.*)/g)) {
      assertMatch(message!, new RegExp(`^lost .*: the process was lost: lost: ${why}$`));
    }
    assertEquals(program.text.split("recv ").length - 1, told);
    assertEquals(exits(program).length, lost.length);

    await victim.heal();
    await cluster.adopted(victim, from);
    // Only that node has room for another one of that size.
    await using again = await cluster.deploy(
      MEMBERS.replace("mem: 1500 * MiB", "mem: 900 * MiB"),
      [mark, "0", "0"],
    );
    await again.says("all are there");
    assertEquals(await again.code, 0);
    for (const pid of pidsOf(again)) assertEquals(cluster.hostOf(pid), victim);

    program.kill("SIGINT");
    assertEquals(await program.code, 130);
    assertEquals(exits(program).length, 1 + others.length);
    await noneIsLeft(mark);
  },
);

networkTest(
  "after a short cut nothing is lost, and values and output resume where they were",
  async () => {
    // Nobody takes four seconds for a loss, also if they become some more on a busy machine.
    await using cluster = await HostCluster.start({ env: { DEPLOY_LIVENESS: "wide" } });
    const count = 60;
    await using program = await cluster.deploy(STREAM, [newMark(), String(count)]);
    await program.says("value 5");
    const [, to] = pidsOf(program);
    const host = cluster.hostOf(to!);
    await host.cut();
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await host.heal();
    assertEquals(await program.code, 0, program.stderr);
    const values = Array.from({ length: count }, (_, value) => `value ${value}\n`).join("");
    const output = program.events.map((event) =>
      event.event === "output" && event.pid === to && "text" in event ? event.text : ""
    ).join("");
    assertEquals(output, `${values}end\n`);
  },
);

networkTest(
  "a deploying host that is cut off ends its run, and nothing is left of it",
  async () => {
    await using cluster = await HostCluster.start(SOON);
    const mark = newMark();
    await using program = await cluster.deploy(MEMBERS, [mark, "5", "1"]);
    await program.says("all are there");
    await cluster.laptop.cut();
    await noneIsLeftWithin(SILENCE_MS + RECONNECT_MS + LEFT_MS, mark);
    assertEquals(await program.code, 1);
    const silent = `it did not answer for ${SILENCE_MS / 1_000} s`;
    const lost = `lost the connection to the bridge at ${cluster.bridge}: ${silent}; reconnecting`;
    assert(program.stderr.includes(lost), program.stderr);
    assert(program.stderr.endsWith("gave up\n"), program.stderr);
    for (const { status } of exits(program)) {
      assertEquals(status, { lost: `the bridge ${silent.slice(3)}` });
    }

    await cluster.laptop.heal();
    await using again = await cluster.deploy(MEMBERS, [mark, "5", "0"]);
    await again.says("all are there");
    again.kill("SIGTERM");
    assertEquals(await again.code, 143);
    await noneIsLeft(mark);
  },
);

networkTest(
  "when the master's host is cut off, nothing is left anywhere, and the cluster recovers",
  async () => {
    await using cluster = await HostCluster.start(SOON);
    const mark = newMark();
    await using program = await cluster.deploy(MEMBERS, [mark, "5", "1"]);
    await program.says("all are there");
    const from = cluster.master.err.length;
    await cluster.masterHost.cut();
    // There, the run waits for deploy, which cannot reach it.
    await noneIsLeftWithin(SILENCE_MS + RECONNECT_MS + LEFT_MS, mark);
    assertEquals(await program.code, 1);

    await cluster.masterHost.heal();
    for (const host of cluster.nodeHosts) await cluster.adopted(host, from);
    await using again = await cluster.deploy(MEMBERS, [mark, "5", "0"]);
    await again.says("all are there");
    again.kill("SIGTERM");
    assertEquals(await again.code, 143);
    await noneIsLeft(mark);
  },
);

networkTest(
  "a node whose connection to its master breaks restarts at once, also for the same run",
  async () => {
    await using cluster = await HostCluster.start({ nodes: 1 });
    const [host] = cluster.nodeHosts;
    const mark = newMark();
    const turns = 2;
    await using program = await cluster.deploy(RESPAWN, [mark, String(turns)]);
    for (let turn = 0; turn < turns; turn++) {
      await program.until(() => program.text.split("wrote").length - 1 > turn);
      await host!.breakConnections(9999);
    }
    assertEquals(await program.code, 0, program.stderr);
    for (const { status } of exits(program).slice(0, turns)) {
      assert(
        "lost" in status && status.lost.startsWith(`node ${host!.bind} `),
        JSON.stringify(status),
      );
    }
    assertEquals(program.text.match(/ended \{"lost":/g)?.length, turns, program.text);
    await noneIsLeft(mark);
  },
);

networkTest(
  "whichever part is killed, none of its processes is left",
  async () => {
    await using cluster = await HostCluster.start(SOON);
    const mark = newMark();
    const start = async (members: number): Promise<Deployed> => {
      const program = await cluster.deploy(MEMBERS, [mark, String(members), "1"]);
      await program.says("all are there");
      return program;
    };
    {
      await using program = await start(5);
      program.kill("SIGKILL");
      await noneIsLeftWithin(RECONNECT_MS + LEFT_MS, mark);
    }
    {
      await using program = await start(5);
      cluster.nodes[1]!.kill("SIGKILL");
      await noneIsLeftWithin(LEFT_MS, mark, cluster.nodeHosts[1]!);
      await program.says("waited");
      for (const { status } of exits(program)) assert("lost" in status, JSON.stringify(status));
      program.kill("SIGTERM");
      await noneIsLeft(mark);
    }
    {
      await using program = await start(3);
      const from = cluster.master.out.length;
      Deno.kill(await bridgeOf(cluster), "SIGKILL");
      await noneIsLeft(mark);
      assertEquals(await program.code, 1);
      await cluster.master.ready("bridge", { from });
    }
    {
      await using program = await start(3);
      cluster.master.kill("SIGKILL");
      await noneIsLeft(mark);
      assertEquals(await program.code, 1);
    }
  },
);

/** The id of the bridge's process: the child of the master's fabric that is itself a fabric. */
async function bridgeOf(cluster: HostCluster): Promise<number> {
  for (const pid of await cluster.masterHost.processes()) {
    const stat = await readIfThere(`/proc/${pid}/stat`);
    const words = (await readIfThere(`/proc/${pid}/cmdline`)).split("\0");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    if (parent === cluster.master.pid && words.some((word) => word.endsWith("fabric.ts"))) {
      return pid;
    }
  }
  throw new Error("There is no bridge");
}
