/** Waits for ends of processes, by many who may end before. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import type { EndStatus } from "../../src/core/exit_status.ts";
import { createLogger } from "../../src/core/logger.ts";
import { makePid, type Pid, randomId } from "../../src/core/pid.ts";
import { EndWaits } from "../../src/host/end_waits.ts";
import { ProcessRequests } from "../../src/host/process_requests.ts";
import type { RunContext } from "../../src/host/run_context.ts";
import type { NodeMessage } from "../../src/wire/control.ts";

const pid = makePid(randomId(), "127.0.0.1", 0);

/** Ends of processes that a test decides. */
class Asked {
  readonly asked: Pid[] = [];
  readonly ends: PromiseWithResolvers<EndStatus>[] = [];
  readonly waits = new EndWaits((pid) => {
    this.asked.push(pid);
    this.ends.push(Promise.withResolvers());
    return this.ends.at(-1)!.promise;
  });
}

Deno.test("EndWaits asks once for all who wait at a time, and keeps no answer", async () => {
  const { waits, asked, ends } = new Asked();
  const forgetting = new Set<() => void>();
  const both = [waits.of(pid, forgetting), waits.of(pid, forgetting)];
  assertEquals([asked, forgetting.size], [[pid], 2]);
  ends[0]!.resolve({ code: 3 });
  assertEquals(await Promise.all(both), [{ code: 3 }, { code: 3 }]);
  assertEquals(forgetting.size, 0);
  const again = waits.of(pid, forgetting);
  assertEquals(asked.length, 2);
  ends[1]!.reject(new Error("no such process"));
  await assertRejects(() => again, Error, "no such process");
  assertEquals(forgetting.size, 0);
});

Deno.test("who has ended is told no ends of others, and who still waits is", async () => {
  const { waits, ends } = new Asked();
  const context = {
    ends: waits,
    master: { wait: (pid: Pid) => waits.of(pid, new Set()) },
    sink: () => Promise.resolve(),
    logger: createLogger("info", () => {}),
  } as unknown as RunContext;
  const told: [who: string, message: NodeMessage["type"]][] = [];
  const [ended, waiting] = ["ended", "waiting"].map((who) => {
    const send = ({ type }: NodeMessage) => void told.push([who, type]);
    const requests = new ProcessRequests(context, { pid, permissions: undefined, send });
    requests.take({ type: "wait", request: 0, pid });
    return requests;
  });
  ended!.waitNoLonger();
  ends[0]!.resolve({ code: 0 });
  await new Promise((resolve) => setTimeout(resolve)); // what waits for promises only has run
  assertEquals(told, [["waiting", "ended"]]);
  waiting!.waitNoLonger();
});
