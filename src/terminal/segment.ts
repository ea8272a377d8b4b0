/** What a formatter makes of an event: bytes, and where they go. */

import type { OutputFd, RunEvent } from "../core/events.ts";

/** Bytes for one of the terminal's own output streams: 1 is stdout, 2 is stderr. */
export interface Segment {
  readonly fd: OutputFd;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Turns the events of a run into what is shown of them. */
export interface Formatter {
  /**
   * Gives what `event` adds to the screen: none, one or several segments, none of them empty, each
   * to be written after those before it and after those of earlier events.
   */
  format(event: RunEvent): Segment[];
  /** Gives a line for people that is none of the run's: on a line of its own, and not among data. */
  remark(text: string): Segment;
}
