/** The format for people: each line under the process that wrote it. */

import type { OutputFd, RunEvent } from "../core/events.ts";
import { formatStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import { CutCharacters } from "./cut_characters.ts";
import { type Cursor, cursorAfter, INDENT, indented } from "./indent.ts";
import { ProcessNames } from "./process_title.ts";
import type { Formatter, Segment } from "./segment.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

/** What a {@linkcode HumanFormatter} has to know of the terminal. */
export interface HumanFormatterOptions {
  /** Whether titles of processes are in colour. */
  readonly colors: boolean;
  /**
   * Whether stdout and stderr are shown at the same place, so that their order matters. Then all
   * segments are for stdout. Otherwise each is for its own stream, and stdout's do not count for what
   * stands where stderr is shown.
   */
  readonly interleaved: boolean;
}

/**
 * Formats a run's events for people.
 *
 * Headings, indents, `spawned:` and `exited` lines, and the newline that ends an unfinished line
 * before something else is shown, are for stderr; what a process wrote is for the stream it wrote it
 * to. So what stdout is given is exactly what the processes wrote to it, and what stderr is given, where
 * stdout is another place, is headings and lines of stderr alone, each once and whole. Every line is
 * indented, empty ones too. What is held in memory does not grow with the length of a line.
 */
export class HumanFormatter implements Formatter {
  readonly #colors: boolean;
  readonly #interleaved: boolean;
  readonly #cut = new CutCharacters();
  readonly #names = new ProcessNames();
  /** The process whose heading was shown last. */
  #shown: Pid | undefined;
  /** Where the cursor is, at the place of headings. */
  #cursor: Cursor = "start";

  constructor(options: HumanFormatterOptions) {
    this.#colors = options.colors;
    this.#interleaved = options.interleaved;
  }

  format(event: RunEvent): Segment[] {
    switch (event.event) {
      case "spawn":
        this.#names.add(event.pid, event.name);
        // Nobody spawned the first process, and its heading comes with what it writes.
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
        const status = formatStatus(event.status);
        const segments = [
          ...this.#written(event.pid, 1, this.#cut.rest(event.pid, 1)),
          ...this.#written(event.pid, 2, this.#cut.rest(event.pid, 2)),
          this.#note(event.pid, status === "" ? "exited" : `exited: ${status}`),
        ];
        this.#names.delete(event.pid);
        return segments;
      }
      case "said":
        return [this.remark(`deploy: ${event.text}`)];
      case "noticed":
        return [];
    }
  }

  remark(text: string): Segment {
    const line = `${this.#endLine()}${text}\n`;
    // Whatever comes next is not of the remark.
    this.#shown = undefined;
    return this.#beside(line);
  }

  /** Makes `pid` the process that is shown; gives what that takes on the screen. */
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

  /** What no process wrote. */
  #beside(text: string): Segment {
    return { fd: this.#interleaved ? 1 : 2, bytes: encoder.encode(text) };
  }

  /** What `pid` wrote to `fd`. */
  #written(pid: Pid, fd: OutputFd, bytes: Bytes): Segment[] {
    if (bytes.length === 0) return [];
    // Nobody sees how the two streams lie to each other, so stdout is given the bytes as they are.
    if (fd === 1 && !this.#interleaved) return [{ fd, bytes }];
    const heading = encoder.encode(this.#switchTo(pid));
    const shown = indented(bytes, this.#cursor, heading);
    this.#cursor = cursorAfter(bytes);
    return [{ fd: this.#interleaved ? 1 : 2, bytes: shown }];
  }
}
