/** The state of a peer as the node of a process that has ended reads it, which delivers the rest in its name. */

import type { StoredPart } from "../core/stored_bytes.ts";
import type { LeftEntries } from "./left_entries.ts";
import type { SavedChannel, SavedChannels, SavedPeer } from "./saved_peer.ts";

/** A {@linkcode SavedPeer} whose data is stored. */
export interface StoredPeer extends Omit<SavedPeer, "frames" | "channels"> {
  readonly frames: StoredPart;
  readonly channels: StoredChannels;
}

/** {@linkcode SavedChannels} whose entries are stored. */
export interface StoredChannels extends Omit<SavedChannels, "waiting"> {
  readonly waiting: readonly StoredChannel[];
}

/** A {@linkcode SavedChannel} whose entries are stored. */
export interface StoredChannel extends Omit<SavedChannel, "entries"> {
  readonly left: LeftEntries;
}
