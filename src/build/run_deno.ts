/** Runs the user's deno, and reduces its errors to one line. */

import { messageOf } from "../core/errors.ts";
import { BuildError } from "./build_error.ts";
import type { Entry } from "./entry.ts";

/** A task for deno, and the program it is for. */
export interface DenoTask {
  /** The path of deno. */
  readonly deno: string;
  readonly args: readonly string[];
  readonly entry: Entry;
  /** Environment variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Kills deno and rejects when aborted. */
  readonly signal?: AbortSignal;
  /** Replaces deno's message for an error that it recognizes in deno's output. */
  explain(output: string): string | undefined;
}

/**
 * At the first use of its cache, deno puts the executable of its bundler there. Another deno that does the same
 * just then fails, with the system's words for a file that is being run or written.
 */
const BUSY = /\bText file busy\b/;

/** After how long deno is run again, and how often at most: copying the executable takes a second on a busy disk. */
const BUSY_MS = 100;
const MAX_BUSY = 100;

/**
 * Runs deno in the program's folder, where it looks for its configuration, and returns what it wrote to
 * stdout.
 *
 * @throws {BuildError} If deno cannot be run, or fails.
 */
export async function runDeno(task: DenoTask): Promise<Uint8Array<ArrayBuffer>> {
  const { entry } = task;
  for (let busy = 0;; busy++) {
    const output = await outputOf(task);
    if (output.success) return output.stdout;
    const details = withoutBacktrace(new TextDecoder().decode(output.stderr));
    if (BUSY.test(details) && busy < MAX_BUSY) {
      await new Promise((resolve) => setTimeout(resolve, BUSY_MS));
      continue;
    }
    const said = task.explain(details)?.replaceAll(`${entry.rootUrl}/`, "") ??
      firstError(details, entry) ?? `deno ${task.args[0]} ended with exit code ${output.code}`;
    throw new BuildError(`Cannot build ${entry.shown}: ${said}`, { details });
  }
}

async function outputOf(task: DenoTask): Promise<Deno.CommandOutput> {
  const { deno, entry, signal } = task;
  // Not every version of Deno checks whether the signal is already aborted.
  signal?.throwIfAborted();
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(deno, {
      args: [...task.args],
      cwd: entry.folder,
      env: { ...task.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", DENO_NO_PROMPT: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...(signal === undefined ? {} : { signal }),
    }).output();
  } catch (cause) {
    const reason = messageOf(cause);
    throw new BuildError(`Cannot build ${entry.shown}: ${deno} cannot be run: ${reason}`, {
      cause,
    });
  }
  signal?.throwIfAborted();
  return output;
}

/** The stack of deno's own code says nothing about the program. */
function withoutBacktrace(text: string): string {
  return text.replace(/\n+Stack backtrace:\n[^]*$/, "").trim();
}

/** Deno's first error and its place, with paths relative to the project. */
function firstError(text: string, entry: Entry): string | undefined {
  const found = /^error: (.+)$/m.exec(text);
  if (found === null) return undefined;
  const place = /^ +at (file:\S+:\d+:\d+)$/m.exec(text.slice(found.index))?.[1];
  const line = place === undefined ? found[1] ?? "" : `${found[1]} at ${place}`;
  return line.replaceAll(`${entry.rootUrl}/`, "").replace(/\.$/, "");
}
