/** What somebody who looks at a run is sent. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertMatch } from "@std/assert";
import type { ProtocolError } from "../../src/core/errors.ts";
import type { ProcessSample } from "../../src/core/samples.ts";
import type { Caller } from "../../src/bridge/caller.ts";
import { serveViewer, type ViewingContext } from "../../src/bridge/viewing.ts";
import { createLogger } from "../../src/core/logger.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import { MemoryLog } from "../../src/run/memory_log.ts";
import { EventRecord } from "../../src/run/event_record.ts";
import { isLifeEvent } from "../../src/run/process_table.ts";
import { Run, type RunViewer } from "../../src/run/run.ts";
import type { LogPart } from "../../src/run/run_log.ts";
import { encodeBody } from "../../src/wire/message.ts";
import {
  BRIDGE_TO_VIEWER,
  type BridgeToViewer,
  VIEWER_TO_BRIDGE,
  type ViewerToBridge,
} from "../../src/wire/viewer_messages.ts";
import { EXAMPLE, FIRST, WORKER } from "../terminal/events.ts";

const ENTRY = {
  ...{ id: "bafo-kine", name: "main.ts", by: "me@here", from: "h:1", startedMs: 1 },
  ...{ endedMs: null, code: null, running: 0, spawned: 0 },
};

const SAMPLE: ProcessSample = {
  ...{ pid: FIRST, activity: "waits", on: WORKER, waits: "wait 8a3be21 worker" },
  usage: { memBytes: 1, cpuMs: 3, ageMs: 0 },
  traffic: [{ remote: WORKER, values: 7, bytes: 90, full: ["jobs"] }],
};

const DOES = [
  { type: "does", pid: FIRST, doing: { activity: "computes" }, time: 5, everyMs: 100 },
  { type: "does", pid: FIRST, doing: { activity: "idle" }, time: 7, everyMs: 125.5 },
] as const;

/**
 * The types of the messages that a viewer of a run with so many events gets, which goes on. `view` gives others
 * instead.
 */
async function viewed(
  events: number,
  request: ViewerToBridge = { type: "view", run: "", follow: false, from: 0 },
  view?: () => AsyncIterable<LogPart> & Pick<RunViewer, "close">,
): Promise<string[]> {
  const types: string[] = [];
  await using viewer = await viewerOf(events, view);
  void viewer.link.send(request);
  for await (const { type } of viewer.link.messages()) {
    types.push(type);
    if (type === "over") break;
  }
  return types;
}

/** A viewer of a run with so many events, which goes on. */
async function viewerOf(
  events: number,
  view?: () => AsyncIterable<LogPart> & Pick<RunViewer, "close">,
  caller: Caller = { remote: "h:1", invited: undefined },
): Promise<
  AsyncDisposable & {
    link: MessageLink<ViewerToBridge, BridgeToViewer>;
    /** What the run was told, and what the bridge has logged. */
    did: string[];
    /** Why the bridge ended it, if it did. */
    served: Promise<ProtocolError | undefined>;
  }
> {
  const log = new MemoryLog({ keepBytes: 1e6 });
  const run = new Run({ log, roomBytes: 1e6 });
  for (const event of EXAMPLE.slice(0, events)) await run.append(event);
  const processes = new MemoryLog({ keepBytes: 1e6 });
  for (const event of EXAMPLE.slice(0, events).filter(isLifeEvent)) {
    processes.append(EventRecord.of(event));
  }
  const doings = new MemoryLog({ keepBytes: 1e6 });
  for (const message of DOES) doings.append(EventRecord.from(encodeBody(message)));
  const usage = () => Promise.resolve([{ pid: FIRST, memBytes: 1, peakBytes: 2, cpuMs: 3 }]);
  const did: string[] = [];
  const active = {
    run: {
      said: (line: string) => did.push(`said: ${line}`),
      ...{ start: 0, end: log.end, processes, doings, usage },
      view: view ?? ((from: number) => run.view(from)),
      samples: () => Promise.resolve([SAMPLE]),
    },
    stop: () => did.push("stopped"),
  };
  const context = {
    logger: createLogger("info", (line) => did.push(line.trimEnd())),
    runs: new Map([[ENTRY.id, active]]),
    archive: { list: () => [ENTRY] },
  } as unknown as ViewingContext;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [near, far] = await Promise.all([
    listener.accept(),
    Deno.connect({ port: listener.addr.port }),
  ]);
  const bridge = new MessageLink<BridgeToViewer, ViewerToBridge>(near, {
    schema: VIEWER_TO_BRIDGE,
  });
  const viewer = new MessageLink<ViewerToBridge, BridgeToViewer>(far, {
    schema: BRIDGE_TO_VIEWER,
  });
  const served = serveViewer(bridge, caller, context).then(
    () => undefined,
    (error: ProtocolError) => {
      bridge.drop(error);
      return error;
    },
  );
  return {
    link: viewer,
    did,
    served,
    async [Symbol.asyncDispose]() {
      viewer.drop();
      await served;
    },
  };
}

