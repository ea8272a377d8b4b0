/** The output of a formatter: bytes for stdout or stderr. */

import type { OutputFd, RunEvent } from "../core/events.ts";

/** Bytes for one of the terminal's output streams: 1 is stdout, 2 is stderr. */
export interface Segment {
  readonly fd: OutputFd;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Formats the events of a run for display. */
export interface Formatter {
  /**
   * Returns the segments that `event` adds to the screen: any number, none of them empty, each
   * to be written after those before it and after those of earlier events.
   */
  format(event: RunEvent): Segment[];
  /** Returns a message for people that is not part of the run: on a line of its own, and not among data. */
  remark(text: string): Segment;
  /** Returns the note that so many events, which came before the next one, are not there any more. */
  missing(events: number): Segment;
}

/** What a person is told about missing events. */
export function missingText(events: number): string {
  const what = events === 1 ? "1 event is" : `${events} events are`;
  return `deploy: ${what} no longer kept`;
}
