// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
// @ts-types="../../types/std_bytes.d.ts"
import { concat } from "@std/bytes/concat";
import { type FrameHandler, FrameReader } from "../../src/channel/frame_reader.ts";
import {
  FrameType,
  HEADER_BYTES,
  type Layout,
  LAYOUT_BYTES,
  MAX_PIECE_BYTES,
  MAX_VALUE_BYTES,
  writeHeader,
  writeLayout,
} from "../../src/wire/frame.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { forSeeds } from "./random.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Records what a reader passes on, and assembles values that arrive in pieces. */
class Recorder implements FrameHandler {
  readonly events: string[] = [];
  /** All values; views of the reader's own bytes if it is told to keep them. */
  readonly values: Bytes[] = [];
  keeps = true;
  #whole: Bytes = new Uint8Array(0);
  /** The ends of its parts, which are adjacent. */
  #parts: readonly number[] = [];
  #filled = 0;

  value(bytes: Bytes, start: number, end: number): boolean {
    const payload = bytes.subarray(start + HEADER_BYTES, end);
    this.events.push(`value of ${payload.length}`);
    this.values.push(this.keeps ? payload : payload.slice());
    return this.keeps;
  }

  begin({ length, bufferStart, bufferSize }: Layout): void {
    this.events.push(`begin ${length}`);
    this.#whole = new Uint8Array(length);
    this.#parts = [bufferStart, bufferStart + bufferSize, length];
    this.#filled = 0;
  }

  pieceTarget(filled: number, left: number): Bytes {
    const start = this.#filled + filled;
    const end = this.#parts.find((end) => end > start);
    if (end === undefined || start + left > this.#whole.length) {
      throw new ProtocolError("beyond the end");
    }
    return this.#whole.subarray(start, Math.min(start + left, end));
  }

