// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Outbox } from "../../src/channel/outbox.ts";
import { memoryBytes } from "../../src/channel/will_reader.ts";
import { StoredPart } from "../../src/core/stored_bytes.ts";
import { FrameType, HEADER_BYTES, MAX_VALUE_BYTES, writeHeader } from "../../src/wire/frame.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { forSeeds, type Random } from "./random.ts";

type Bytes = Uint8Array<ArrayBuffer>;

function isSame(left: Bytes, right: Bytes): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}

/** Puts a frame into the outbox; returns the bytes that will be written for it. */
function put(outbox: Outbox, random: Random): Bytes {
  const payload = (max: number): Bytes => {
    const bytes = new Uint8Array(random.integer(1, max));
    return bytes.fill(random.integer(0, 255));
  };
  const frame = (type: FrameType, ...parts: Bytes[]): Bytes => {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const bytes = new Uint8Array(HEADER_BYTES + length);
    let position = writeHeader(bytes, 0, type, length);
    for (const part of parts) {
      bytes.set(part, position);
      position += part.length;
    }
    return bytes;
  };
  const way = random.next();
  if (way < 0.5) {
    const bytes = payload(random.chance(0.2) ? MAX_VALUE_BYTES : 100);
    let room = outbox.reserve(false);
    if (room.bytes.length - room.position < bytes.length) {
      if (random.chance(0.1)) room = outbox.reserve(false); // cancelled, and requested again
      room = outbox.reserve(true);
    }
    room.bytes.set(bytes, room.position);
    outbox.commit(room.position + bytes.length);
    return frame(FrameType.value, bytes);
  }
  if (way < 0.6) {
    outbox.reserve(random.chance(0.5)); // the value cannot be sent
    return new Uint8Array(0);
  }
  if (way < 0.8) {
    const bytes = random.chance(0.5) ? new Uint8Array(0) : payload(200);
    outbox.append(FrameType.value, bytes);
    return frame(FrameType.value, bytes);
  }
  if (way < 0.9) {
    const bytes = random.chance(0.1)
      ? new Uint8Array(64 * 1024).fill(3)
      : payload(random.chance(0.1) ? 200_000 : 5_000);
    if (random.chance(0.5)) {
      outbox.appendFrame(frame(FrameType.first, bytes));
      return frame(FrameType.first, bytes);
    }
    outbox.appendOwned(FrameType.more, bytes);
    return frame(FrameType.more, bytes);
  }
  outbox.appendUint32(FrameType.credit, 77);
  return frame(FrameType.credit, new Uint8Array([77, 0, 0, 0]));
}

Deno.test("Outbox returns every byte once, in order, and again from a given offset", async () => {
  await forSeeds(60, (random) => {
    const begin = random.pick([0, 0, 12_345]);
    const outbox = new Outbox(begin);
    let all: Bytes = new Uint8Array(0);
    let sent = begin;
    let acked = begin;
    // The highest offset that any connection has written.
    let everSent = begin;
    let frames: number[] = [begin];
    for (let step = 0; step < 200; step++) {
      const action = random.next();
      if (action < 0.5) {
        const bytes = put(outbox, random);
        const longer = new Uint8Array(all.length + bytes.length);
        longer.set(all);
        longer.set(bytes, all.length);
        all = longer;
        if (bytes.length > 0) frames.push(begin + all.length);
      } else if (action < 0.8) {
        const bytes = outbox.next();
        const left = begin + all.length - sent;
        assertEquals(bytes === undefined, left === 0);
        if (bytes === undefined) continue;
        const expected = all.subarray(sent - begin, sent - begin + bytes.length);
        assert(isSame(bytes, expected), `bytes from ${sent} on`);
        const count = random.chance(0.5) ? bytes.length : random.integer(1, bytes.length);
        // Written bytes may be acknowledged before the write itself resolves.
        if (random.chance(0.3)) {
          const reached = frames.filter((offset) => offset <= sent + count).at(-1)!;
          outbox.ack(reached);
          acked = Math.max(acked, reached);
        }
        outbox.wrote(count);
        sent += count;
        everSent = Math.max(everSent, sent);
      } else if (action < 0.95) {
        const reached = frames.filter((offset) => offset <= sent);
        const offset = random.pick(reached);
        outbox.ack(offset);
        acked = Math.max(acked, offset);
      } else {
        const offset = random.pick(frames.filter((end) => end >= acked && end <= everSent));
        outbox.rewind(offset);
        acked = offset;
        sent = offset;
      }
      frames = frames.filter((offset) => offset >= acked);
      assertEquals(outbox.acked, acked);
      assertEquals(outbox.end, begin + all.length);
      assertEquals(outbox.unwritten, begin + all.length - sent);
      if (step % 10 === 0) {
        const kept = outbox.unacked();
        const expected = all.subarray(acked - begin);
        assert(isSame(kept, expected), "unacked bytes");
      }
    }
  });
});

Deno.test("Outbox.rewind() goes back to any frame that is not acknowledged", () => {
  for (let acked = 0; acked <= 5; acked++) {
    for (let rewound = acked; rewound <= 5; rewound++) {
      const outbox = new Outbox();
      for (let frame = 0; frame < 5; frame++) outbox.appendUint32(FrameType.credit, frame);
      outbox.wrote(outbox.next()!.length);
      outbox.ack(acked * 8);
      outbox.rewind(rewound * 8);
      const numbers = Array.from(outbox.next() ?? []).filter((_, index) => index % 8 === 4);
      assertEquals(numbers, [0, 1, 2, 3, 4].slice(rewound), `ack ${acked}, rewind ${rewound}`);
    }
  }
});

