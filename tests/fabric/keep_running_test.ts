/** How the bridge of a fabric is restarted, with a clock moved by hand. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { findPort, PORT_RETRIES, PORT_RETRY_MS } from "../../src/fabric/bridge_process.ts";
import {
  FIRST_RESTART_MS,
  HEALTHY_MS,
  keepRunning,
  MAX_RESTART_MS,
} from "../../src/fabric/keep_running.ts";
import { ListenError } from "../../src/net/part_server.ts";
import { ManualClock } from "../net/manual_clock.ts";

/** Resolves when the reactions to all settled promises have run. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Runs that end when the test says so. */
class Runs {
  readonly clock = new ManualClock();
  readonly stopping = new AbortController();
  readonly ended: string[] = [];
  count = 0;
  end: (how: string) => void = () => {};
  readonly over: Promise<void> = keepRunning(() => {
    this.count++;
    return new Promise((resolve) => this.end = resolve);
  }, { ended: (how) => this.ended.push(how), signal: this.stopping.signal, clock: this.clock });

  /** Ends the current run after `ms`; returns the length of the pause before the next one. */
  async pauseAfter(ms: number): Promise<number> {
    const { clock, count } = this;
    clock.advance(ms);
    this.end(`run ${count}`);
    await turn();
    const endMs = clock.now();
    while (this.count === count) {
      clock.advance(FIRST_RESTART_MS);
      await turn();
    }
    return clock.now() - endMs;
  }
}

Deno.test("keepRunning() pauses twice as long after each run that ends soon, and little after a healthy one", async () => {
  const runs = new Runs();
  const pauses: number[] = [];
  for (let count = 0; count < 8; count++) pauses.push(await runs.pauseAfter(1));
  assertEquals(pauses, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  assertEquals(await runs.pauseAfter(HEALTHY_MS), MAX_RESTART_MS);
  assertEquals(await runs.pauseAfter(HEALTHY_MS + 1), FIRST_RESTART_MS);
  assertEquals(await runs.pauseAfter(1), 2 * FIRST_RESTART_MS);
  assertEquals(runs.ended, Array.from({ length: 11 }, (_, index) => `run ${index + 1}`));
  runs.stopping.abort();
  runs.end("stopped");
  await runs.over;
  assertEquals([runs.ended.length, runs.clock.timers], [11, 0]);
});

Deno.test("keepRunning() ends during a pause when it is told to", async () => {
  const runs = new Runs();
  runs.end("crashed");
  await turn();
  runs.stopping.abort();
  await runs.over;
  assertEquals([runs.count, runs.ended, runs.clock.timers], [1, ["crashed"], 0]);
});

Deno.test("findPort() tries a port that is in use again, and gives up after a while", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = { host: "127.0.0.1", port: taken.addr.port };
  const clock = new ManualClock();
  const given = assertRejects(
    () => findPort(address, clock),
    ListenError,
    `for the bridge: another program already listens there`,
  );
  for (let retries = 0; retries < PORT_RETRIES; retries++) {
    assertEquals(clock.timers, 1, `attempt ${retries}`);
    clock.advance(PORT_RETRY_MS);
    await turn();
  }
  await given;
  assertEquals(clock.timers, 0);

  const found = findPort(address, clock);
  taken.close();
  clock.advance(PORT_RETRY_MS);
  assertEquals(await found, address);
});
