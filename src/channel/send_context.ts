/** What the channels to one peer have in common, as one of them uses it. */

import type { Hold } from "./hold.ts";
import type { Outbox } from "./outbox.ts";

export interface SendContext<Channel> {
  readonly outbox: Outbox;
  readonly hold: Hold;
  /** There is something to write. Pieces may be asked for before this returns. */
  written(): void;
  /** A piece of the channel's first value may be sent: the channel gets a turn. */
  ready(channel: Channel): void;
  /** The change in the number of queued values and ends. */
  readonly lined: (change: number) => void;
  /** Something stands in line of a channel that is not open: it is opened as soon as it may be, or fails. */
  admit(channel: Channel): void;
  /** Nothing follows on the channel. */
  over(channel: Channel): void;
}
