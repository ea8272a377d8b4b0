/** How a master keeps dialling a missing node, with a clock moved by hand. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import { NodeDialer } from "../../src/master/node_dialer.ts";
import { credentialOf } from "../../src/net/connect.ts";
import { closedPort } from "../net/closed_port.ts";
import { ManualClock } from "../net/manual_clock.ts";

Deno.test("NodeDialer backs off to one attempt a second, and reports once a minute that it still waits", async () => {
  const lines: string[] = [];
  const clock = new ManualClock();
  using closed = await closedPort();
  const dialer = new NodeDialer(
    { host: "127.0.0.1", port: closed.port },
    { mem: 0, cpu: 0 },
    {
      credential: await credentialOf({ bytes: new Uint8Array(32), open: true }),
      logger: createLogger("info", (line) => lines.push(line)),
      clock,
    },
    { there: () => Promise.reject(new Error("it is there")), gone: () => {}, absent: () => {} },
  );
  /** Resolves when an attempt has failed, and the next one waits for its time. */
  const failed = async (): Promise<void> => {
    while (clock.timers === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  await failed();
  assertEquals(lines.length, 1);
  assertMatch(lines[0]!, /waiting for node 127\.0\.0\.1:\d+: /);
  let attempts = 0;
  for (const pauseMs of [50, 100, 200, 400, 800, ...Array<number>(58).fill(1_000)]) {
    clock.advance(pauseMs - 1);
    assertEquals(clock.timers, 1, `it dials before ${pauseMs} ms have passed`);
    clock.advance(1);
    assertEquals(clock.timers, 0, `it does not dial after ${pauseMs} ms`);
    await failed();
    attempts++;
  }
  assertEquals([attempts, clock.now(), lines.length], [63, 59_550, 1]);
  clock.advance(1_000);
  await failed();
  assertEquals(lines.length, 2);
  assertMatch(lines[1]!, /still waiting for node/);
  dialer.stop();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([clock.timers, dialer.connected], [0, false]);
});
