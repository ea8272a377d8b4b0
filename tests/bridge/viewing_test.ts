/** What somebody who looks at a run is sent. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { serveViewer, type ViewingContext } from "../../src/bridge/viewing.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import { MemoryLog } from "../../src/run/memory_log.ts";
import { Run } from "../../src/run/run.ts";
import {
  BRIDGE_TO_VIEWER,
  type BridgeToViewer,
  VIEWER_TO_BRIDGE,
  type ViewerToBridge,
} from "../../src/wire/viewer_messages.ts";
import { EXAMPLE } from "../terminal/events.ts";

const ENTRY = {
  ...{ id: "bafo-kine", name: "main.ts", by: "me@here", from: "h:1", startedMs: 1 },
  ...{ endedMs: null, code: null, running: 0, spawned: 0 },
};

/** The types of the messages that a viewer of a run with so many events gets, which goes on. */
async function viewed(events: number): Promise<string[]> {
  const log = new MemoryLog({ keepBytes: 1e6 });
  const run = new Run({ log, roomBytes: 1e6 });
  for (const event of EXAMPLE.slice(0, events)) await run.append(event);
  const active = { run: { end: log.end, view: () => run.view() }, stop: () => {} };
  const context = {
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
  const served = serveViewer(bridge, context);
  void viewer.send({ type: "view", run: "", follow: false });
  const types: string[] = [];
  for await (const { type } of viewer.messages()) {
    types.push(type);
    if (type === "over") break;
  }
  viewer.drop();
  await served;
  return types;
}

Deno.test("a viewer that does not follow gets the events so far, and then the end", async () => {
  assertEquals(await viewed(3), ["viewing", "event", "event", "event", "over"]);
});

Deno.test("a viewer that does not follow does not wait for a run that has no events yet", async () => {
  assertEquals(await viewed(0), ["over"]);
});
