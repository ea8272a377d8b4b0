/**
 * Networks that are slow, that carry in one direction only, or that lose some packets. The latter are made with
 * `nft`, where it is.
 */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { type Deployed, noneIsLeft } from "../fabric/deployed.ts";
import { hasNft, networkTest } from "../system/netns.ts";
import { SlowWire } from "../system/slow_wire.ts";
import { HostCluster } from "./host_cluster.ts";
import { noneIsLeftWithin } from "./left.ts";
import { FAR, MEMBERS, STREAM } from "./programs.ts";

/** Silence is noticed after a quarter of the usual time. */
const SOON = { env: { DEPLOY_LIVENESS: "tests" } };

/** This long after a loss, nothing of the lost part may be left. */
const LEFT_MS = 5_000;

const PERCENT_LOST = 5;

const DELAY_MS = 200;

function exitsOf(program: Deployed) {
  return program.events.flatMap((event) => event.event === "exit" ? [event] : []);
}

/** A node that hears nothing, or is not heard, is lost with all on it, and taken back; the others go on. */
async function expectLost(what: "incoming" | "outgoing"): Promise<void> {
  await using cluster = await HostCluster.start(SOON);
  const mark = `mark-${crypto.randomUUID()}`;
  await using program = await cluster.deploy(MEMBERS, [mark, "5", "1"]);
  await program.says("all are there");
  const victim = cluster.nodeHosts[1]!;
  const there = program.events.flatMap((event) =>
    event.event === "spawn" && cluster.hostOf(event.pid) === victim ? [event.pid] : []
  );
  assert(there.length > 0, "no process is on that node");
  const from = cluster.master.err.length;
  await victim.drop(what, 100);
  await program.until(() => exitsOf(program).length >= there.length);
  assertEquals(new Set(exitsOf(program).map(({ pid }) => pid)), new Set(there));
  for (const { status } of exitsOf(program)) {
    assert("lost" in status && status.lost.includes(victim.bind), JSON.stringify(status));
  }
  // Also what waits for them is told.
  for (const pid of there) await program.says(`waited ${pid} {"lost":`);
  await noneIsLeftWithin(LEFT_MS, mark, victim);

  await victim.keep();
  await cluster.adopted(victim, from);
  program.kill("SIGTERM");
  assertEquals(await program.code, 143);
  await noneIsLeft(mark);
}

// Elsewhere there is nothing to delay packets with.
if (SlowWire.isPossible) {
  networkTest(
    `with a delay of ${DELAY_MS} ms on the way to a node, nothing is lost`,
    async () => {
      await using cluster = await HostCluster.start();
      using _wire = await cluster.nodeHosts[1]!.slow(DELAY_MS);
      const mark = `mark-${crypto.randomUUID()}`;
      await using program = await cluster.deploy(FAR, [mark]);
      assertEquals(await program.code, 0, JSON.stringify(program.events));
      // The node stays: a delay is no silence.
      assert(
        !cluster.master.err.some((line) => line.includes("lost")),
        cluster.master.err.join("\n"),
      );
      const hosts = program.events.flatMap((event) =>
        event.event === "spawn" ? [cluster.hostOf(event.pid)] : []
      );
      assertEquals(new Set(hosts), new Set([cluster.masterHost, ...cluster.nodeHosts]));
      assertEquals(
        program.text.split("\n").filter((line) => line !== ""),
        [
          "30 values there and back",
          "1000000 bytes there and back",
          "closed",
          '{"signal":"SIGTERM"}',
        ],
      );
      const ends = exitsOf(program).map(({ status }) => JSON.stringify(status));
      assertEquals(ends.toSorted(), ['{"code":0}', '{"code":0}', '{"signal":"SIGTERM"}']);
      await noneIsLeft(mark);
    },
  );
}

// Where there is no nft, CI says so.
if (await hasNft()) {
  networkTest(
    "a node that hears nothing, or is not heard, is lost as one that is cut off",
    async () => {
      await Promise.all([expectLost("incoming"), expectLost("outgoing")]);
    },
  );

  networkTest(`with ${PERCENT_LOST} % of packets lost, nothing else is lost`, async () => {
    await using cluster = await HostCluster.start();
    for (const host of cluster.network.hosts) await host.drop("both", PERCENT_LOST);
    const count = 40;
    await using program = await cluster.deploy(STREAM, ["lossy", String(count)]);
    assertEquals(await program.code, 0, program.stderr);
    const values = program.events.map((event) =>
      event.event === "output" && "text" in event ? event.text : ""
    ).join("").split("\n").filter((line) => line.startsWith("value "));
    assertEquals(values, Array.from({ length: count }, (_, value) => `value ${value}`));
    for (const { status } of exitsOf(program)) assertEquals(status, { code: 0 });
  });
}
