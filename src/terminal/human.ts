/** The format for people: each line appears under the process that wrote it. */

import type { OutputFd, RunEvent } from "../core/events.ts";
import { formatStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import { visibleLine } from "../core/visible.ts";
import { CutCharacters } from "./cut_characters.ts";
import { cutSequenceLength } from "./cut_sequences.ts";
import { type Cursor, cursorAfter, INDENT, indented } from "./indent.ts";
import { ProcessNames } from "./process_title.ts";
import { type Formatter, missingText, type Segment } from "./segment.ts";
import { type FilteredStreams, TerminalFilters } from "./terminal_filters.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

/** The properties of the terminal that a {@linkcode HumanFormatter} uses. */
export interface HumanFormatterOptions {
  /** Whether titles of processes are in colour. */
  readonly colors: boolean;
  /**
   * Whether stdout and stderr are shown at the same place, so that their order matters. Then all
   * segments go to stdout. Otherwise each goes to its own stream, and those of stdout do not affect what
   * is shown on stderr.
   */
  readonly interleaved: boolean;
  /** Which of the two streams are terminals, and to be kept from what programs could do to them. */
  readonly filtered?: FilteredStreams["filtered"];
  /** The width of the terminal, if there is one. */
  readonly columns?: () => number | undefined;
}

/**
 * Formats a run's events for people.
 *
 * Headings, indents, `spawned:` and `exited` lines, and the newline that ends an unfinished line
 * before something else is shown, go to stderr; what a process wrote goes to the stream it wrote it
 * to. So stdout gets exactly what the processes wrote to it, and stderr, where
 * stdout is another place, gets only headings and lines of stderr, each once and complete. Every line is
 * indented, including empty ones, but a line that is written over and would not fit the terminal with all of
 * its indent has less. The memory used does not grow with the length of a line.
 */
export class HumanFormatter implements Formatter {
  readonly #colors: boolean;
  readonly #interleaved: boolean;
  readonly #columns: (() => number | undefined) | undefined;
  readonly #cut = new CutCharacters(cutSequenceLength);
  readonly #filters: TerminalFilters;
  readonly #names = new ProcessNames();
  /** The process whose heading was shown last. */
  #shown: Pid | undefined;
  /** The cursor's place where headings are shown. */
  #cursor: Cursor = "start";

  constructor(options: HumanFormatterOptions) {
    this.#colors = options.colors;
    this.#interleaved = options.interleaved;
    this.#columns = options.columns;
    this.#filters = new TerminalFilters(options, {
      rewrites: true,
      ...(options.columns === undefined ? {} : { columns: options.columns }),
    });
  }

  format(event: RunEvent): Segment[] {
    switch (event.event) {
      case "spawn":
        this.#names.add(event.pid, event.name);
        // The first process has no parent, and its heading comes with its first output.
        if (event.parent === null) return [];
        return [
          this.#note(
            event.parent,
            `spawned: ${this.#names.title(event.pid, { colors: this.#colors })}`,
          ),
        ];
      case "output":
        return this.#written(event.pid, event.fd, this.#cut.join(event.pid, event.fd, event.bytes));
      case "eof":
        return this.#written(event.pid, event.fd, this.#cut.rest(event.pid, event.fd));
      case "exit": {
        const status = visibleLine(formatStatus(event.status));
        const segments = [
          ...this.#written(event.pid, 1, this.#cut.rest(event.pid, 1)),
          ...this.#written(event.pid, 2, this.#cut.rest(event.pid, 2)),
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
    const line = `${this.#endLine()}${text}\n`;
    // The next output needs a heading again.
    this.#shown = undefined;
    return this.#beside(line);
  }

  /** Makes `pid` the process that is shown; returns the text for that. */
  #switchTo(pid: Pid): string {
    if (this.#shown === pid) return "";
    this.#shown = pid;
    const title = this.#names.title(pid, { colors: this.#colors, heading: true });
    return `${this.#endLine()}${title}:\n`;
  }

  #endLine(): string {
    if (this.#cursor === "start") return "";
    this.#cursor = "start";
    return "\n";
  }

  /** A line about `pid`, under its heading. */
  #note(pid: Pid, text: string): Segment {
    return this.#beside(`${this.#switchTo(pid)}${this.#endLine()}${INDENT}${text}\n`);
  }

  /** Text that no process wrote. */
  #beside(text: string): Segment {
    return { fd: this.#interleaved ? 1 : 2, bytes: encoder.encode(text) };
  }

  /** Output of `pid` on `fd`. */
  #written(pid: Pid, fd: OutputFd, written: Bytes): Segment[] {
    const bytes = this.#filters.pass(pid, fd, written);
    if (bytes.length === 0) return [];
    // The order of the two streams is not visible, so stdout gets the bytes unchanged.
    if (fd === 1 && !this.#interleaved) return [{ fd, bytes }];
    const heading = encoder.encode(this.#switchTo(pid));
    const shown = indented(bytes, this.#cursor, heading, this.#columns);
    this.#cursor = cursorAfter(bytes);
    return [{ fd: this.#interleaved ? 1 : 2, bytes: shown }];
  }
}
