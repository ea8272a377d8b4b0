/** How the processes of a program are told whether what they write is shown in colour. */

import type { OutputFormat } from "./formats.ts";

/** The variables that programs of all kinds read, the stronger one first. */
const NAMES = ["NO_COLOR", "FORCE_COLOR"] as const;

/**
 * The variables for the processes of a run: `FORCE_COLOR=1` if all that they write is shown on a
 * terminal, and `NO_COLOR=1` otherwise. Where the user has set one of the two, that is passed on.
 *
 * A process writes to a pipe, so it cannot see for itself what is at the end of it.
 *
 * @param variable What is set here; an empty one counts as not set.
 * @param isTerminal Whether both stdout and stderr are terminals: a file that one of them may be is to
 * have no escape sequences.
 */
export function colorVariables(
  format: OutputFormat,
  variable: (name: string) => string | undefined,
  isTerminal: boolean,
): Record<string, string> {
  const given: [string, string][] = [];
  for (const name of NAMES) {
    const value = variable(name);
    if (value !== undefined && value !== "") given.push([name, value]);
  }
  if (given.length > 0) return Object.fromEntries(given);
  return isTerminal && format !== "json" ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" };
}

/** Whether both output streams of this OS process are terminals. */
export function isOnTerminal(): boolean {
  return Deno.stdout.isTerminal() && Deno.stderr.isTerminal();
}
