/** The process's end of the control link; the test is the other end. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import type { Pid } from "../../src/core/pid.ts";
import { NodeLink, type StartMessage, type WelcomeMessage } from "../../src/process/node_link.ts";
import type { NodeMessage, ProcessMessage } from "../../src/wire/control.ts";
import { decodeProcessMessage } from "../../src/wire/process_messages.ts";
import { encodeMessage, MessageDecoder } from "../../src/wire/message.ts";
import { ProtocolError } from "../../src/core/errors.ts";

const PID = "8a3be21f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4100" as Pid;
const AT_ONCE = { signal: null, graceMs: 0, descendants: false };
const OTHER = "3fecd01f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4101" as Pid;

const WELCOME: WelcomeMessage = {
  type: "welcome",
  pid: PID,
  key: new Uint8Array(32),
  will: "/tmp/will",
};

const START: StartMessage = {
  type: "start",
  parent: null,
  function: null,
  name: "main.ts",
  arg: new Uint8Array(0),
  resources: { mem: 1, cpu: 0.5 },
  cwd: null,
  env: null,
};

/** The bytes of a message of the node. */
function bytesOf(message: NodeMessage | ProcessMessage): Uint8Array {
  return encodeMessage(message);
}

interface Fixture {
  link: NodeLink;
  /** The node's end. */
  node: Deno.TcpConn;
  /** The next message of the process. */
  next(): Promise<ProcessMessage>;
  /** The reasons for losses of the link, one for each. */
  losses: unknown[];
  /** Resolves with the first of them. */
  lost: Promise<unknown>;
}

async function withLink(test: (fixture: Fixture) => Promise<void>): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const node = await accepting;
  const losses: unknown[] = [];
  const { promise: lost, resolve } = Promise.withResolvers<unknown>();
  const link = new NodeLink(conn, (cause) => {
    losses.push(cause);
    resolve(cause);
  });
  const messages = (async function* () {
    const decoder = new MessageDecoder();
    const buffer = new Uint8Array(1024 * 1024);
    for (let count = await node.read(buffer); count !== null; count = await node.read(buffer)) {
      for (const body of decoder.push(buffer.subarray(0, count))) yield decodeProcessMessage(body);
    }
  })();
  const next = async () => {
    const { value } = await messages.next();
    assert(value !== undefined, "the link ended");
    return value;
  };
  try {
    await test({ link, node, next, losses, lost });
  } finally {
    // The node's end closes the link, unless a test has already done so.
    await node.closeWrite();
    await lost;
    node.close();
    conn.close();
    assertEquals(losses.length, 1);
  }
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await conn.write(bytes.subarray(written));
  }
}

Deno.test("NodeLink.welcome and start resolve with their messages, however they are cut", () =>
  withLink(async ({ link, node }) => {
    for (const byte of bytesOf(WELCOME)) await node.write(new Uint8Array([byte]));
    assertEquals(await link.welcome, WELCOME);
    for (const byte of bytesOf(START)) await node.write(new Uint8Array([byte]));
    assertEquals(await link.start, START);
  }));

Deno.test("NodeLink.send() keeps the order of messages, large ones and all", () =>
  withLink(async ({ link, next }) => {
    const arg = new Uint8Array(6 * 1024 * 1024).fill(3);
    const spawn = {
      type: "spawn",
      resources: { mem: 1, cpu: 1 },
      wait: true,
      cwd: null,
      env: null,
    } as const;
    link.send({ type: "hello", token: "ab", port: 1, resources: { mem: 0, cpu: 0 } });
    link.ask({ ...spawn, function: "large", name: "", arg });
    link.ask({ ...spawn, function: "small", name: "a", arg: new Uint8Array([1]) });
    link.send({ type: "started" });
    assertEquals(await next(), {
      type: "hello",
      token: "ab",
      port: 1,
      resources: { mem: 0, cpu: 0 },
    });
    const large = await next();
    assert(large.type === "spawn" && large.function === "large");
    assertEquals(large.arg.length, arg.length);
    const small = { ...spawn, request: 1, function: "small", name: "a", arg: new Uint8Array([1]) };
    assertEquals(await next(), small);
    assertEquals(await next(), { type: "started" });
  }));

Deno.test("NodeLink.ask() resolves with its own answer, in whatever order they come", () =>
  withLink(async ({ link, node, next }) => {
    const waiting = link.ask({ type: "wait", pid: PID });
    const killing = link.ask({ type: "kill", pid: OTHER, ...AT_ONCE });
    const failing = link.ask({ type: "kill", pid: PID, ...AT_ONCE });
    assertEquals(await next(), { type: "wait", request: 0, pid: PID });
    assertEquals(await next(), { type: "kill", request: 1, pid: OTHER, ...AT_ONCE });
    assertEquals(await next(), { type: "kill", request: 2, pid: PID, ...AT_ONCE });
    const failed = { type: "failed", request: 2, reason: "unknown", message: "no such" } as const;
    await writeAll(node, bytesOf(failed));
    await writeAll(node, bytesOf({ type: "killed", request: 1 }));
    await writeAll(node, bytesOf({ type: "ended", request: 0, status: { code: 3 } }));
    assertEquals(await failing, failed);
    assertEquals(await killing, { type: "killed", request: 1 });
    assertEquals(await waiting, { type: "ended", request: 0, status: { code: 3 } });
  }));

Deno.test("NodeLink is lost when the node is gone", () =>
  withLink(async ({ node, lost }) => {
    await node.closeWrite();
    const cause = await lost;
    assertInstanceOf(cause, Error);
    assertStringIncludes(cause.message, "the node closed the control link");
  }));

Deno.test("NodeLink is lost when the node breaks the protocol", async () => {
  const killed = bytesOf({ type: "killed", request: 0 });
  const table: [string, Uint8Array[]][] = [
    ['"start" before "welcome"', [bytesOf(START)]],
    ["a second welcome message", [bytesOf(WELCOME), bytesOf(WELCOME)]],
    ["a second start message", [bytesOf(WELCOME), bytesOf(START), bytesOf(START)]],
    ['a "killed" message that answers no request', [killed]],
    ["unknown message type", [bytesOf({ type: "started" })]],
    ["malformed value", [new Uint8Array([0, 0, 0, 1, 0xc1])]],
    ["a message of 4294967295 bytes", [new Uint8Array([255, 255, 255, 255])]],
  ];
  for (const [message, sent] of table) {
    await withLink(async ({ node, lost }) => {
      for (const bytes of sent) await writeAll(node, bytes);
      const cause = await lost;
      assertInstanceOf(cause, ProtocolError, message);
      assertStringIncludes(cause.message, message);
    });
  }
});

Deno.test("NodeLink is lost when an answer does not match its request, or comes twice", async () => {
  const ended = bytesOf({ type: "ended", request: 0, status: { code: 0 } });
  const killed = bytesOf({ type: "killed", request: 0 });
  for (const answers of [[ended], [killed, killed]]) {
    await withLink(async ({ link, node, lost }) => {
      const asked = link.ask({ type: "kill", pid: PID, ...AT_ONCE });
      for (const answer of answers) await writeAll(node, answer);
      assertInstanceOf(await lost, ProtocolError);
      if (answers.length === 2) assertEquals(await asked, { type: "killed", request: 0 });
    });
  }
});
