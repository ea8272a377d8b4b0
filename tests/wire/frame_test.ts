// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import {
  FrameType,
  HEADER_BYTES,
  isFrame,
  MAX_PIECE_BYTES,
  MAX_VALUE_BYTES,
  readLayout,
  readLength,
  writeHeader,
  writeLayout,
} from "../../src/wire/frame.ts";

Deno.test("writeHeader() writes these bytes, and readLength() reads them", () => {
  const table: [FrameType, number, number[]][] = [
    [FrameType.value, 1, [1, 1, 0, 0]],
    [FrameType.value, MAX_VALUE_BYTES, [1, 0, 0x80, 0]],
    [FrameType.first, MAX_PIECE_BYTES, [2, 0, 0, 0x11]],
    [FrameType.more, 0x010203, [3, 3, 2, 1]],
    [FrameType.ack, 8, [12, 8, 0, 0]],
    [FrameType.bye, 4, [16, 4, 0, 0]],
    [FrameType.more, 0xffffff, [3, 0xff, 0xff, 0xff]],
  ];
  for (const [type, length, bytes] of table) {
    const target = new Uint8Array(HEADER_BYTES + 2);
    assertEquals(writeHeader(target, 1, type, length), HEADER_BYTES + 1);
    assertEquals(Array.from(target), [0, ...bytes, 0]);
    assertEquals(readLength(target, 1), length);
  }
});

Deno.test("isFrame() knows each type, and the lengths that it can have", () => {
  const lengths: Record<keyof typeof FrameType, [min: number, max: number]> = {
    value: [1, MAX_VALUE_BYTES],
    first: [13, MAX_PIECE_BYTES],
    more: [1, MAX_PIECE_BYTES],
    cancel: [0, 0],
    end: [0, 0],
    abort: [1, MAX_VALUE_BYTES],
    channel: [4, 4],
    open: [4, 259],
    accept: [4, 4],
    stop: [8, 8],
    credit: [8, 8],
    ack: [8, 8],
    ask: [0, 0],
    idle: [0, 0],
    busy: [0, 0],
    bye: [4, 4],
    fin: [0, 0],
  };
  for (const [name, [min, max]] of Object.entries(lengths)) {
    const type = FrameType[name as keyof typeof FrameType];
    for (
      const length of [0, 1, 3, 4, 5, 8, 9, 13, 259, MAX_VALUE_BYTES, MAX_PIECE_BYTES, 0xffffff]
    ) {
      for (const near of [length - 1, length, length + 1]) {
        assertEquals(isFrame(type, near), near >= min && near <= max, `${name} of ${near} bytes`);
      }
    }
  }
  for (const type of [0, 18, 19, 127, 255]) {
    for (const length of [0, 4, 8]) assertEquals(isFrame(type, length), false, `type ${type}`);
  }
});

Deno.test("writeLayout() writes these bytes, and readLayout() reads them", () => {
  const layout = { length: 0xfffffffe, bufferStart: 0x01020304, bufferSize: 5 };
  const view = new DataView(new ArrayBuffer(14));
  writeLayout(view, 1, layout);
  const bytes = [0, 0xfe, 0xff, 0xff, 0xff, 4, 3, 2, 1, 5, 0, 0, 0, 0];
  assertEquals(Array.from(new Uint8Array(view.buffer)), bytes);
  assertEquals(readLayout(view, 1), layout);
});
