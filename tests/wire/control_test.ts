// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import type { Pid } from "../../src/core/pid.ts";
import {
  decodeNodeMessage,
  type NodeMessage,
  type ProcessMessage,
} from "../../src/wire/control.ts";
import { decodeProcessMessage } from "../../src/wire/process_messages.ts";
import { encodeMessage } from "../../src/wire/message.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { encode } from "../../src/codec/value_encoder.ts";

const PID = "00112233445566778899aabbccddeeff@127.0.0.1:4100" as Pid;
const PARENT = "ffeeddccbbaa99887766554433221100@[::1]:65535" as Pid;
const BYTES = new Uint8Array([1, 2, 3]);
const KEY = new Uint8Array(32).fill(7);

const SPAWN: ProcessMessage = {
  type: "spawn",
  request: 7,
  function: "package/work",
  name: "worker 7",
  arg: BYTES,
  resources: { mem: 2 ** 40, cpu: 0.0625 },
  wait: true,
  cwd: "/tmp",
  env: BYTES.slice(),
};

const WELCOME: NodeMessage = { type: "welcome", pid: PID, key: KEY, will: "/tmp/will" };

const START: NodeMessage = {
  type: "start",
  parent: PARENT,
  function: "package/work",
  name: "worker 7",
  arg: new Uint8Array(0),
  resources: { mem: 0, cpu: 0 },
  cwd: "/tmp",
  env: BYTES,
};

const PROCESS_MESSAGES: ProcessMessage[] = [
  { type: "hello", token: "secret", port: 65_535, resources: { mem: 0, cpu: 1.5 } },
  { type: "started" },
  SPAWN,
  { ...SPAWN, wait: false, cwd: null, env: null, arg: new Uint8Array(70_000) },
  { type: "wait", request: 0, pid: PID },
  {
    type: "waits",
    traffic: [{ remote: PID, values: 2, bytes: 40, full: ["jobs", ""] }],
    request: 3,
    waits: [
      { kind: "recv", remote: PID, name: "jobs", select: false },
      {
        kind: "send",
        remote: PARENT,
        name: "",
        select: true,
        unreadBytes: 2 ** 20,
        received: true,
      },
      { kind: "after", select: true },
      { kind: "reach", remote: PID, address: "10.0.0.2:4100", why: "no answer" },
      { kind: "accept", name: "clients", select: false },
      { kind: "wait", remote: PID, select: true },
      { kind: "kill", remote: PID },
      { kind: "spawn", name: "worker 7" },
      { kind: "deliver", remote: PID, bytes: 300_000 },
    ],
    count: 300,
    progress: 2 ** 40,
    mayWake: false,
  },
  { type: "unread", channels: [] },
  {
    type: "unread",
    channels: [
      { remote: PID, name: "jobs", values: 30, bytes: 2 ** 40 },
      { remote: PARENT, name: "", values: 1, bytes: 5 },
    ],
  },
  { type: "kill", request: 2 ** 32, pid: PARENT, signal: null, graceMs: 0, descendants: true },
  {
    type: "kill",
    request: 4,
    pid: PARENT,
    signal: "SIGTERM",
    graceMs: 3_600_000,
    descendants: false,
  },
];

const NODE_MESSAGES: NodeMessage[] = [
  WELCOME,
  START,
  { ...START, parent: null, function: null, cwd: null, env: null },
  { type: "why", request: 0 },
  { type: "spawned", request: 7, pid: PID },
  { type: "ended", request: 7, status: { code: -1 } },
  { type: "ended", request: 7, status: { code: 3, undelivered: "its file is empty" } },
  { type: "ended", request: 7, status: { signal: "SIGKILL" } },
  { type: "ended", request: 7, status: { killed: "memory: 131 MiB used, 100 MiB asked" } },
  { type: "ended", request: 7, status: { lost: "the node was silent for 10 s" } },
  { type: "killed", request: 7 },
  { type: "failed", request: 7, reason: "not-started", message: "exit code 1 · “no”" },
  { type: "failed", request: 7, reason: "unknown", message: "" },
];

function body(message: { type: string }): Uint8Array<ArrayBuffer> {
  return encodeMessage(message).subarray(4);
}

