/** What comes on a channel that nobody receives, or for a process that has ended. */

import type { Layout } from "../wire/frame.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Where the frames of one channel go. */
export interface Arrivals {
  /** See {@linkcode FrameHandler}. */
  value(bytes: Bytes, start: number, end: number): boolean;
  begin(layout: Layout): void;
  pieceTarget(filled: number, left: number): Bytes;
  piece(filled: number, whole: boolean): void;
  /** The value of which pieces have come is not coming. */
  cancel(): void;
}

const SCRATCH_BYTES = 64 * 1024;
let scratch: Bytes | undefined;

/**
 * Lets all go by. A value may be in the middle of its pieces when nobody wants it any more, so that
 * nothing can be said against a piece of no value.
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