Deno.test("Outbox.rewind() goes on where an earlier connection than the last one had come to", () => {
  const outbox = new Outbox();
  for (let frame = 0; frame < 3; frame++) outbox.appendUint32(FrameType.credit, frame);
  outbox.wrote(outbox.next()!.length);
  // An old attempt: the peer sent its greeting before it had received anything. It ends at once.
  outbox.rewind(0);
  assertThrows(() => outbox.ack(8), ProtocolError, "only 0 bytes were written");
  outbox.rewind(16);
  assertEquals(Array.from(outbox.next()!), [FrameType.credit, 4, 0, 0, 2, 0, 0, 0]);
});

Deno.test("Outbox refuses an impossible ack or rewind", () => {
  const outbox = new Outbox();
  outbox.append(FrameType.end);
  assertThrows(() => outbox.ack(4), ProtocolError, "an ack of 4, but only 0 bytes were written");
  outbox.next();
  outbox.ack(4); // taken for writing, which may complete late
  assertThrows(() => outbox.wrote(3), ProtocolError, "an ack of 4, but only 3 bytes were written");
  assertThrows(() => outbox.rewind(3), ProtocolError, "it resumes at 3, but has acknowledged 4");
  assertThrows(() => outbox.rewind(5), ProtocolError, "it resumes at 5, but only 4 bytes were");
  assertThrows(() => outbox.ack(NaN), ProtocolError, "an ack of NaN");
  assertThrows(() => outbox.rewind(NaN), ProtocolError, "it resumes at NaN");
});

Deno.test("Outbox.vital is true for unacknowledged values and ends only", () => {
  const vital: FrameType[] = [
    ...[FrameType.value, FrameType.first, FrameType.more],
    ...[FrameType.cancel, FrameType.end, FrameType.abort],
  ];
  for (const type of Object.values(FrameType)) {
    const outbox = new Outbox();
    outbox.append(type);
    outbox.append(FrameType.ask);
    assertEquals(outbox.vital, vital.includes(type), `type ${type}`);
    outbox.wrote(outbox.next()!.length);
    outbox.ack(4);
    assertEquals(outbox.vital, false, `type ${type}, acknowledged`);
  }
});

Deno.test("Outbox keeps no chunk of its own for each piece of a large value", () => {
  const outbox = new Outbox();
  const piece = new Uint8Array(1_000);
  for (let count = 0; count < 100; count++) {
    outbox.appendOwned(FrameType.more, piece);
  }
  let allocated = 0;
  const buffers = new Set<ArrayBuffer>([piece.buffer]);
  for (let bytes = outbox.next(); bytes !== undefined; bytes = outbox.next()) {
    if (!buffers.has(bytes.buffer)) allocated += bytes.buffer.byteLength;
    buffers.add(bytes.buffer);
    outbox.wrote(bytes.length);
  }
  assert(allocated <= 100 * 64 + 4096, `${allocated} bytes for headers`);
});

Deno.test("Outbox does not take a value's bytes for a chunk to be filled", () => {
  const outbox = new Outbox();
  const owned = new Uint8Array(64 * 1024);
  for (let count = 0; count < 3; count++) {
    outbox.appendOwned(FrameType.first, owned);
    while (outbox.next() !== undefined) outbox.wrote(outbox.next()!.length);
    outbox.ack(outbox.end);
    outbox.append(FrameType.value, new Uint8Array(100).fill(1));
    outbox.append(FrameType.value, new Uint8Array(60_000).fill(1));
  }
  assert(owned.every((byte) => byte === 0));
});

function stored(bytes: Uint8Array<ArrayBuffer>): StoredPart {
  return new StoredPart(memoryBytes(bytes), 0, bytes.length);
}

Deno.test("Outbox.restore() continues with the frames of another outbox", () => {
  const first = new Outbox();
  first.append(FrameType.value, new Uint8Array([1]));
  first.append(FrameType.value, new Uint8Array([2]));
  first.wrote(first.next()!.length);
  first.ack(5);
  for (const offset of [5, 10]) {
    const second = new Outbox(5);
    second.restore(stored(first.unacked()), -1);
    second.append(FrameType.value, new Uint8Array([3]));
    second.rewind(offset);
    const out: number[] = [];
    for (let bytes = second.next(); bytes !== undefined; bytes = second.next()) {
      out.push(...bytes);
      second.wrote(bytes.length);
    }
    const two = [1, 1, 0, 0, 2];
    assertEquals(out, [...(offset === 5 ? two : []), 1, 1, 0, 0, 3]);
  }
  const empty = new Outbox(7);
  empty.restore(stored(new Uint8Array(0)), -1);
  assertEquals(empty.next(), undefined);
  empty.append(FrameType.end);
  assertEquals(Array.from(empty.next()!), [5, 0, 0, 0]);
});

Deno.test("Outbox.acknowledged() waits for the frames at the time of the call", async () => {
  const outbox = new Outbox();
  const resolved: string[] = [];
  const wait = (name: string) => void outbox.acknowledged().then(() => resolved.push(name));
  wait("nothing");
  for (const name of ["one", "two", "three", "four"]) {
    outbox.append(FrameType.end);
    wait(name);
  }
  const steps: [() => void, string[]][] = [
    [() => {}, ["nothing"]],
    [() => outbox.next(), ["nothing"]],
    [() => outbox.ack(4), ["nothing", "one"]],
    [() => outbox.rewind(8), ["nothing", "one", "two"]],
    [() => outbox.abandon(), ["nothing", "one", "two", "three", "four"]],
  ];
  for (const [step, names] of steps) {
    step();
    await Promise.resolve();
    assertEquals(resolved, names);
    assertEquals(outbox.awaited, names.length < 5);
  }
});
