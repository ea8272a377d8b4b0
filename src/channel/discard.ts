/** What comes for a process that has ended, and can take nothing any more. */

import type { ReceiveQueue } from "./receive_queue.ts";

/** Where the channel frames of a stream go. */
export type Arrivals = Pick<
  ReceiveQueue,
  "value" | "begin" | "pieceTarget" | "piece" | "cancel" | "end"
>;

/**
 * Lets all go by. A value may be in the middle of its pieces when the process ends, so that nothing
 * can be said against a piece of no value.
 */
export const discard: Arrivals = {
  value: () => false,
  begin: () => {},
  pieceTarget: (_filled, left) => new Uint8Array(left),
  piece: () => {},
  cancel: () => {},
  end: () => {},
};
