/** The output of a run, or of one of its processes, as lines: the last ones. */

import type { OutputFd } from "../../core/events.ts";
import type { Pid } from "../../core/pid.ts";
import { parseAnsi, PLAIN, type Span, type Style, textOf } from "./ansi.ts";

/** How many lines are kept. */
export const MAX_LINES = 20_000;

/** The longest line that is shown, in UTF-16 code units. */
export const MAX_LINE = 4_000;

/** One line. */
export interface OutputLine {
  /** Counts all lines of the run. */
  readonly number: number;
  /** `null` for what the system says. */
  readonly pid: Pid | null;
  readonly fd: OutputFd;
  readonly time: number;
  readonly spans: readonly Span[];
}

/** The end of a stream so far. */
interface Stream {
  /** The number of its unfinished line; `undefined` if the last one is finished. */
  open: number | undefined;
  /** The text of that line. */
  text: string;
  /** The style where that line begins. */
  style: Style;
}

export class Output {
  #lines: OutputLine[] = [];
  /** The number of the first line that is kept. */
  #first = 0;
  readonly #streams = new Map<string, Stream>();
  /** Whether the beginning is gone. */
  #cut = false;

  /** Whether lines before the first that is kept have been dropped. */
  get isCut(): boolean {
    return this.#cut;
  }

  get lines(): readonly OutputLine[] {
    return this.#lines;
  }

  /** Adds output of a process. */
  add(pid: Pid, fd: OutputFd, text: string, time: number): void {
    const key = `${fd} ${pid}`;
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      this.#streams.set(key, stream = { open: undefined, text: "", style: PLAIN });
    }
    const pieces = text.split("\n");
    for (const [index, piece] of pieces.entries()) {
      const isWhole = index < pieces.length - 1;
      if (!isWhole && piece === "") break;
      stream.text = (stream.text + piece).slice(0, MAX_LINE);
      const { spans, style } = parseAnsi(visible(stream.text), stream.style);
      stream.open = this.#put(stream.open, { pid, fd, time, spans });
      if (!isWhole) break;
      stream.open = undefined;
      stream.text = "";
      stream.style = style;
    }
    this.#trim();
  }

  /** Adds a line of the system. */
  say(text: string, time: number): void {
    this.#put(undefined, { pid: null, fd: 2, time, spans: [{ text, style: PLAIN }] });
    this.#trim();
  }

  /** A process has ended, and writes nothing more. */
  end(pid: Pid): void {
    this.#streams.delete(`1 ${pid}`);
    this.#streams.delete(`2 ${pid}`);
  }

  /** Replaces the line of that number, or adds one; returns its number. */
  #put(number: number | undefined, line: Omit<OutputLine, "number">): number {
    if (number !== undefined && number >= this.#first) {
      const at = number - this.#first;
      this.#lines[at] = { number, ...line, time: this.#lines[at]!.time };
      return number;
    }
    const next = this.#first + this.#lines.length;
    this.#lines.push({ number: next, ...line });
    return next;
  }

  /** A tenth more is kept than is needed, so that this is seldom. */
  #trim(): void {
    if (this.#lines.length <= MAX_LINES * 1.1) return;
    const gone = this.#lines.length - MAX_LINES;
    this.#lines = this.#lines.slice(gone);
    this.#first += gone;
    this.#cut = true;
  }
}

/** What a terminal shows of a line that is written over itself: what was written last. */
function visible(line: string): string {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  return text.slice(text.lastIndexOf("\r") + 1);
}

/** The lines of one process, or of all with `null`, that contain `query`, in whatever case. */
export function findLines(
  lines: readonly OutputLine[],
  { pid, query }: { readonly pid: Pid | null; readonly query: string },
): readonly OutputLine[] {
  if (pid === null && query === "") return lines;
  const wanted = query.toLowerCase();
  return lines.filter((line) =>
    (pid === null || line.pid === pid) &&
    (wanted === "" || textOf(line.spans).toLowerCase().includes(wanted))
  );
}
