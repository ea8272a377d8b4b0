/** The format for `grep`: every line is prefixed with its process. */

import type { OutputFd, RunEvent } from "../core/events.ts";
import { formatStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import { visibleLine } from "../core/visible.ts";
import { countNewlines } from "./count_newlines.ts";
import { cutSequenceLength } from "./cut_sequences.ts";
import { ProcessNames } from "./process_title.ts";
import { type Formatter, missingText, type Segment } from "./segment.ts";
import { type FilteredStreams, TerminalFilters } from "./terminal_filters.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const NEWLINE = 0x0a;

/** Longer lines are split: this much of one is held in memory for each stream of each process. */
export const MAX_LINE_BYTES = 65_536;

const encoder = new TextEncoder();

/** The properties of the terminal that a {@linkcode LinesFormatter} uses. */
export interface LinesFormatterOptions {
  /** Whether titles of processes are in colour. */
  readonly colors: boolean;
  /** Whether stdout and stderr are one place, so that their order matters: then all goes to stdout. */
  readonly interleaved: boolean;
  /** Which of the two streams are terminals, and to be kept from what programs could do to them. */
  readonly filtered?: FilteredStreams["filtered"];
}

/**
 * Formats a run's events as whole lines: `8a3be21 worker | hello` for what a process wrote, and
 * `8a3be21 worker * exited` for messages about it.
 *
 * What a process wrote to stdout goes to stdout, everything else to stderr. A line is shown when it is
 * complete, or its stream has ended. One of more than {@linkcode MAX_LINE_BYTES} is split, but not
 * within a character or an escape sequence.
 */
export class LinesFormatter implements Formatter {
  readonly #options: LinesFormatterOptions;
  readonly #names = new ProcessNames();
  readonly #filters: TerminalFilters;
  /** The incomplete lines. */
  readonly #held = new Map<string, HeldLine>();

  constructor(options: LinesFormatterOptions) {
    this.#options = options;
    this.#filters = new TerminalFilters(options, { rewrites: false });
  }

  format(event: RunEvent): Segment[] {
    switch (event.event) {
      case "spawn": {
        this.#names.add(event.pid, event.name);
        if (event.parent === null) return [];
        return [this.#note(event.parent, `spawned: ${this.#title(event.pid)}`)];
      }
      case "output":
        return this.#output(event.pid, event.fd, event.bytes);
      case "eof":
        return this.#rest(event.pid, event.fd);
      case "exit": {
        const status = visibleLine(formatStatus(event.status));
        const segments = [
          ...this.#rest(event.pid, 1),
          ...this.#rest(event.pid, 2),
          this.#note(event.pid, status === "" ? "exited" : `exited: ${status}`),
        ];
        this.#names.delete(event.pid);
        this.#filters.delete(event.pid);
        return segments;
      }
      case "said":
        return [this.remark(`deploy: ${visibleLine(event.text)}`)];
      case "noticed":
        return [];
    }
  }

  missing(events: number): Segment {
    return this.remark(missingText(events));
  }

  remark(text: string): Segment {
    return this.#segment(2, encoder.encode(`${text}\n`));
  }

  #title(pid: Pid): string {
    return this.#names.title(pid, this.#options);
  }

  #note(pid: Pid, text: string): Segment {
    return this.remark(`${this.#title(pid)} * ${text}`);
  }

  #output(pid: Pid, fd: OutputFd, bytes: Bytes): Segment[] {
    const key = `${fd} ${pid}`;
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    const held = this.#held.get(key);
    const lines: Bytes[] = [];
    if (end > 0) {
      // Only the first line can have begun in an earlier chunk.
      const first = held === undefined || held.length === 0 ? 0 : bytes.indexOf(NEWLINE) + 1;
      if (first > 0) lines.push(...held!.add(bytes.subarray(0, first)));
      if (end > first) lines.push(...cutLongLines(bytes.subarray(first, end)));
    }
    if (end < bytes.length) {
      const rest = held ?? new HeldLine();
      this.#held.set(key, rest);
      lines.push(...rest.add(bytes.subarray(end)));
    }
    return this.#prefixed(pid, fd, lines);
  }

  /** The incomplete last line of a stream that has ended. */
  #rest(pid: Pid, fd: OutputFd): Segment[] {
    const key = `${fd} ${pid}`;
    const held = this.#held.get(key);
    if (held === undefined) return [];
    this.#held.delete(key);
    return this.#prefixed(pid, fd, held.length === 0 ? [] : [held.finish()]);
  }

  /** `lines` are whole lines, each with its newline. */
  #prefixed(pid: Pid, fd: OutputFd, lines: readonly Bytes[]): Segment[] {
    if (lines.length === 0) return [];
    const prefix = encoder.encode(`${this.#title(pid)} | `);
    return lines.map((bytes) =>
      this.#segment(fd, withPrefix(prefix, this.#filters.pass(pid, fd, bytes)))
    );
  }

  #segment(fd: OutputFd, bytes: Bytes): Segment {
    return { fd: this.#options.interleaved ? 1 : fd, bytes };
  }
}

/** The beginning of a line, in a buffer that grows up to the maximum line. */
class HeldLine {
  #buffer: Bytes = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds bytes with at most one newline, at their end; returns the lines completed by them. */
  add(bytes: Bytes): Bytes[] {
    const lines: Bytes[] = [];
    const end = bytes[bytes.length - 1] === NEWLINE ? bytes.length - 1 : bytes.length;
    for (let start = 0; start < end;) {
      if (this.#length === MAX_LINE_BYTES) lines.push(this.#cut());
      const part = bytes.subarray(start, Math.min(end, start + MAX_LINE_BYTES - this.#length));
      this.#keep(part);
      start += part.length;
    }
    if (end < bytes.length) lines.push(this.finish());
    return lines;
  }

  /** The line so far, terminated. */
  finish(): Bytes {
    return this.#take(this.#length);
  }

  /** A line of the bytes so far, without an incomplete character or escape sequence. */
  #cut(): Bytes {
    return this.#take(this.#length - cutSequenceLength(this.#buffer.subarray(0, this.#length)));
  }

  /** A line of the first `length` bytes. */
  #take(length: number): Bytes {
    const line = new Uint8Array(length + 1);
    line.set(this.#buffer.subarray(0, length));
    line[length] = NEWLINE;
    this.#buffer.copyWithin(0, length, this.#length);
    this.#length -= length;
    return line;
  }

  #keep(bytes: Bytes): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#buffer.length));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = length;
  }
}

/** Whole lines, unchanged if none can be too long. */
function cutLongLines(bytes: Bytes): Bytes[] {
  if (bytes.length <= MAX_LINE_BYTES) return [bytes];
  const lines: Bytes[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, start) + 1;
    lines.push(...new HeldLine().add(bytes.subarray(start, end)));
    start = end;
  }
  return lines;
}

function withPrefix(prefix: Bytes, lines: Bytes): Bytes {
  const shown = new Uint8Array(lines.length + countNewlines(lines) * prefix.length);
  for (let start = 0, position = 0; start < lines.length;) {
    const end = lines.indexOf(NEWLINE, start) + 1;
    shown.set(prefix, position);
    shown.set(lines.subarray(start, end), position + prefix.length);
    position += prefix.length + end - start;
    start = end;
  }
  return shown;
}
