// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../src/core/protocol_error.ts";
import { decode } from "../../src/codec/value_decoder.ts";
import { encode } from "../../src/codec/value_encoder.ts";
import {
  decodeMessage,
  encodeBody,
  encodeMessage,
  framed,
  MAX_MESSAGE_BYTES,
  MessageDecoder,
} from "../../src/wire/message.ts";
import { bytes, integer, type Schema } from "../../src/wire/schema.ts";

const BYTES = new Uint8Array([1, 2, 3]);

function body(message: { type: string }): Uint8Array<ArrayBuffer> {
  return encodeMessage(message).subarray(4);
}

Deno.test("encodeMessage() writes a length, and an object of the value codec", () => {
  const bytes = [0, 0xa1, 4, ...new TextEncoder().encode("type"), 0x87];
  assertEquals(Array.from(encodeMessage({ type: "started" })), [
    0,
    0,
    0,
    bytes.length + 7,
    ...bytes,
    ...new TextEncoder().encode("started"),
  ]);
});

Deno.test("MessageDecoder gives each body, wherever the stream is split", () => {
  const messages = [{ type: "started" }, { type: "work", arg: BYTES, at: 7 }, { type: "kill" }];
  const stream = new Uint8Array([
    ...messages.flatMap((message) => [...encodeMessage(message)]),
    ...[0, 0, 0, 0],
    ...encodeMessage(messages[0]!),
  ]);
  const expected = [...messages.map((message) => Array.from(body(message))), [], [
    ...body(messages[0]!),
  ]];
  for (let cut = 0; cut <= stream.length; cut++) {
    const decoder = new MessageDecoder();
    const bodies = [
      ...decoder.push(stream.subarray(0, cut)),
      ...decoder.push(stream.subarray(cut)),
    ];
    assertEquals(bodies.map((bytes) => Array.from(bytes)), expected, `split at byte ${cut}`);
  }
  const decoder = new MessageDecoder();
  const bodies = Array.from(stream).flatMap((byte) => [...decoder.push(new Uint8Array([byte]))]);
  assertEquals(bodies.map((bytes) => Array.from(bytes)), expected, "byte by byte");
});

Deno.test("MessageDecoder refuses a length beyond the limit as soon as it is there", () => {
  const decoder = new MessageDecoder(10);
  assertEquals([...decoder.push(new Uint8Array([0, 0, 0]))], []);
  assertThrows(
    () => [...decoder.push(new Uint8Array([11]))],
    ProtocolError,
    "a message of 11 bytes; the limit is 10",
  );
  assertThrows(
    () => [...new MessageDecoder().push(new Uint8Array([0xff, 0xff, 0xff, 0xff]))],
    ProtocolError,
    `the limit is ${MAX_MESSAGE_BYTES}`,
  );
  assertEquals([...new MessageDecoder(2).push(new Uint8Array([0, 0, 0, 2, 8, 9]))], [
    new Uint8Array([8, 9]),
  ]);
});

Deno.test("encodeMessage() sends the bytes of a view, and nothing else of its buffer", () => {
  const secret = new TextEncoder().encode("a secret, and more");
  const message = {
    type: "pieces",
    hash: secret.subarray(10),
    all: [{ one: secret.subarray(12) }, new DataView(secret.buffer, 10, 3)],
  };
  const sent = encodeMessage(message);
  assertEquals(decode(sent.subarray(4)), {
    type: "pieces",
    hash: secret.slice(10),
    all: [{ one: secret.slice(12) }, new DataView(secret.slice(10, 13).buffer)],
  });
  assertEquals(new TextDecoder("latin1").decode(sent).includes("secret"), false);
});

Deno.test("encodeMessage() refuses messages that the other side would refuse", () => {
  const tooLarge = { type: "work", arg: new Uint8Array(MAX_MESSAGE_BYTES) };
  assertThrows(
    () => encodeMessage(tooLarge),
    RangeError,
    "send large values over a channel",
  );
});

type Work = { type: "work"; at: number; arg: Uint8Array<ArrayBuffer> };
const WORK: Schema<Work> = { work: { at: integer, arg: bytes } };

Deno.test("decodeMessage() leaves bytes where they are, in the memory of the message", () => {
  const arg = crypto.getRandomValues(new Uint8Array(1_000));
  for (const shown of [arg, arg.subarray(0, 0), arg.subarray(7, 500)]) {
    const received = body({ type: "work", at: 3, arg: shown } as Work);
    const message = decodeMessage(WORK, received);
    assertEquals(message, { type: "work", at: 3, arg: shown.slice() });
    assert(message.arg.buffer === received.buffer);
  }
});

Deno.test("decodeMessage() takes the same bytes twice, and refuses a reference to a buffer", () => {
  type Pair = { type: "pair"; one: Uint8Array; two: Uint8Array };
  const pair: Schema<Pair> = { pair: { one: bytes, two: bytes } };
  const whole = new Uint8Array(9).fill(4);
  for (const two of [whole, whole.subarray(3), new Uint8Array(whole.buffer)]) {
    const message: Pair = { type: "pair", one: whole, two };
    const { one, two: second } = decodeMessage(pair, body(message));
    assertEquals([one, second], [whole, two]);
    assertEquals(one === second, two === whole);
  }
  // As the codec encodes two views of one buffer in a value.
  const message: Pair = { type: "pair", one: whole, two: new Uint8Array(whole.buffer) };
  assertThrows(() => decodeMessage(pair, encode(message)), ProtocolError, "which does not exist");
});

Deno.test("bodies of MessageDecoder and encodeBody() can be forwarded unchanged", () => {
  const message = { type: "work", at: 5, arg: BYTES };
  const sent = encodeMessage(message);
  assertEquals(framed(encodeBody(message)), sent);
  const [received] = [...new MessageDecoder().push(new Uint8Array(sent))];
  const again = framed(received!);
  assertEquals(again, sent);
  assert(again.buffer === received!.buffer, "it is no copy");
  assertEquals(framed(received!), sent);
});
