/** Shows a run to whoever started it: a formatter and the screen, put together. */

import type { RunEventSink } from "../core/events.ts";
import { HumanFormatter } from "./human.ts";
import { JsonFormatter } from "./json.ts";
import { LinesFormatter } from "./lines.ts";
import type { OutputFormat } from "./formats.ts";
import { type ByteTarget, sameTarget, Screen } from "./screen.ts";
import type { Formatter } from "./segment.ts";

/** What a terminal shows, and where. */
export interface TerminalOptions {
  readonly format: OutputFormat;
  /** Whether names are in colour. @default if stderr is a terminal and `NO_COLOR` is unset */
  readonly colors?: boolean;
  /** Whether stdout and stderr are the same place. @default as this program's own are */
  readonly interleaved?: boolean;
  /** @default Deno.stdout */
  readonly stdout?: ByteTarget;
  /** @default Deno.stderr */
  readonly stderr?: ByteTarget;
}

/** A run's output, as its user sees it. */
export interface Terminal {
  /**
   * Shows an event. Resolves when all of it is written.
   *
   * @throws If stdout or stderr fails in another way than having no reader, such as a full disk.
   */
  readonly sink: RunEventSink;
  /** Shows a line that is none of the run's, for people: not on stdout, in the json format. */
  remark(line: string): Promise<void>;
  /**
   * Resolves when stdout is found to have no reader any more, as in `main.ts | head -1`. From then on, what
   * is for stdout is dropped; who runs the program may want to end it, as a shell would by SIGPIPE.
   */
  readonly stdoutGone: Promise<void>;
}

/** Makes a terminal for one run. */
export function createTerminal(options: TerminalOptions): Terminal {
  const screen = new Screen(options);
  const formatter = createFormatter(options);
  return {
    sink: (event) => screen.write(formatter.format(event)),
    remark: (line) => screen.write([formatter.remark(line)]),
    stdoutGone: screen.stdoutGone,
  };
}

function createFormatter(options: TerminalOptions): Formatter {
  if (options.format === "json") return new JsonFormatter();
  const colors = options.colors ?? (Deno.stderr.isTerminal() && !Deno.noColor);
  const interleaved = options.interleaved ?? sameTarget();
  if (options.format === "human") return new HumanFormatter({ colors, interleaved });
  // Titles are on both streams, and whoever searches one of them wants no escape sequences.
  return new LinesFormatter({ colors: colors && interleaved, interleaved });
}

/** Writes what is no event of a run, as it is; if nobody reads it, nothing happens. */
export async function writeRaw(
  target: { readonly writable: WritableStream<Uint8Array<ArrayBuffer>> },
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const writer = target.writable.getWriter();
  await writer.write(bytes).catch(() => {}); // nobody reads it
  writer.releaseLock();
}
