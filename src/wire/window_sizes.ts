/** The sizes of a channel's window: how much one process holds for another, and how much it leaves. */

/**
 * The window of a channel: how many bytes may be in flight or unread. A `value` frame counts with its
 * header, so that small values do not cost their receiver more than this; a piece counts without its
 * header.
 */
export const WINDOW_BYTES = 1024 * 1024;

/** The window of a channel without a Receiver; also its largest value. */
export const FIRST_WINDOW_BYTES = 64 * 1024;

/** How many channels without a Receiver a process holds per peer. */
export const MAX_UNRECEIVED_CHANNELS = 1_000;

/** A receiver gives credit in portions of this size, not per value. */
export const CREDIT_BYTES = WINDOW_BYTES / 8;

/** The largest will: what a process may leave to be delivered in its name. */
export const MAX_WILL_BYTES = 1024 * 1024 * 1024;
