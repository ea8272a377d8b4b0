/** The format for people: each line under the process that wrote it. */

import type { OutputFd, RunEvent } from "../core/events.ts";
import { formatStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import { countNewlines } from "./count_newlines.ts";
import { CutCharacters } from "./cut_characters.ts";
import { processName } from "./process_name.ts";
import type { Formatter, Segment } from "./segment.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const INDENT = "   ";
const SPACE = 0x20;
const NEWLINE = 0x0a;

/** A copy by the engine costs as much as one of this many bytes in a loop. */
const LOOP_COPY_BYTES = 64;

const encoder = new TextEncoder();

/** What a {@linkcode HumanFormatter} has to know of the terminal. */
export interface HumanFormatterOptions {
  /** Whether names are in colour. */
  readonly colors: boolean;
  /**
   * Whether stdout and stderr are shown at the same place, so that their order matters. Then all
   * segments are for stdout; otherwise each is for its own stream. What is shown is the same.
   */
  readonly interleaved: boolean;
}

/**
 * Formats a run's events for people.
 *
 * Headings, indents, `spawned:` and `exited` lines, and the newline that ends an unfinished line
 * before something else is shown, are for stderr; what a process wrote is for the stream it wrote it
 * to. So what stdout is given is exactly what the processes wrote to it. Every line is indented, empty
 * ones too. What is held in memory does not grow with the length of a line.
 */
export class HumanFormatter implements Formatter {
  readonly #colors: boolean;
  readonly #interleaved: boolean;
  readonly #cut = new CutCharacters();
  /** The process whose heading was shown last. */
  #shown: Pid | undefined;
  /** Whether the last line on the screen is not finished. */
  #lineOpen = false;
  /** The same of what stderr was given, which others may read alone. */
  #stderrOpen = false;

  constructor(options: HumanFormatterOptions) {
    this.#colors = options.colors;
    this.#interleaved = options.interleaved;
  }

  format(event: RunEvent): Segment[] {
    switch (event.event) {
      case "spawn":
        // Nobody spawned the first process, and its heading comes with what it writes.
        if (event.parent === null) return [];
        return [this.#note(event.parent, `spawned: ${this.#name(event.pid)}`)];
      case "output":
        return this.#written(event.pid, event.fd, this.#cut.join(event.pid, event.fd, event.bytes));
      case "eof":
        return this.#written(event.pid, event.fd, this.#cut.rest(event.pid, event.fd));
      case "exit": {
        const status = formatStatus(event.status);
        return [
          ...this.#written(event.pid, 1, this.#cut.rest(event.pid, 1)),
          ...this.#written(event.pid, 2, this.#cut.rest(event.pid, 2)),
          this.#note(event.pid, status === "" ? "exited" : `exited: ${status}`),
        ];
      }
      case "said":
        return [this.remark(`deploy: ${event.text}`)];
      case "noticed":
        return [];
    }
  }

  remark(text: string): Segment {
    const open = this.#interleaved ? this.#lineOpen : this.#stderrOpen || this.#lineOpen;
    this.#lineOpen = this.#stderrOpen = false;
    // Whatever comes next is not of the remark.
    this.#shown = undefined;
    const line = `${open ? "\n" : ""}${text}\n`;
    return { fd: this.#interleaved ? 1 : 2, bytes: encoder.encode(line) };
  }

  #name(pid: Pid): string {
    return processName(pid, { colors: this.#colors });
  }

  /** Makes `pid` the process that is shown; gives what that takes on the screen. */
  #switchTo(pid: Pid): string {
    if (this.#shown === pid) return "";
    this.#shown = pid;
    return `${this.#endLine()}${processName(pid, { colors: this.#colors, heading: true })}:\n`;
  }

  #endLine(): string {
    if (!this.#lineOpen) return "";
    this.#lineOpen = false;
    return "\n";
  }

  /** A line about `pid`, under its heading. */
  #note(pid: Pid, text: string): Segment {
    const line = `${this.#switchTo(pid)}${this.#endLine()}${INDENT}${text}\n`;
    this.#stderrOpen = false;
    return { fd: this.#interleaved ? 1 : 2, bytes: encoder.encode(line) };
  }

  /** What `pid` wrote to `fd`. */
  #written(pid: Pid, fd: OutputFd, bytes: Bytes): Segment[] {
    if (bytes.length === 0) return [];
    const heading = encoder.encode(this.#switchTo(pid));
    const startsLine = !this.#lineOpen;
    this.#lineOpen = bytes[bytes.length - 1] !== NEWLINE;
    const indents = INDENT.length * countLineStarts(bytes, startsLine);
    if (this.#interleaved || fd === 2) {
      this.#stderrOpen = this.#lineOpen;
      const shown = new Uint8Array(heading.length + indents + bytes.length);
      shown.set(heading);
      copyIndented(bytes, startsLine, shown, heading.length);
      return [{ fd: this.#interleaved ? 1 : 2, bytes: shown }];
    }
    // Nobody sees how the two streams lie to each other, so stdout is given the bytes as they are.
    const written: Segment = { fd: 1, bytes };
    if (heading.length + indents === 0) return [written];
    this.#stderrOpen = true;
    const around = new Uint8Array(heading.length + indents).fill(SPACE, heading.length);
    around.set(heading);
    return [{ fd: 2, bytes: around }, written];
  }
}

/** How many lines begin in `bytes`. A newline at its end begins none: nothing of the next is there. */
function countLineStarts(bytes: Bytes, startsLine: boolean): number {
  return (startsLine ? 1 : 0) + countNewlines(bytes.subarray(0, -1));
}

/** Copies `bytes` to `target` at `position`, with an indent where a line begins. */
function copyIndented(bytes: Bytes, startsLine: boolean, target: Bytes, position: number): void {
  let indent = startsLine;
  for (let start = 0; start < bytes.length;) {
    let end = start;
    while (end < bytes.length && bytes[end] !== NEWLINE) end++;
    if (end < bytes.length) end++;
    if (indent) {
      for (let count = 0; count < INDENT.length; count++) target[position++] = SPACE;
    }
    if (end - start < LOOP_COPY_BYTES) {
      for (let index = start; index < end; index++) target[position++] = bytes[index] ?? 0;
    } else {
      target.set(bytes.subarray(start, end), position);
      position += end - start;
    }
    start = end;
    indent = true;
  }
}
