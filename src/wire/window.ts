/** How much one process may hold for another one: the sizes of a channel's window. */

/**
 * How many bytes one channel may have on their way or unread: its window. A `value` frame counts with
 * its header, so that small values cost their receiver no more than this; of a piece, its bytes count.
 */
export const WINDOW_BYTES = 1024 * 1024;

/** The window of a channel as long as there is no Receiver for it; also its largest value. */
export const FIRST_WINDOW_BYTES = 64 * 1024;

/** How many channels of one peer a process holds for which it has made no Receiver. */
export const MAX_UNRECEIVED_CHANNELS = 1_000;

/** A receiver gives credit in portions of this size, not for each value. */
export const CREDIT_BYTES = WINDOW_BYTES / 8;
