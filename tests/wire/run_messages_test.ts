/** The checks of messages that contain objects. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import type { RunEvent } from "../../src/core/events.ts";
import type { Pid } from "../../src/core/pid.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { eventBody, eventOf } from "../../src/wire/event_messages.ts";
import { decodeMessage, encodeBody, encodeMessage } from "../../src/wire/message.ts";
import { DEPLOY_TO_BRIDGE, EVENT, NODE_TO_BRIDGE } from "../../src/wire/run_messages.ts";

const PID = "00112233445566778899aabbccddeeff@127.0.0.1:4100" as Pid;

const EVENTS: RunEvent[] = [
  { event: "spawn", pid: PID, parent: null, name: "main.ts", node: null, time: 1 },
  { event: "spawn", pid: PID, parent: PID, name: "work", node: "10.0.0.1:9999", time: 2 },
  { event: "output", pid: PID, fd: 2, bytes: new Uint8Array([1, 2]), time: 3 },
  { event: "eof", pid: PID, fd: 1 },
  { event: "exit", pid: PID, status: { signal: "SIGKILL" }, time: 4 },
  { event: "noticed", pid: PID },
  { event: "said", text: "it waits", time: 5 },
];

Deno.test("every event is unchanged after encoding and decoding, from its message and from its body", () => {
  for (const event of EVENTS) {
    const body = encodeMessage({ type: "event", event }).subarray(4);
    assertEquals(decodeMessage(NODE_TO_BRIDGE, body), { type: "event", event });
    assertEquals(eventOf(eventBody(event)), event);
  }
});

Deno.test("an event with a wrong or missing field, or of no known kind, is refused", () => {
  const refuse = (event: unknown, told: string) => {
    assertThrows(
      () => decodeMessage(EVENT, encodeBody({ type: "event", event })),
      ProtocolError,
      '"event" in a "event" message',
      told,
    );
  };
  for (const event of EVENTS) {
    for (const [field, right] of Object.entries(event)) {
      for (const wrong of [undefined, {}, -1, "x", [], new Uint8Array(1)]) {
        const isAllowed = typeof right === typeof wrong && typeof right === "string" &&
            ["name", "node", "text"].includes(field) ||
          field === "node" && typeof wrong === "string" ||
          right instanceof Uint8Array && wrong instanceof Uint8Array;
        if (isAllowed) continue;
        refuse({ ...event, [field]: wrong }, `${event.event}.${field} = ${String(wrong)}`);
      }
    }
  }
  for (const event of [null, 1, "spawn", [], { event: "toString" }, { event: "__proto__" }, {}]) {
    refuse(event, JSON.stringify(event));
  }
});

Deno.test("overriding resources may be omitted, in part or entirely", () => {
  const run = { type: "run", name: "main.ts", by: "ada", graceMs: 3_000, detached: false };
  for (const resources of [{}, { mem: 1 }, { cpu: 0.5 }, { mem: 1, cpu: 2 }]) {
    const message = { ...run, resources };
    assertEquals(decodeMessage<{ type: string }>(DEPLOY_TO_BRIDGE, encodeBody(message)), message);
  }
  for (const resources of [null, 1, { mem: -1 }, { cpu: NaN }, { mem: "1" }, { cpu: null }]) {
    const body = encodeBody({ ...run, resources });
    assertThrows(() => decodeMessage(DEPLOY_TO_BRIDGE, body), ProtocolError, '"resources"');
  }
});
