/** The log of a run: its events in their order, each with a number. */

import type { EventRecord } from "./event_record.ts";

/** Some events of a log that follow each other. */
export interface LogPart {
  /** The number of the first of them. */
  readonly from: number;
  readonly records: readonly EventRecord[];
}

/**
 * An append-only list of events, numbered from 0 in the order in which they were appended. The number
 * of an event is its offset; it never changes.
 *
 * A log is bounded. It drops its oldest events once it has been told that they may be dropped.
 */
export interface RunLog {
  /** The offset of the oldest remaining event; `end` if there is none. */
  readonly start: number;
  /** The offset of the event that is appended next. */
  readonly end: number;
  /**
   * Adds an event at the end. The record belongs to the log. Returns a promise if the log cannot keep up;
   * it resolves when the log can take more.
   */
  append(record: EventRecord): Promise<void> | undefined;
  /**
   * The events from `offset` on, or from `start` if that is later: at least one if there is one, and
   * about as many as fit into `maxBytes`.
   */
  read(offset: number, maxBytes: number): LogPart | Promise<LogPart>;
  /** The size of all events from `offset` on, in bytes; roughly. */
  bytesFrom(offset: number): number;
  /** Events before `offset` may be dropped when room is needed: no viewer still needs them. */
  release(offset: number): void;
  /** Resolves when everything appended is stored as durably as this log can, and closes it. */
  close(): Promise<void>;
}
