/** The state of a peer as a value, which outlives its process: what that leaves to the peer, in its will. */

import type { Pid } from "../core/pid.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What a process leaves to another one. */
export interface SavedPeer {
  readonly remote: Pid;
  /** The offset up to which the other process has acknowledged the outgoing stream. */
  readonly acked: number;
  /** The stream from there on. */
  readonly frames: Bytes;
  /** The offset up to which the other stream has arrived. */
  readonly received: number;
  readonly channels: SavedChannels;
}

/** The channels to it. */
export interface SavedChannels {
  /** How many have been opened. */
  readonly opened: number;
  /** The number of the current one, after the frames; -1 if there is none. */
  readonly current: number;
  /** Those with queued entries. */
  readonly waiting: readonly SavedChannel[];
}

/** A channel with queued entries. */
export interface SavedChannel {
  readonly number: number;
  readonly inFlight: number;
  /** Whether there is a Receiver for it. */
  readonly accepted: boolean;
  readonly entries: readonly SavedEntry[];
}

/** A queued value, or the rest of it; or, if `rest` is `null`, the channel's end. */
export interface SavedEntry {
  readonly rest: Bytes | null;
  /** Whether a piece of it was sent. */
  readonly begun: boolean;
}
