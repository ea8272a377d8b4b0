/** What one page is told, while what it looks at changes, breaks off and comes back. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import type { Termination } from "../../src/core/signals.ts";
import { ClusterWatch } from "../../src/dashboard/cluster_watch.ts";
import type { ServerToPage } from "../../src/dashboard/messages.ts";
import { PageSession } from "../../src/dashboard/page_session.ts";
import type { Told, Watched } from "../../src/dashboard/watched.ts";
import { EXAMPLE, FIRST } from "../terminal/events.ts";
import { Timers } from "./timers.ts";

/** Something to look at, which the test may break. */
class FakeWatched implements Watched {
  readonly title = "fake";
  broken: Error | undefined;
  /** How many samples were taken. */
  samplesTaken = 0;
  readonly killed: [string, string | null, Termination][] = [];
  told: readonly Told[] = EXAMPLE;
  /** Whether there are no more events than these. */
  isOver = false;

  runs() {
    return this.broken === undefined ? Promise.resolve([]) : Promise.reject(this.broken);
  }

  nodes() {
    return Promise.resolve([]);
  }

  async *events(_run: string, signal: AbortSignal): AsyncGenerator<Told> {
    yield* this.told;
    if (this.broken !== undefined) throw this.broken;
    if (this.isOver) return;
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  }

  samples() {
    this.samplesTaken++;
    return Promise.resolve([]);
  }

  kill(run: string, pid: string | null, how: Termination) {
    this.killed.push([run, pid, how]);
    return this.broken === undefined ? Promise.resolve("told it") : Promise.reject(this.broken);
  }
}

/** A session, and a page that takes everything at once. */
function open(watched: Watched, timers: Timers): { session: PageSession; sent: ServerToPage[] } {
  const sent: ServerToPage[] = [];
  const session: PageSession = new PageSession({
    watched,
    startTimer: timers.start,
    send: (message) => {
      sent.push(message);
      queueMicrotask(() => session.take({ type: "taken", messages: 1 }));
    },
  });
  return { session, sent };
}

/** Waits until there is such a message, and gives all up to it. */
async function until(sent: ServerToPage[], type: ServerToPage["type"]): Promise<ServerToPage[]> {
  for (;;) {
    const at = sent.findIndex((message) => message.type === type);
    if (at >= 0) return sent.splice(0, at + 1);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

Deno.test("a page gets the events of the run that it looks at, and samples only of that", async () => {
  const [watched, timers] = [new FakeWatched(), new Timers()];
  const { session, sent } = open(watched, timers);
  assertEquals(watched.samplesTaken, 0);
  session.take({ type: "look", run: "bafo-kine" });
  const [events] = (await until(sent, "events")).filter(({ type }) => type === "events");
  assertEquals(events?.type === "events" && events.run, "bafo-kine");
  session.take({ type: "look", run: null });
  await session.close();
  const taken = watched.samplesTaken;
  timers.fire();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(watched.samplesTaken, taken, "nobody looks");
});

Deno.test("a page is told when a run is over, after all events", async () => {
  const [watched, timers] = [new FakeWatched(), new Timers()];
  watched.isOver = true;
  const { session, sent } = open(watched, timers);
  session.take({ type: "look", run: "bafo-kine" });
  const kinds: string[] = [];
  while (kinds.at(-1) !== "over") {
    for (const message of await until(sent, "events")) {
      if (message.type === "events") kinds.push(...message.events.map(({ event }) => event));
    }
  }
  assertEquals(kinds[0], "spawn");
  await session.close();
});

Deno.test("a run that breaks off is shown again from its start, when it can be", async () => {
  const [watched, timers] = [new FakeWatched(), new Timers()];
  watched.broken = new Error("the bridge is gone");
  watched.told = [];
  const { session, sent } = open(watched, timers);
  session.take({ type: "look", run: "bafo-kine" });
  const messages = await until(sent, "not-shown");
  assertEquals(messages.at(-1), {
    ...{ type: "not-shown", run: "bafo-kine", text: "the bridge is gone" },
  });
  watched.broken = undefined;
  watched.told = EXAMPLE;
  timers.fire();
  await until(sent, "showing");
  await until(sent, "events");
  await session.close();
});

Deno.test("who asks to end something is answered, also if that is not possible", async () => {
  const [watched, timers] = [new FakeWatched(), new Timers()];
  const { session, sent } = open(watched, timers);
  session.take({ type: "kill", request: 1, run: "bafo-kine", pid: FIRST, atOnce: false });
  assertEquals((await until(sent, "answer")).at(-1), {
    ...{ type: "answer", request: 1, failed: false, text: "told it" },
  });
  watched.broken = new Error("run bafo-kine has ended");
  session.take({ type: "kill", request: 2, run: "bafo-kine", pid: null, atOnce: true });
  assertEquals((await until(sent, "answer")).at(-1), {
    ...{ type: "answer", request: 2, failed: true, text: "run bafo-kine has ended" },
  });
  assertEquals(watched.killed.map(([, pid, { signal, graceMs }]) => [pid, signal, graceMs]), [
    ...[[FIRST, "SIGTERM", 3_000], [null, "SIGKILL", 0]],
  ]);
  await session.close();
});

Deno.test("pages are told of the cluster when it changes, and when it cannot be seen", async () => {
  const [watched, timers] = [new FakeWatched(), new Timers()];
  const cluster = new ClusterWatch(watched, timers.start);
  const told: ServerToPage[] = [];
  const viewer = { tell: (message: ServerToPage) => void told.push(message) };
  const look = async () => {
    timers.fire();
    await new Promise((resolve) => setTimeout(resolve, 1));
  };
  cluster.add(viewer);
  assertEquals((await until(told, "cluster")).length, 1);
  await look();
  assertEquals(told, [], "nothing has changed");
  watched.broken = new Error("the bridge is gone");
  await look();
  assertEquals(told.splice(0), [{ type: "problem", text: "the bridge is gone" }]);
  watched.broken = undefined;
  await look();
  assertEquals(told.splice(0), [{ type: "problem", text: null }]);
  cluster.remove(viewer);
  watched.broken = new Error("it is gone again");
  await look();
  assertEquals(told, [], "nobody looks");
});
