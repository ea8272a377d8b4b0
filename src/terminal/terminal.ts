/** Shows a run to its user: a formatter and the screen combined. */

import type { OutputFd, RunEventSink } from "../core/events.ts";
import { visible } from "../core/visible.ts";
import { terminalColumns } from "./columns.ts";
import { HumanFormatter } from "./human.ts";
import { JsonFormatter } from "./json.ts";
import { LinesFormatter } from "./lines.ts";
import type { OutputFormat } from "./formats.ts";
import { type ByteTarget, sameTarget, Screen } from "./screen.ts";
import type { Formatter } from "./segment.ts";
import { TerminalFilter } from "./terminal_filter.ts";

/** Options of a terminal. */
export interface TerminalOptions {
  readonly format: OutputFormat;
  /** Whether what programs write is passed on to a terminal as it is. @default false */
  readonly raw?: boolean;
  /** Which of the two streams are terminals. @default as they are of this program */
  readonly terminals?: Readonly<Record<OutputFd, boolean>>;
  /** Whether names are in colour. @default whether stderr is a terminal and `NO_COLOR` is unset */
  readonly colors?: boolean;
  /** Whether stdout and stderr are the same place. @default whether this program's own are */
  readonly interleaved?: boolean;
  /** @default Deno.stdout */
  readonly stdout?: ByteTarget;
  /** @default Deno.stderr */
  readonly stderr?: ByteTarget;
}

/** The display of a run. */
export interface Terminal {
  /**
   * Shows an event. Resolves when all of it is written.
   *
   * @throws If stdout or stderr fails for another reason than a missing reader, such as a full disk.
   */
  readonly sink: RunEventSink;
  /**
   * Shows a message for people that is not part of the run; not on stdout in the json format. Names in it may be of
   * others: control characters are shown as such.
   */
  remark(line: string): Promise<void>;
  /** Shows that so many events before the next one are missing; in the json format as an event of its own. */
  missing(events: number): Promise<void>;
  /**
   * Resolves when stdout is found to have lost its reader, as in `main.ts | head -1`. From then on, output
   * for stdout is dropped; the caller may want to end the program, as a shell would by SIGPIPE.
   */
  readonly stdoutGone: Promise<void>;
}

/** Makes a terminal for one run. */
export function createTerminal(options: TerminalOptions): Terminal {
  const screen = new Screen(options);
  const formatter = createFormatter(options);
  return {
    sink: (event) => screen.write(formatter.format(event)),
    missing: (events) => screen.write([formatter.missing(events)]),
    remark: (line) => screen.write([formatter.remark(visible(line))]),
    stdoutGone: screen.stdoutGone,
  };
}

function createFormatter(options: TerminalOptions): Formatter {
  if (options.format === "json") return new JsonFormatter();
  const colors = options.colors ?? (Deno.stderr.isTerminal() && !Deno.noColor);
  const interleaved = options.interleaved ?? sameTarget();
  const filtered = options.raw === true ? undefined : options.terminals ?? ownTerminals();
  if (options.format === "human") {
    return new HumanFormatter({ colors, interleaved, filtered, columns: terminalColumns });
  }
  // Titles are on both streams, and a search in one of them should not meet escape sequences.
  return new LinesFormatter({ colors: colors && interleaved, interleaved, filtered });
}

function ownTerminals(): Readonly<Record<OutputFd, boolean>> {
  return { 1: Deno.stdout.isTerminal(), 2: Deno.stderr.isTerminal() };
}

/**
 * Writes what a program that became no run has written; does nothing if the stream has no reader. A terminal
 * gets it as {@linkcode TerminalFilter} lets it through, unless `raw`.
 */
export async function writeOutput(
  target: {
    readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;
    isTerminal(): boolean;
  },
  bytes: Uint8Array<ArrayBuffer>,
  { raw = false }: { raw?: boolean } = {},
): Promise<void> {
  const isFiltered = !raw && target.isTerminal();
  await writeRaw(target, isFiltered ? new TerminalFilter({ rewrites: true }).pass(bytes) : bytes);
}

/** Writes text of our own that is not part of a run; does nothing if the stream has no reader. */
export async function writeRaw(
  target: { readonly writable: WritableStream<Uint8Array<ArrayBuffer>> },
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const writer = target.writable.getWriter();
  await writer.write(bytes).catch(() => {}); // it has no reader
  writer.releaseLock();
}
