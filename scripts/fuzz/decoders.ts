/** What is read from others, or from files that others may have written, as functions of bytes. */

import { encode } from "../../src/codec/value_encoder.ts";
import { decode } from "../../src/codec/value_decoder.ts";
import { encodeWill } from "../../src/channel/will_format.ts";
import { memoryBytes, readWill } from "../../src/channel/will_reader.ts";
import { readDefaults } from "../../src/cli/run_settings.ts";
import { EMPTY_TREE } from "../../src/core/tree.ts";
import { makePid } from "../../src/core/pid.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { NO_SETTINGS } from "../../src/core/runtime_settings.ts";
import { UsageError } from "../../src/core/usage_error.ts";
import { parseNodesFile } from "../../src/fabric/nodes_file.ts";
import { readRecord, recordBytes, writeRecord } from "../../src/run/log_record.ts";
import { BRIDGE_TO_MASTER, MASTER_TO_BRIDGE } from "../../src/wire/bridge_messages.ts";
import { NODE_MESSAGES } from "../../src/wire/control.ts";
import { eventBody, eventOf } from "../../src/wire/event_messages.ts";
import { DEPLOY_TO_INSPECTOR, NODE_TO_INSPECTOR } from "../../src/wire/inspect_messages.ts";
import { decodeMessage, encodeBody } from "../../src/wire/message.ts";
import { JOIN_TO_MASTER, MASTER_TO_NODE, NODE_TO_MASTER } from "../../src/wire/node_messages.ts";
import { PROCESS_MESSAGES } from "../../src/wire/process_messages.ts";
import {
  BRIDGE_TO_DEPLOY,
  BRIDGE_TO_NODE,
  DEPLOY_TO_BRIDGE,
  NODE_TO_BRIDGE,
} from "../../src/wire/run_messages.ts";
import { decodeRunSpec, encodeRunSpec } from "../../src/wire/run_spec.ts";
import type { SavedPeer } from "../../src/channel/saved_peer.ts";
import type { Schema } from "../../src/wire/schema.ts";
import { joined } from "./mutate.ts";
import { VIEWER_TO_BRIDGE } from "../../src/wire/viewer_messages.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A function of bytes. It may refuse them by an error of one of these kinds, and by no other. */
export interface Decoder {
  readonly name: string;
  readonly valid: readonly Bytes[];
  readonly take: (bytes: Bytes) => unknown;
  readonly refuses: readonly (new (message: string) => Error)[];
}

export const PID = makePid("3".repeat(32), "127.0.0.1", 4_100);
const OTHER_PID = makePid("8".repeat(32), "127.0.0.1", 4_101);
const RESOURCES = { mem: 5, cpu: 0.5 };
export const KEY = new Uint8Array(32).fill(1);
const ARG = encode({ list: [1, 2, 3], text: "ünd", map: new Map([[1, { at: new Date(0) }]]) });
/** A file, which is one piece. */
export const HELLO_PIECE = {
  hash: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
  bytes: new TextEncoder().encode("hello"),
};
export const MANIFEST = { size: HELLO_PIECE.bytes.length, pieces: [HELLO_PIECE.hash] };

/** A program that consists of it. */
export const SPEC = encodeRunSpec({
  ...{ kind: "bundle", name: "main.ts", main: "main.js", cwd: "", args: ["a"], env: { A: "1" } },
  ...{ manifest: MANIFEST, tree: EMPTY_TREE, settings: NO_SETTINGS, oneOutput: false },
});

/** Messages of a process, in the order in which one sends them. */
export const PROCESS_SAYS = [
  { type: "hello", token: "t".repeat(32), port: 4_100, resources: RESOURCES },
  { type: "started" },
  {
    ...{ type: "spawn", request: 0, function: "f", name: "f", arg: ARG, resources: RESOURCES },
    ...{ wait: true, cwd: "/", env: null, permissions: ["inherit-net", "allow-read=/a,/b"] },
  },
  { type: "cancel", request: 0 },
  { type: "wait", request: 1, pid: OTHER_PID },
  { type: "noticed", pid: OTHER_PID },
  { type: "refused", host: "10.0.0.9", line: "it is nobody" },
  { type: "kill", request: 2, pid: OTHER_PID, signal: "SIGTERM", graceMs: 3, descendants: true },
];

