/**
 * The bytes of a will: an index, and the data that it tells the sizes of, so that who delivers it need not hold it in
 * memory. docs/protocol.md describes them.
 */

import { isPid, type Pid } from "../core/pid.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import { KiB, MiB } from "../core/resources.ts";
import { type StoredBytes, StoredPart } from "../core/stored_bytes.ts";
import { decode } from "../codec/value_decoder.ts";
import { encode } from "../codec/value_encoder.ts";
import type { SavedPeer, StoredPeer } from "./peer.ts";
import type { SavedEntry, StoredEntry } from "./send_line.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The process that ended, and what it leaves to each of its peers. */
export interface Will {
  readonly pid: Pid;
  readonly peers: readonly SavedPeer[];
}

/** The same as it is read: the data stays where it is until it is needed. */
export interface StoredWill {
  readonly pid: Pid;
  readonly peers: readonly StoredPeer[];
}

/** The sizes of what the index describes. */
interface Index {
  readonly pid: Pid;
  readonly peers: readonly {
    readonly remote: Pid;
    readonly acked: number;
    readonly received: number;
    readonly frames: number;
    readonly opened: number;
    readonly current: number;
    readonly waiting: readonly {
      readonly number: number;
      readonly inFlight: number;
      readonly accepted: boolean;
      readonly bytes: number;
    }[];
  }[];
}

/** The largest index: of ten thousand processes, or a hundred thousand channels. */
const MAX_INDEX_BYTES = 8 * MiB;

const LENGTH_BYTES = 4;

/** Before each value: its kind, and its length. */
const ENTRY_BYTES = 5;

/** What may be in the queue of a channel. */
const Kind = { value: 0, begun: 1, end: 2 } as const;

/** Values are collected up to this size, so that many small ones are one write. */
const PART_BYTES = 64 * KiB;

/** How much is read at once to find small values. */
const READ_BYTES = 64 * KiB;

/** Returns the bytes of a will in parts, which follow each other. */
export function encodeWill({ pid, peers }: Will): Bytes[] {
  const data = new Parts();
  const described = peers.map(({ remote, acked, received, frames, channels }) => {
    data.add(frames);
    const { opened, current } = channels;
    const waiting = channels.waiting.map(({ entries, number, inFlight, accepted }) => {
      const before = data.size;
      for (const entry of entries) addEntry(entry, data);
      return { number, inFlight, accepted, bytes: data.size - before };
    });
    return { remote, acked, received, frames: frames.length, opened, current, waiting };
  });
  const index = encode({ pid, peers: described } satisfies Index);
  const start = new Uint8Array(LENGTH_BYTES + index.length);
  new DataView(start.buffer).setUint32(0, index.length, true);
  start.set(index, LENGTH_BYTES);
  return [start, ...data.done()];
}

function addEntry({ rest, begun }: SavedEntry, data: Parts): void {
  const head = new Uint8Array(ENTRY_BYTES);
  head[0] = rest === null ? Kind.end : begun ? Kind.begun : Kind.value;
  new DataView(head.buffer).setUint32(1, rest?.length ?? 0, true);
  data.add(head);
  if (rest !== null) data.add(rest);
}

/** Bytes that follow each other, in few parts. */
class Parts {
  readonly #parts: Bytes[] = [];
  #collected = new Uint8Array(PART_BYTES);
  #used = 0;
  size = 0;

