/** The variables that tell a program's processes whether to write colours. */

import type { OutputFormat } from "./formats.ts";

/** The conventional variables; the first has precedence. */
const NAMES = ["NO_COLOR", "FORCE_COLOR"] as const;

/**
 * The variables for the processes of a run: `FORCE_COLOR=1` if all their output is shown on a
 * terminal, and `NO_COLOR=1` otherwise. If the user has set one of the two, that one is passed on.
 *
 * A process writes to a pipe, so it cannot detect the terminal itself.
 *
 * @param variable Reads a variable of this process; an empty one counts as unset.
 * @param isTerminal Whether both stdout and stderr are terminals: if one is a file, it must not
 * get escape sequences.
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