/** Messages of a bridge to its master. */
export const BRIDGE_SAYS = [
  { type: "bridge", address: "127.0.0.1:8888" },
  { type: "open", run: "r1", key: KEY },
  { type: "try", request: 1, run: "r1", resources: RESOURCES },
  { type: "where", request: 2, resources: RESOURCES },
  { type: "end", run: "r1", signal: "SIGKILL", graceMs: 0 },
];

/** Messages of a node that joins. */
const JOIN_SAYS = [{ type: "join", address: "127.0.0.1:1", resources: RESOURCES }];

const MESSAGES:
  readonly (readonly [string, Schema<{ type: string }>, readonly { type: string }[]])[] = [
    ["process to node", PROCESS_MESSAGES, PROCESS_SAYS],
    ["node to process", NODE_MESSAGES, [
      { type: "welcome", pid: PID, key: KEY, will: null },
      {
        ...{ type: "start", parent: PID, function: "f", name: "f", arg: ARG, resources: RESOURCES },
        ...{ cwd: null, env: null },
      },
      { type: "spawned", request: 1, pid: PID },
      { type: "ended", request: 2, status: { code: 3 } },
    ]],
    ["master to node", MASTER_TO_NODE, [
      { type: "open", run: "r1", key: KEY, bridge: "h:1", hosts: ["10.0.0.2"] },
    ]],
    ["node to master", NODE_TO_MASTER, [{
      type: "exited",
      run: "r1",
      pid: PID,
      status: { code: 1 },
    }]],
    ["bridge to master", BRIDGE_TO_MASTER, BRIDGE_SAYS],
    ["master to bridge", MASTER_TO_BRIDGE, [
      { type: "launched", request: 1, pid: PID },
      { type: "lost", run: "r1", pid: PID, parent: null, name: "f", node: "h:1", why: "gone" },
      { type: "fits", request: 1, node: null, possible: true, message: "it fits" },
    ]],
    ["joining node to master", JOIN_TO_MASTER, JOIN_SAYS],
    ["deploy to bridge", DEPLOY_TO_BRIDGE, [
      { type: "offer", spec: new Uint8Array(5) },
      { type: "deflated-piece", hash: "a".repeat(64), bytes: new Uint8Array(50) },
      { type: "run", name: "a", by: "b", resources: { mem: 1 }, graceMs: 3, detached: false },
      { type: "resume", token: "t", from: 3 },
    ]],
    ["bridge to deploy", BRIDGE_TO_DEPLOY, [
      { type: "accepted", run: "r1", token: "t" },
      { type: "need", pieces: ["a".repeat(64)], last: true },
      { type: "resumed", received: 1, taken: 2, ended: false, wanted: "some" },
    ]],
    ["node to bridge", NODE_TO_BRIDGE, [
      { type: "host", run: "r1", node: "h:1", link: "l", taken: 0 },
      { type: "event", event: { event: "output", pid: PID, fd: 1, bytes: ARG, time: 1 } },
      { type: "event", event: { event: "exit", pid: PID, status: { killed: "memory" }, time: 1 } },
      { type: "waits", request: 1, processes: [] },
    ]],
    ["bridge to node", BRIDGE_TO_NODE, [
      { type: "run", spec: new Uint8Array(5), by: "anna" },
      { type: "piece", hash: "a".repeat(64), bytes: new Uint8Array(50) },
      { type: "inspect", pid: PID, id: "1".repeat(32) },
    ]],
    ["viewer to bridge", VIEWER_TO_BRIDGE, [
      { type: "view", run: "r1", follow: true, from: 0 },
      { type: "kill", run: "r1", by: "b", signal: "SIGTERM", graceMs: 3 },
    ]],
    ["debugger to bridge", DEPLOY_TO_INSPECTOR, [
      { type: "inspect", token: "t".repeat(32), pid: PID },
      { type: "bytes", bytes: new Uint8Array(50) },
    ]],
    ["inspector to bridge", NODE_TO_INSPECTOR, [
      { type: "inspector", id: "1".repeat(32) },
      { type: "no-inspector", id: "1".repeat(32), why: "it has ended" },
      { type: "end" },
    ]],
  ] as unknown as [string, Schema<{ type: string }>, { type: string }[]][];

