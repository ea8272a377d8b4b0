/** How a node keeps announcing itself to a missing master, with a clock moved by hand. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import { announce } from "../../src/fabric/join_link.ts";
import { credentialOf } from "../../src/net/connect.ts";
import { freePort } from "../free_port.ts";
import { ManualClock } from "../net/manual_clock.ts";

Deno.test("announce() tries to reach a missing master each second, and reports it once a minute", async () => {
  const lines: string[] = [];
  const clock = new ManualClock();
  const leaving = new AbortController();
  const over = announce({
    master: { host: "127.0.0.1", port: freePort() },
    node: { host: "127.0.0.1", port: 1 },
    resources: { mem: 0, cpu: 0 },
    credential: await credentialOf({ bytes: new Uint8Array(32), open: true }),
    logger: createLogger("info", (line) => lines.push(line)),
    signal: leaving.signal,
    clock,
  });
  /** Resolves when an attempt has failed, and the next one waits for its time. */
  const failed = async (): Promise<void> => {
    while (clock.timers === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  for (let attempts = 0; attempts <= 120; attempts++) {
    await failed();
    assertEquals(lines.length, 1 + Math.floor(attempts / 60), `after ${attempts} s`);
    clock.advance(999);
    assertEquals(clock.timers, 1, "it dials before a second has passed");
    if (attempts < 120) clock.advance(1);
  }
  for (const line of lines) assertMatch(line, /the master at 127\.0\.0\.1:\d+/);
  leaving.abort();
  await over;
  assertEquals([clock.timers, lines.length], [0, 3]);
});
