/** The filters of the streams of all processes that a terminal shows. */

import type { OutputFd } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";
import { TerminalFilter, type TerminalFilterOptions } from "./terminal_filter.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Where the streams go. */
export interface FilteredStreams {
  /** Whether both go to stdout. */
  readonly interleaved: boolean;
  /** Which places are terminals. @default none, so that nothing is filtered */
  readonly filtered?: Readonly<Record<OutputFd, boolean>> | undefined;
}

/** A {@linkcode TerminalFilter} for each stream that goes to a terminal. */
export class TerminalFilters {
  readonly #streams: FilteredStreams;
  readonly #options: TerminalFilterOptions;
  readonly #filters: Readonly<Record<OutputFd, Map<Pid, TerminalFilter>>> = {
    1: new Map(),
    2: new Map(),
  };

  constructor(streams: FilteredStreams, options: TerminalFilterOptions) {
    this.#streams = streams;
    this.#options = options;
  }

  /** What of a piece of a stream is shown. */
  pass(pid: Pid, fd: OutputFd, bytes: Bytes): Bytes {
    const { filtered, interleaved } = this.#streams;
    if (bytes.length === 0 || filtered?.[interleaved ? 1 : fd] !== true) return bytes;
    const filters = this.#filters[fd];
    let filter = filters.get(pid);
    if (filter === undefined) {
      filter = new TerminalFilter(this.#options);
      filters.set(pid, filter);
    }
    return filter.pass(bytes);
  }

  /** A process has ended, and nothing more of it comes. */
  delete(pid: Pid): void {
    for (const filters of [this.#filters[1], this.#filters[2]]) filters.delete(pid);
  }
}
