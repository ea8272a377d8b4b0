/** The frames of a WebSocket: RFC 6455, with its own examples. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import {
  answerToKey,
  closeFrame,
  isKey,
  pingFrame,
  pongFrame,
  type Received,
  textFrame,
  WebSocketError,
  WebSocketReader,
} from "../../src/dashboard/web_socket_frames.ts";

const MAX_BYTES = 300;

const bytes = (text: string) => new TextEncoder().encode(text);

/** A frame as a client sends it. */
function masked(first: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  const size = length < 126 ? [length] : [126, length >> 8, length & 255];
  const mask = [0x37, 0xfa, 0x21, 0x3d];
  const body = payload.map((byte, index) => byte ^ mask[index % 4]!);
  return new Uint8Array([first, size[0]! | 0x80, ...size.slice(1), ...mask, ...body]);
}

function joined(...frames: Uint8Array[]): Uint8Array {
  return new Uint8Array(frames.flatMap((frame) => [...frame]));
}

/** What comes of these bytes, in pieces of that size. */
function read(all: Uint8Array, size = all.length): Received[] {
  const reader = new WebSocketReader(MAX_BYTES);
  const received: Received[] = [];
  for (let at = 0; at < all.length; at += size) {
    received.push(...reader.push(all.subarray(at, at + size)));
  }
  return received;
}

const [TEXT, MORE, CLOSE, PING, PONG] = [0x81, 0x80, 0x88, 0x89, 0x8a];
/** Of a message that goes on. */
const [BEGIN, WITHIN] = [0x01, 0x00];

Deno.test("the key of a client is answered as in the RFC", async () => {
  assertEquals(await answerToKey("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  assertEquals(isKey("dGhlIHNhbXBsZSBub25jZQ=="), true);
  for (const none of ["", "dGhlIHNhbXBsZQ==", "dGhlIHNhbXBsZSBub25jZQ==, x", "x y"]) {
    assertEquals(isKey(none), false, none);
  }
});

Deno.test("what a server sends has no mask, and the shortest length", () => {
  assertEquals(textFrame("Hello"), new Uint8Array([0x81, 5, ...bytes("Hello")]));
  assertEquals([...textFrame("x".repeat(126)).subarray(0, 5)], [0x81, 126, 0, 126, 120]);
  const long = textFrame("x".repeat(0x1_0000));
  assertEquals([...long.subarray(0, 11)], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0, 120]);
  assertEquals(long.length, 10 + 0x1_0000);
  assertEquals([...closeFrame(1008)], [0x88, 2, 3, 240]);
  assertEquals([...pingFrame()], [0x89, 0]);
  assertEquals([...pongFrame(bytes("a"))], [0x8a, 1, 97]);
});

Deno.test("messages are found in whatever pieces they come, and in whatever frames", () => {
  const all = joined(
    masked(TEXT, bytes("Hello")),
    masked(TEXT, bytes("")),
    masked(BEGIN, bytes("ä").subarray(0, 1)),
    masked(PING, bytes("are you there?")),
    masked(WITHIN, bytes("")),
    masked(MORE, bytes("ä").subarray(1)),
    masked(TEXT, bytes("x".repeat(MAX_BYTES))),
    masked(PONG, bytes("")),
    masked(CLOSE, new Uint8Array([3, 232])),
  );
  const expected: Received[] = [
    { type: "text", text: "Hello" },
    { type: "text", text: "" },
    { type: "ping", payload: bytes("are you there?") },
    { type: "text", text: "ä" },
    { type: "text", text: "x".repeat(MAX_BYTES) },
    { type: "pong" },
    { type: "close" },
  ];
  for (let size = 1; size <= all.length; size++) assertEquals(read(all, size), expected);
});

Deno.test("who does not keep to the protocol is refused as soon as that can be seen", () => {
  const half = masked(BEGIN, bytes("x".repeat(200)));
  const table: [name: string, bytes: Uint8Array, code: number][] = [
    ["a frame without a mask", textFrame(""), 1002],
    ["a reserved bit", masked(TEXT | 0x40, bytes("a")), 1002],
    ["a continuation of nothing", masked(MORE, bytes("a")), 1002],
    ["a message within another one", joined(half, masked(TEXT, bytes("a"))), 1002],
    ["a long ping", masked(PING, new Uint8Array(126)).subarray(0, 8), 1002],
    ["a ping in parts", masked(PING & 0x7f, bytes("a")), 1002],
    ["bytes", masked(0x82, bytes("a")), 1003],
    ["a kind that there is not", masked(0x83, bytes("a")), 1003],
    ["no UTF-8", masked(TEXT, new Uint8Array([0xff])), 1007],
    ["half a character", masked(TEXT, bytes("ä").subarray(0, 1)), 1007],
    ["too long", masked(TEXT, new Uint8Array(MAX_BYTES + 1)).subarray(0, 8), 1009],
    ["too long in parts", joined(half, masked(MORE, new Uint8Array(101)).subarray(0, 8)), 1009],
    ["2^64 - 1 bytes", new Uint8Array([TEXT, 0xff, ...Array(12).fill(0xff)]), 1009],
  ];
  for (const [name, all, code] of table) {
    for (const size of [1, all.length]) {
      const error = assertThrows(() => read(all, size), WebSocketError, undefined, name);
      assertEquals(error.code, code, name);
    }
  }
});