Deno.test("every control message is unchanged after encoding and decoding", () => {
  for (const message of PROCESS_MESSAGES) {
    assertEquals(decodeProcessMessage(body(message)), message, message.type);
  }
  for (const message of NODE_MESSAGES) {
    assertEquals(decodeNodeMessage(body(message)), message, message.type);
  }
});

/** Invalid values for a field in which `right` is valid. */
function wrongInPlaceOf(field: string, right: unknown): unknown[] {
  const wrong: unknown[] = [undefined, true, -1, NaN, "", "x", new Uint8Array(31), [], {}, null];
  const number = typeof right === "number" && field !== "graceMs";
  if (number) wrong.push(1.5, 2 ** 53);
  if (field === "port") wrong.push(0, 65_536);
  if (field === "resources") {
    wrong.push({ mem: 1 }, { cpu: 1 }, { mem: Infinity, cpu: 1 }, { mem: 1, cpu: -1 }, {
      mem: "1",
    });
  }
  if (field === "graceMs") wrong.push(Infinity, 3_600_001);
  if (field === "signal") wrong.push("SIGNONE", "TERM", "toString", 15);
  if (field === "status") {
    wrong.push({ code: 1, signal: "SIGKILL" }, { code: "1" }, { signal: 9 });
    wrong.push({ code: 1, undelivered: 1 }, { undelivered: "" }, { lost: "", undelivered: "" });
  }
  if (field === "pid" || field === "parent") wrong.push(`${PID} `, PID.slice(1));
  if (field === "type") wrong.push("toString", "__proto__", 2n ** 63n);
  const isText = typeof right === "string" &&
    ["token", "function", "name", "cwd", "will", "message"].includes(field);
  return wrong.filter((value) => {
    if (typeof value === "boolean") return typeof right !== "boolean";
    if (typeof value === "string") return !isText;
    if (Array.isArray(value)) return !Array.isArray(right);
    if (value instanceof Uint8Array) return !(right instanceof Uint8Array) || field === "key";
    if (value === null) {
      return !["parent", "function", "cwd", "env", "signal", "will"].includes(field) || number;
    }
    return true;
  });
}

Deno.test("a control message with one wrong or missing field is refused, and the field is named", () => {
  const check = (
    message: ProcessMessage | NodeMessage,
    decode: (body: Uint8Array<ArrayBuffer>) => unknown,
  ) => {
    for (const [field, right] of Object.entries(message)) {
      for (const value of wrongInPlaceOf(field, right)) {
        const changed: Record<string, unknown> = { ...message, [field]: value };
        if (value === undefined) delete changed[field];
        const expected = field === "type" ? "" : `"${field}" in a "${message.type}" message`;
        const told = `${message.type}.${field} = ${String(value)}`;
        assertThrows(() => decode(encode(changed)), ProtocolError, expected, told);
      }
    }
  };
  for (const message of PROCESS_MESSAGES.slice(0, 3)) check(message, decodeProcessMessage);
  for (const message of PROCESS_MESSAGES.slice(4)) check(message, decodeProcessMessage);
  for (const message of [WELCOME, START, ...NODE_MESSAGES.slice(3)]) {
    check(message, decodeNodeMessage);
  }
});

Deno.test("invalid control messages are refused", () => {
  for (const value of [null, 1, "hello", [], true, new Uint8Array(3), 2n ** 60n]) {
    assertThrows(() => decodeProcessMessage(encode(value)), ProtocolError);
    assertThrows(() => decodeNodeMessage(encode(value)), ProtocolError);
  }
  for (const bytes of [[], [7], [0], [0, 0xcd, 255, 255, 255, 127]]) {
    assertThrows(
      () => decodeProcessMessage(new Uint8Array(bytes)),
      ProtocolError,
      "malformed value",
    );
  }
  // 100,000 nested arrays.
  const deep = new Uint8Array(100_000).fill(0xb1).with(0, 0);
  assertThrows(() => decodeProcessMessage(deep), ProtocolError, "it is not a message");
  // A message for the other direction.
  assertThrows(() => decodeProcessMessage(body(START)), ProtocolError, "unknown message type");
  assertThrows(() => decodeNodeMessage(body(SPAWN)), ProtocolError, "unknown message type");
});
