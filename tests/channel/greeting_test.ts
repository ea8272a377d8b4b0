// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import {
  encodeReply,
  type Greeting,
  readGreeting,
  readReply,
  Verdict,
  writeGreeting,
  writeRefusal,
} from "../../src/channel/greeting.ts";
import type { Pid } from "../../src/core/pid.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { MemoryStream } from "../net/memory_stream.ts";

const FROM = "00112233445566778899aabbccddeeff@127.0.0.1:4100" as Pid;
const TO = "ffeeddccbbaa99887766554433221100";
const GREETING: Greeting = { from: FROM, to: TO, offset: 258, posthumous: true };

const ascii = (text: string): number[] => Array.from(new TextEncoder().encode(text));
const OFFSET = [0, 0, 0, 0, 0, 0x20, 0x70, 0x40];
const BYTES = [88, 0, 1, ...OFFSET, ...ascii(TO), ...ascii(FROM)];

Deno.test("writeGreeting() writes these bytes", async () => {
  const stream = new MemoryStream();
  await writeGreeting(stream, GREETING);
  assertEquals(stream.written, BYTES);
});

Deno.test("readGreeting() reads them, in whatever pieces they come", async () => {
  for (let most = 1; most <= BYTES.length; most++) {
    const stream = new MemoryStream(BYTES, most);
    assertEquals(await readGreeting(stream), GREETING);
    assertEquals(stream.left, 0);
  }
});

Deno.test("readGreeting() refuses invalid greetings", async () => {
  const changed = (position: number, ...bytes: number[]): number[] =>
    BYTES.with(position, 0).toSpliced(position, bytes.length, ...bytes);
  const table: [number[], string][] = [
    [[0, 0], "a greeting of 0 bytes"],
    [[41, 0], "a greeting of 41 bytes"],
    [[0xff, 0xff], "a greeting of 65535 bytes"],
    [changed(3, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f), "invalid offset"],
    [changed(3, 0, 0, 0, 0, 0, 0, 0xf0, 0xbf), "invalid offset"],
    [changed(3, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f), "invalid offset"],
    [changed(43, 0x21), "a greeting without a valid Pid"],
  ];
  for (const [bytes, message] of table) {
    await assertRejects(() => readGreeting(new MemoryStream(bytes)), ProtocolError, message);
  }
  for (let length = 0; length < BYTES.length; length++) {
    const stream = new MemoryStream(BYTES.slice(0, length));
    await assertRejects(() => readGreeting(stream), Deno.errors.UnexpectedEof);
  }
});

Deno.test("a reply is unchanged after encoding and decoding, in these bytes", async () => {
  const bytes = Array.from(encodeReply({ verdict: Verdict.welcome, number: 258 }));
  assertEquals(bytes, [0, ...OFFSET]);
  assertEquals(await readReply(new MemoryStream(bytes, 2)), {
    verdict: Verdict.welcome,
    number: 258,
  });
  for (const verdict of Object.values(Verdict)) {
    const stream = new MemoryStream();
    await writeRefusal(stream, verdict, 3);
    assertEquals(await readReply(new MemoryStream(stream.written)), { verdict, number: 3 });
  }
});

Deno.test("readReply() refuses invalid replies", async () => {
  await assertRejects(
    () => readReply(new MemoryStream([5, ...OFFSET])),
    ProtocolError,
    "unknown verdict 5 on a connection",
  );
  await assertRejects(
    () => readReply(new MemoryStream([0, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f])),
    ProtocolError,
    "invalid offset",
  );
  await assertRejects(() => readReply(new MemoryStream([0, 0])), Deno.errors.UnexpectedEof);
});