/** What processes have left to others: nothing, and something of each kind. */
const WILLS: readonly SavedPeer[][] = [[], [{
  ...{ remote: OTHER_PID, acked: 5, received: 7, frames: ARG },
  channels: {
    ...{ opened: 2, current: 1 },
    waiting: [{
      ...{ number: 0, inFlight: 9, accepted: true },
      entries: [
        { rest: ARG, begun: true },
        { rest: new Uint8Array(3), begun: false },
        { rest: null, begun: false },
      ],
    }],
  },
}]];

/** All of them. */
export const DECODERS: readonly Decoder[] = [
  ...MESSAGES.map(([name, schema, messages]): Decoder => ({
    name: `messages, ${name}`,
    valid: messages.map((message) => encodeBody(message)),
    take: (body) => decodeMessage(schema, body),
    refuses: [ProtocolError],
  })),
  {
    name: "values",
    valid: [ARG, encode(null), encode(new Uint8Array(100)), encode(new Error("no", { cause: 1 }))],
    take: decode,
    refuses: [ProtocolError],
  },
  {
    name: "run specs",
    valid: [SPEC],
    take: decodeRunSpec,
    refuses: [ProtocolError],
  },
  {
    name: "events",
    valid: [
      eventBody({ event: "output", pid: PID, fd: 1, bytes: ARG, time: 1 }),
      eventBody({ event: "exit", pid: PID, status: { code: 1 }, time: 1 }),
      eventBody({ event: "said", text: "text", time: 1 }),
    ],
    take: eventOf,
    refuses: [ProtocolError],
  },
  {
    name: "wills",
    valid: WILLS.map((peers) => joined(...encodeWill({ pid: PID, peers }))),
    take: (bytes) => {
      for (const { frames, channels } of readWill(memoryBytes(bytes)).peers) {
        frames.read();
        for (const { left } of channels.waiting) {
          for (const { rest } of left.entries) rest?.read();
        }
      }
    },
    refuses: [ProtocolError],
  },
  {
    name: "records of logs",
    valid: [recordOf(ARG), recordOf(new Uint8Array(0))],
    take: (bytes) => readRecord(bytes, 0),
    refuses: [],
  },
  {
    name: "nodes.toml",
    valid: [
      utf8(
        '[[nodes]]\nfabric_addr = "10.0.0.1:9999"\nbridge_bind = "10.0.0.1:8888"\nmem = "1 GiB"\ncpu = 2\n',
      ),
      utf8('[[nodes]]\nfabric_addr = "10.0.0.2:9999"\n'),
    ],
    take: (bytes) => parseNodesFile(new TextDecoder().decode(bytes), "nodes.toml"),
    refuses: [UsageError],
  },
  {
    name: "deno.json",
    valid: [
      utf8(
        '{ "deploy": { "bridge": "10.0.0.1:8888", "include": ["a"], "env": { "A": "1" }, "cpu": 2 } }',
      ),
      utf8('{ // comment\n"imports": {}, "deploy": { "main": "main.ts", "mem": "1GiB", }, }'),
    ],
    take: (bytes) => readDefaults(new TextDecoder().decode(bytes), "deno.json"),
    refuses: [UsageError],
  },
];

function recordOf(body: Bytes): Bytes {
  const bytes = new Uint8Array(recordBytes(body.length));
  writeRecord(body, bytes, 0);
  return bytes;
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}