  piece(filled: number, whole: boolean): void {
    if (!whole) return;
    this.events.push(`piece of ${filled}`);
    this.#filled += filled;
    if (this.#filled === this.#whole.length) this.values.push(this.#whole);
  }

  control(type: FrameType, view: DataView, position: number, length: number): void {
    const bytes = Array.from({ length }, (_, index) => view.getUint8(position + index));
    this.events.push([type, ...bytes].join(" "));
  }
}

function frame(type: number, payload: Uint8Array = new Uint8Array(0)): Bytes {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(bytes, 0, type as FrameType, payload.length);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

function first(length: number, piece: Uint8Array, bufferStart = 0, bufferSize = 0): Bytes {
  const payload = new Uint8Array(LAYOUT_BYTES + piece.length);
  writeLayout(new DataView(payload.buffer), 0, { length, bufferStart, bufferSize });
  payload.set(piece, LAYOUT_BYTES);
  return frame(FrameType.first, payload);
}

/** Has a reader read `bytes`, at most so many at a time. */
function feed(reader: FrameReader, bytes: Uint8Array, atMost: () => number): void {
  for (let position = 0; position < bytes.length;) {
    const target = reader.target();
    assert(target.length > 0, "room to read into");
    const part = bytes.subarray(position, position + Math.min(target.length, atMost()));
    target.set(part);
    reader.advance(part.length);
    position += part.length;
  }
}

const STREAM = [
  frame(FrameType.value, new Uint8Array([1, 2, 3])),
  frame(FrameType.ask),
  first(10, new Uint8Array([1, 2, 3, 4]), 2, 5),
  frame(FrameType.credit, Uint8Array.of(1, 0, 0, 0, 254, 255, 255, 255)),
  frame(FrameType.more, new Uint8Array([5])),
  frame(FrameType.ack, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)),
  frame(FrameType.more, new Uint8Array([6, 7, 8, 9, 10])),
  first(4, new Uint8Array([1, 2])),
  frame(FrameType.cancel),
  frame(FrameType.value, new Uint8Array([4])),
  frame(FrameType.value, new Uint8Array([5])),
  frame(FrameType.end),
  frame(FrameType.open, Uint8Array.of(1, 0, 0, 0)),
  frame(FrameType.open, Uint8Array.of(2, 0, 0, 0, 97, 98)),
  frame(FrameType.channel, Uint8Array.of(1, 0, 0, 0)),
  frame(FrameType.abort, Uint8Array.of(9)),
  frame(FrameType.accept, Uint8Array.of(3, 0, 0, 0)),
  frame(FrameType.stop, Uint8Array.of(4, 0, 0, 0, 1, 0, 0, 0)),
  frame(FrameType.idle),
  frame(FrameType.busy),
  frame(FrameType.bye, Uint8Array.of(7, 0, 0, 0)),
];

const EVENTS = [
  "value of 3",
  "13",
  "begin 10",
  "piece of 4",
  "11 1 0 0 0 254 255 255 255",
  "piece of 1",
  "12 1 2 3 4 5 6 7 8",
  "piece of 5",
  "begin 4",
  "piece of 2",
  "4",
  "value of 1",
  "value of 1",
  "5",
  "8 1 0 0 0",
  "8 2 0 0 0 97 98",
  "7 1 0 0 0",
  "6 9",
  "9 3 0 0 0",
  "10 4 0 0 0 1 0 0 0",
  "14",
  "15",
  "16 7 0 0 0",
];

Deno.test("FrameReader cuts all kinds of frames, wherever the stream is split", () => {
  const stream = concat(STREAM);
  for (let cut = 0; cut <= stream.length; cut++) {
    for (let other = cut; other <= stream.length; other += 7) {
      const recorder = new Recorder();
      const reader = new FrameReader(recorder, 100);
      for (const part of [[0, cut], [cut, other], [other, stream.length]]) {
        feed(reader, stream.subarray(...part), () => Infinity);
      }
      assertEquals(recorder.events, EVENTS, `split at bytes ${cut} and ${other}`);
      assertEquals(reader.offset, 100 + stream.length);
      assertEquals(recorder.values.map((value) => Array.from(value)), [
        [1, 2, 3],
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        [4],
        [5],
      ]);
    }
  }
});

Deno.test("FrameReader.offset is after the last whole frame", () => {
  const stream = concat(STREAM);
  const ends = STREAM.map((_, index) => concat(STREAM.slice(0, index + 1)).length);
  const reader = new FrameReader(new Recorder(), 0);
  for (let position = 0; position < stream.length; position++) {
    feed(reader, stream.subarray(position, position + 1), () => 1);
    const whole = ends.filter((end) => end <= position + 1).at(-1) ?? 0;
    assertEquals(reader.offset, whole, `after ${position + 1} bytes`);
  }
});

Deno.test("FrameReader does not overwrite bytes that its handler keeps", async () => {
  await forSeeds(12, (random) => {
    const frames: Bytes[] = [];
    const payloads: Bytes[] = [];
    for (let count = 0; count < 120; count++) {
      const large = random.chance(0.1);
      const size = random.integer(1, large ? 60_000 : random.chance(0.3) ? 5_000 : 50);
      const payload = crypto.getRandomValues(new Uint8Array(size));
      payloads.push(payload);
      if (size > MAX_VALUE_BYTES || random.chance(0.2)) {
        const cut = random.integer(1, size);
        const start = random.integer(0, size);
        const bufferSize = random.integer(0, size - start);
        frames.push(first(size, payload.subarray(0, cut), start, bufferSize));
        if (cut < size) frames.push(frame(FrameType.more, payload.subarray(cut)));
      } else {
        frames.push(frame(FrameType.value, payload));
      }
      if (random.chance(0.2)) frames.push(frame(FrameType.credit, new Uint8Array(8)));
    }
    const recorder = new Recorder();
    recorder.keeps = random.chance(0.8);
    const reader = new FrameReader(recorder, 0);
    const most = random.pick([1, 3, 100, 5_000, 100_000]);
    feed(reader, concat(frames), () => random.integer(1, most));
    assertEquals(recorder.values.length, payloads.length);
    for (const [index, value] of recorder.values.entries()) {
      const payload = payloads[index]!;
      assert(value.length === payload.length && value.every((byte, at) => byte === payload[at]));
    }
  });
});

Deno.test("FrameReader reads the pieces of a large value to their place, not through a chunk", () => {
  const piece = new Uint8Array(MAX_PIECE_BYTES - LAYOUT_BYTES);
  const begun = HEADER_BYTES + LAYOUT_BYTES;
  const reader = new FrameReader(new Recorder(), 0);
  feed(reader, first(2 * piece.length, piece).subarray(0, begun), () => Infinity);
  assertEquals(reader.target().length, piece.length);
  const apart = new FrameReader(new Recorder(), 0);
  const stream = first(2 * piece.length, piece, 5, 100_000);
  feed(apart, stream.subarray(0, begun), () => Infinity);
  const lengths: number[] = [];
  for (let at = begun; at < stream.length;) {
    const { length } = apart.target();
    lengths.push(length);
    apart.advance(length);
    at += length;
  }
  assertEquals(lengths, [5, 100_000, piece.length - 100_005]);
});

Deno.test("FrameReader reports how much of a piece is stored, as it arrives", () => {
  const told: [number, boolean][] = [];
  const recorder = new Recorder();
  recorder.piece = (filled, whole) => told.push([filled, whole]);
  const reader = new FrameReader(recorder, 0);
  let offset = 0;
  const bytes = first(100, new Uint8Array(50), 10, 20);
  for (const end of [17, 26, 27, bytes.length]) {
    feed(reader, bytes.subarray(offset, end), () => Infinity);
    offset = end;
  }
  const lasts = told.filter(([filled], index) => told[index + 1]?.[0] !== filled);
  assertEquals(lasts, [[1, false], [10, false], [11, false], [30, false], [50, true]]);
});

Deno.test("FrameReader keeps no large chunk for a quiet connection", () => {
  const reader = new FrameReader(new Recorder(), 0);
  assertEquals(reader.target().buffer.byteLength, 4096);
  feed(reader, frame(FrameType.ack, new Uint8Array(8)), () => Infinity);
  assertEquals(reader.target().length, 4096);
});

Deno.test("FrameReader ends at a fin, which is no part of the stream, and takes nothing after it", () => {
  const reader = new FrameReader(new Recorder(), 100);
  feed(reader, concat([frame(FrameType.ask), frame(FrameType.fin)]), () => Infinity);
  assertEquals([reader.ended, reader.offset], [true, 100 + HEADER_BYTES]);
  const more = () => feed(reader, frame(FrameType.ask), () => Infinity);
  assertThrows(more, ProtocolError, "data after the end of the connection");
});

Deno.test("FrameReader refuses invalid frames before it allocates memory for them", () => {
  const header = (type: number, length: number): Bytes => {
    const bytes = new Uint8Array(HEADER_BYTES);
    writeHeader(bytes, 0, type as FrameType, length);
    return bytes;
  };
  const table: [Bytes, string][] = [
    [header(0, 0), "an invalid frame of type 0, with 0 bytes"],
    [header(18, 0), "an invalid frame of type 18, with 0 bytes"],
    [header(FrameType.value, 0), "an invalid frame of type 1, with 0 bytes"],
    [header(FrameType.value, MAX_VALUE_BYTES + 1), "an invalid frame of type 1, with 32769 bytes"],
    [header(FrameType.more, 0xffffff), "an invalid frame of type 3, with 16777215 bytes"],
    [header(FrameType.credit, 3), "an invalid frame of type 11, with 3 bytes"],
    [header(FrameType.open, 3), "an invalid frame of type 8, with 3 bytes"],
    [header(FrameType.open, 260), "an invalid frame of type 8, with 260 bytes"],
    [header(FrameType.abort, MAX_VALUE_BYTES + 1), "an invalid frame of type 6, with 32769 bytes"],
    [header(FrameType.first, 12), "an invalid frame of type 2, with 12 bytes"],
    [first(9, new Uint8Array(1), 8, 2), "a value of 9 bytes with a buffer from 8 to 10"],
    [
      first(9, new Uint8Array(1), 2 ** 32 - 1, 2 ** 32 - 1),
      "a value of 9 bytes with a buffer from 4294967295 to 8589934590",
    ],
    [first(3, new Uint8Array(4)), "beyond the end"],
    [frame(FrameType.more, new Uint8Array(1)), "beyond the end"],
  ];
  for (const [bytes, message] of table) {
    const recorder = new Recorder();
    const reader = new FrameReader(recorder, 0);
    assertThrows(() => feed(reader, bytes, () => Infinity), ProtocolError, message);
    assertEquals(reader.offset, 0);
  }
});