Deno.test("a viewer that does not follow gets the events so far, and then the end", async () => {
  assertEquals(await viewed(3), ["viewing", "event", "event", "event", "over"]);
});

Deno.test("a viewer that falls behind is told what it misses, where it misses it", async () => {
  const records = EXAMPLE.map((event) => EventRecord.of(event));
  const parts = async function* () {
    yield await Promise.resolve({ from: 0, records: records.slice(0, 1) });
    yield { from: 4, records: records.slice(4, 5) };
  };
  const view = () => Object.assign(parts(), { close: () => {} });
  const types = ["viewing", "event", "missing", "event", "over"];
  const request = { type: "view", run: "", follow: true, from: 0 } as const;
  assertEquals(await viewed(5, request, view), types);
});

Deno.test("a viewer that does not follow does not wait for a run that has no events yet", async () => {
  assertEquals(await viewed(0), ["viewing", "over"]);
});

Deno.test("a viewer that comes again goes on where it was, also if that is no longer there", async () => {
  const request = { type: "view", run: "", follow: false } as const;
  assertEquals(await viewed(3, { ...request, from: 2 }), ["viewing", "event", "over"]);
  assertEquals(await viewed(3, { ...request, from: 3 }), ["viewing", "over"]);
  assertEquals(await viewed(3, { ...request, from: 9 }), ["viewing", "over"]);
});

Deno.test("a viewer of processes gets their starts and ends, and what those that run use", async () => {
  const request = { type: "processes", run: "" } as const;
  assertEquals(await viewed(7, request), ["viewing", "event", "event", "event", "usages", "over"]);
  assertEquals(await viewed(0, request), ["viewing", "usages", "over"]);
});

Deno.test("a viewer gets what the processes were seen to do, and goes on where it was", async () => {
  for (const from of [0, 1, 9]) {
    await using viewer = await viewerOf(3);
    void viewer.link.send({ type: "doings", run: ENTRY.id, from });
    const messages: unknown[] = [];
    for await (const message of viewer.link.messages()) {
      messages.push(message);
      if (message.type === "over") break;
    }
    const viewing = { type: "viewing", run: ENTRY, missing: 0 };
    assertEquals(messages, [viewing, ...DOES.slice(from), { type: "over", run: ENTRY }]);
  }
});

Deno.test("a viewer may ask again on the same connection, and gets one sample after the other", async () => {
  await using viewer = await viewerOf(3);
  const messages = viewer.link.messages();
  for (let round = 0; round < 3; round++) {
    void viewer.link.send({ type: "samples", run: ENTRY.id });
    const { value } = await messages.next();
    assertEquals(value, { type: "samples", processes: [SAMPLE] });
  }
  void viewer.link.send({ type: "list", memory: false });
  assertEquals((await messages.next()).value, { type: "runs", runs: [ENTRY], memory: [] });
  void viewer.link.send({ type: "list", memory: true });
  const memory = [{ run: ENTRY.id, bytes: 1 }];
  assertEquals((await messages.next()).value, { type: "runs", runs: [ENTRY], memory });
});

Deno.test("a viewer that asks without waiting for answers loses its connection", async () => {
  await using viewer = await viewerOf(1);
  const served = viewer.link.messages();
  // The run goes on, so that the first request is not answered.
  void viewer.link.send({ type: "view", run: ENTRY.id, follow: true, from: 0 });
  for (let more = 0; more < 2; more++) void viewer.link.send({ type: "list", memory: false });
  const types: string[] = [];
  for await (const { type } of served) types.push(type);
  assertEquals(types.includes("runs"), false);
  assertMatch((await viewer.served)?.message ?? "", /unanswered/);
});

Deno.test("the run does not wait for a viewer that has gone", async () => {
  const gone = Promise.withResolvers<void>();
  const parts = async function* () {
    yield await Promise.resolve({ from: 0, records: [EventRecord.of(EXAMPLE[0]!)] });
    await gone.promise;
  };
  const view = () => Object.assign(parts(), { close: gone.resolve });
  const viewer = await viewerOf(1, view);
  void viewer.link.send({ type: "view", run: ENTRY.id, follow: true, from: 0 });
  const messages = viewer.link.messages();
  assertEquals((await messages.next()).value?.type, "viewing");
  assertEquals((await messages.next()).value?.type, "event");
  await viewer[Symbol.asyncDispose]();
});

Deno.test("who has an invitation ends no run of others; a holder of the secret does, and the log says who", async () => {
  const kill = { type: "kill", run: "", by: "me@there", signal: "SIGTERM", graceMs: 0 } as const;
  for (
    const [invited, answers, does] of [
      ["anna", "refused", []],
      [undefined, "told", [
        "deploy: info: me@there at h:1 told run bafo-kine (main.ts) to stop",
        "said: the run was told to stop by me@there at h:1",
        "stopped",
      ]],
    ] as const
  ) {
    await using viewer = await viewerOf(3, undefined, { remote: "h:1", invited });
    void viewer.link.send(kill);
    assertEquals((await viewer.link.messages().next()).value?.type, answers);
    assertEquals(viewer.did, [...does]);
  }
});
