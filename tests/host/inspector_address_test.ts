/** How a debugger is told the way to an inspector. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { makePid } from "../../src/core/pid.ts";
import {
  inspectorLine,
  inspectorPath,
  readInspectorPath,
  uninspectedLine,
} from "../../src/host/inspector_address.ts";
import { closedPort } from "../net/closed_port.ts";

const PATH = "/ws/6d89c35f-1977-4910-97d5-cb5a0bb79f39";
const list = (url: string) => JSON.stringify([{ type: "node", webSocketDebuggerUrl: url }]);

Deno.test("the path is read from the list of an inspector on that port, and from nothing else", () => {
  assertEquals(readInspectorPath(list(`ws://127.0.0.1:9229${PATH}`), 9229), PATH);
  const others = [
    ...["", "[]", "not a list", list(`ws://127.0.0.1:9230${PATH}`), list(`ws://evil:9229${PATH}`)],
    ...[list("ws://127.0.0.1:9229/\\u001b[2J"), list("ws://127.0.0.1:9229/a b")],
    list(`ws://127.0.0.1:9229/${"a".repeat(300)}`),
  ];
  for (const other of others) assertEquals(readInspectorPath(other, 9229), undefined, other);
});

Deno.test("what is no inspector has no path", async () => {
  using closed = await closedPort();
  assertEquals(await inspectorPath(closed.port), undefined);
});

Deno.test("a run of which no process could be debugged says so, if some were named", () => {
  assertEquals(
    uninspectedLine({ names: ["wor\x1bker", "merge"], breaks: false }),
    "deploy: nothing to debug: no process of wor\\x1bker or merge has been started",
  );
  assertEquals(uninspectedLine({ names: null, breaks: true }), undefined);
});

Deno.test("the line has the process, the port and a link; nothing in a name acts on a terminal", () => {
  const pid = makePid("8a3be21f00d1c0ffee8a3be21f00d1c0", "127.0.0.1", 4100);
  assertEquals(
    inspectorLine({ pid, name: "wor\x1bker" }, { port: 9229, path: PATH, breaks: true }),
    "deploy: 8a3be21 wor\\x1bker waits for a debugger: port 9229, or devtools://devtools/bundled/" +
      `js_app.html?ws=127.0.0.1:9229${PATH}&experiments=true&v8only=true`,
  );
});
