/**
 * Reads a will: its index at once, the data that this tells the sizes of when it is needed, so that who delivers it
 * need not hold it in memory. Processes only write wills, and do not load this module.
 */

import { isPid, type Pid } from "../core/pid.ts";
import { ProtocolError } from "../core/errors.ts";
import { KiB, MiB } from "../core/resources.ts";
import { type StoredBytes, StoredPart } from "../core/stored_bytes.ts";
import { decode } from "../codec/value_decoder.ts";
import { LeftEntries, type StoredEntry } from "./left_entries.ts";
import type { StoredPeer } from "./stored_peer.ts";
import { ENTRY_BYTES, Kind, LENGTH_BYTES, type WillIndex } from "./will_format.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A will as it is read: the data stays where it is until it is needed. */
export interface StoredWill {
  /** The process that ended. */
  readonly pid: Pid;
  readonly peers: readonly StoredPeer[];
}

/** The largest index: of ten thousand processes, or a hundred thousand channels. */
const MAX_INDEX_BYTES = 8 * MiB;

/** How much is read at once to find small values. */
const READ_BYTES = 64 * KiB;

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
      left: leftEntries(next(bytes)),
    }));
    return { remote, acked, received, frames, channels: { opened, current, waiting } };
  });
  if (at !== bytes.size) throw notAWill();
  return { pid: index.pid, peers };
}

/** The queued entries of a channel, read as they are asked for. */
function leftEntries(bytes: StoredPart): LeftEntries {
  return new LeftEntries({ [Symbol.iterator]: () => readEntries(bytes) });
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

function isIndex(value: unknown): value is WillIndex {
  if (!isObject<WillIndex>(value)) return false;
  return isPid(value.pid) && Array.isArray(value.peers) && value.peers.every(isPeer);
}

function isPeer(value: unknown): boolean {
  if (!isObject<WillIndex["peers"][number]>(value)) return false;
  const { remote, acked, received, frames, opened, current, waiting } = value;
  return isPid(remote) && [acked, received, frames, opened].every(isCount) &&
    (isCount(current) || current === -1) && Array.isArray(waiting) && waiting.every(isChannel);
}

function isChannel(value: unknown): boolean {
  if (!isObject<WillIndex["peers"][number]["waiting"][number]>(value)) return false;
  const { number, inFlight, accepted, bytes } = value;
  return [number, inFlight, bytes].every(isCount) && typeof accepted === "boolean";
}

function isObject<Type>(value: unknown): value is Partial<Type> {
  return typeof value === "object" && value !== null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