  add(bytes: Bytes): void {
    this.size += bytes.length;
    if (bytes.length > this.#collected.length - this.#used) this.#flush();
    if (bytes.length > PART_BYTES / 2) {
      this.#flush();
      this.#parts.push(bytes);
      return;
    }
    this.#collected.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  done(): Bytes[] {
    this.#flush();
    return this.#parts;
  }

  #flush(): void {
    if (this.#used === 0) return;
    this.#parts.push(this.#collected.subarray(0, this.#used));
    this.#collected = new Uint8Array(PART_BYTES);
    this.#used = 0;
  }
}

/**
 * Reads the index of a will. Its data is read when it is needed, and is checked then.
 *
 * @throws {ProtocolError} If it is not a will.
 */
export function readWill(bytes: StoredBytes): StoredWill {
  if (bytes.size < LENGTH_BYTES) throw notAWill();
  const length = new DataView(readAt(bytes, 0, LENGTH_BYTES).buffer).getUint32(0, true);
  if (length > MAX_INDEX_BYTES || LENGTH_BYTES + length > bytes.size) throw notAWill();
  const index = decode(readAt(bytes, LENGTH_BYTES, length));
  if (!isIndex(index)) throw notAWill();
  let at = LENGTH_BYTES + length;
  const next = (size: number): StoredPart => {
    const part = new StoredPart(bytes, at, size);
    at += size;
    return part;
  };
  const peers = index.peers.map(({ remote, acked, received, opened, current, ...sizes }) => {
    const frames = next(sizes.frames);
    const waiting = sizes.waiting.map(({ bytes, ...channel }) => ({
      ...channel,
      entries: entriesOf(next(bytes)),
    }));
    return { remote, acked, received, frames, channels: { opened, current, waiting } };
  });
  if (at !== bytes.size) throw notAWill();
  return { pid: index.pid, peers };
}

/** The queued entries of a channel, read as they are asked for. */
function entriesOf(bytes: StoredPart): Iterable<StoredEntry> {
  return { [Symbol.iterator]: () => readEntries(bytes) };
}

/** @throws {ProtocolError} While it is read, if that is not what a channel had queued. */
function* readEntries(bytes: StoredPart): Generator<StoredEntry> {
  let [block, blockAt] = [new Uint8Array(), 0];
  for (let at = 0; at < bytes.size;) {
    if (bytes.size - at < ENTRY_BYTES) throw notAWill();
    if (at < blockAt || at + ENTRY_BYTES > blockAt + block.length) {
      block = readAt(bytes, at, Math.min(READ_BYTES, bytes.size - at));
      blockAt = at;
    }
    const view = new DataView(block.buffer, at - blockAt);
    const [kind, length] = [view.getUint8(0), view.getUint32(1, true)];
    at += ENTRY_BYTES;
    if (kind > Kind.end || length > bytes.size - at) throw notAWill();
    if (kind === Kind.end) yield { rest: null, begun: false };
    else {
      const from = at - blockAt;
      const isRead = from + length <= block.length;
      const source = isRead ? memoryBytes(block.subarray(from, from + length)) : bytes;
      const rest = new StoredPart(source, isRead ? 0 : at, length);
      yield { rest, begun: kind === Kind.begun };
    }
    at += length;
  }
}

/** Bytes in memory, as stored ones. */
export function memoryBytes(bytes: Bytes): StoredBytes {
  return {
    size: bytes.length,
    readInto: (target, at) => target.set(bytes.subarray(at, at + target.length)),
  };
}

function readAt(bytes: StoredBytes, at: number, size: number): Bytes {
  return new StoredPart(bytes, at, size).read();
}

function notAWill(): ProtocolError {
  return new ProtocolError("it is not a will");
}

function isIndex(value: unknown): value is Index {
  if (!isObject<Index>(value)) return false;
  return isPid(value.pid) && Array.isArray(value.peers) && value.peers.every(isPeer);
}

function isPeer(value: unknown): boolean {
  if (!isObject<Index["peers"][number]>(value)) return false;
  const { remote, acked, received, frames, opened, current, waiting } = value;
  return isPid(remote) && [acked, received, frames, opened].every(isCount) &&
    (isCount(current) || current === -1) && Array.isArray(waiting) && waiting.every(isChannel);
}

function isChannel(value: unknown): boolean {
  if (!isObject<Index["peers"][number]["waiting"][number]>(value)) return false;
  const { number, inFlight, accepted, bytes } = value;
  return [number, inFlight, bytes].every(isCount) && typeof accepted === "boolean";
}

function isObject<Type>(value: unknown): value is Partial<Type> {
  return typeof value === "object" && value !== null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
