/** Discards the data of a channel without a receiver, or for a process that has ended. */

import type { Layout } from "../wire/frame.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The target of the frames of one channel. */
export interface Arrivals {
  /** See {@linkcode FrameHandler}. */
  value(bytes: Bytes, start: number, end: number): boolean;
  begin(layout: Layout): void;
  pieceTarget(filled: number, left: number): Bytes;
  piece(filled: number, whole: boolean): void;
  /** The value of which pieces have arrived is cancelled. */
  cancel(): void;
}

const SCRATCH_BYTES = 64 * 1024;
let scratch: Bytes | undefined;

/**
 * Discards everything. A value may be dropped in the middle of its pieces, so a piece without a value is
 * not an error.
 */
export const discard: Arrivals = {
  value: () => false,
  begin: () => {},
  pieceTarget: (_filled, left) => {
    scratch ??= new Uint8Array(SCRATCH_BYTES);
    return scratch.subarray(0, left);
  },
  piece: () => {},
  cancel: () => {},
};
