/** How a lost link to a bridge is replaced, or given up, with a clock moved by hand. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import {
  type BridgeLink,
  reconnect,
  type Reconnected as Outcome,
} from "../../src/cli/reconnect.ts";
import { ConnectError } from "../../src/net/connect.ts";
import type { BridgeToDeploy, DeployToBridge } from "../../src/wire/run_messages.ts";
import { ManualClock } from "../net/manual_clock.ts";

const HELLO = { type: "resume", token: "secret", from: 7 } as const;

type Reconnected = Outcome<DeployToBridge, BridgeToDeploy, "resumed">;

/** What happens to an attempt: no connection, an answer, the end of the link, or nothing at all. */
type Fate = "refused" | "silence" | "ends" | BridgeToDeploy;

/** Reconnects for 30 s, with these fates; the last one lasts. Returns the outcome, and when attempts were made. */
async function outcomeOf(fates: readonly Fate[]) {
  const clock = new ManualClock();
  const triedMs: number[] = [];
  const sent: unknown[] = [];
  const dial = async (signal: AbortSignal): Promise<BridgeLink> => {
    triedMs.push(clock.now());
    const fate = fates[Math.min(triedMs.length, fates.length) - 1]!;
    if (fate === "refused") throw new ConnectError("the bridge at a:1", "nothing listens there");
    if (fate === "silence") {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw signal.reason;
    }
    const link = {
      send: (message: unknown) => void sent.push(message),
      drop: () => {},
      ended: Promise.resolve(new Error("it closed the connection")),
      async *messages() {
        if (fate !== "ends") yield fate;
      },
    };
    return link as unknown as BridgeLink;
  };
  const { signal } = new AbortController();
  let outcome: Reconnected | undefined;
  void reconnect({ dial, hello: HELLO, answer: "resumed", limitMs: 30_000, clock, signal })
    .then((each) => outcome = each);
  while (outcome === undefined) {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    if (outcome === undefined) clock.advance(10);
    assert(clock.now() < 100_000);
  }
  return { outcome: outcome as Reconnected, triedMs, sent, nowMs: clock.now() };
}

Deno.test("reconnect() tries again after pauses that grow, until the bridge goes on", async () => {
  const position = { received: 0, taken: 0, ended: false, wanted: "no" } as const;
  const answer = { type: "resumed", ...position } as const;
  const { outcome, triedMs, sent } = await outcomeOf(["refused", "ends", "refused", answer]);
  assert("answer" in outcome);
  assertEquals(outcome.answer, answer);
  assertEquals([triedMs, sent], [[0, 50, 150, 350], [HELLO, HELLO]]);
});

Deno.test("reconnect() gives up after its time, and says why the last attempt failed", async () => {
  for (
    const [fates, failed] of [
      [["refused"], "nothing listens there"],
      [["ends"], "it closed the connection"],
      [["silence"], "no answer"],
      [["refused", "silence"], "nothing listens there"],
    ] as const
  ) {
    const { outcome, triedMs, nowMs } = await outcomeOf(fates);
    assertEquals([outcome, nowMs], [{ failed }, 30_000]);
    for (const [index, atMs] of triedMs.entries()) {
      assert(atMs < 30_000 && (index === 0 || atMs - triedMs[index - 1]! <= 1_000));
    }
  }
});

Deno.test("reconnect() ends at once if the bridge does not go on", async () => {
  const refused = { type: "refused", why: "it does not", output: new Uint8Array() } as const;
  const { outcome, triedMs } = await outcomeOf(["refused", refused]);
  assertEquals([outcome, triedMs], [{ refused: "it does not" }, [0, 50]]);
});
