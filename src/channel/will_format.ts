/**
 * The bytes of a will, as a process writes them: an index, and the data that it tells the sizes of. docs/protocol.md
 * describes them; will_reader.ts reads them.
 */

import type { Pid } from "../core/pid.ts";
import { KiB } from "../core/resources.ts";
import { encode } from "../codec/value_encoder.ts";
import type { SavedEntry, SavedPeer } from "./saved_peer.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The process that ended, and what it leaves to each of its peers. */
export interface Will {
  readonly pid: Pid;
  readonly peers: readonly SavedPeer[];
}

/** The index of a will, with the sizes of what it describes. */
export interface WillIndex {
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

/** The length of the index, before it. */
export const LENGTH_BYTES = 4;

/** Before each value: its kind, and its length. */
export const ENTRY_BYTES = 5;

/** What may be in the queue of a channel. */
export const Kind = { value: 0, begun: 1, end: 2 } as const;

/** Values are collected up to this size, so that many small ones are one write. */
const PART_BYTES = 64 * KiB;

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
  const index = encode({ pid, peers: described } satisfies WillIndex);
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
