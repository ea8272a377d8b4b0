/** The variables by which a program's processes know the terminal that shows them: they write to pipes. */

import type { OutputFormat } from "./formats.ts";
import { INDENT } from "./indent.ts";

/** Variables that describe a terminal, and the language of who sits at it. */
const DESCRIBING = [
  "TERM",
  "COLORTERM",
  "LANG",
  "LANGUAGE",
  "LC_ALL",
  "LC_COLLATE",
  "LC_CTYPE",
  "LC_MESSAGES",
  "LC_MONETARY",
  "LC_NUMERIC",
  "LC_TIME",
] as const;

/** The variables among them that are set here: a process on another machine does not inherit them. */
export function describingVariables(
  variable: (name: string) => string | undefined,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of DESCRIBING) {
    const value = variable(name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/**
 * `COLUMNS`, which says how wide a line of a process's output can be. It is the user's if there is one, and otherwise
 * what the terminal leaves beside the indent; none where no terminal shows it.
 *
 * @param columns The width of the terminal that stdout is; `undefined` if it is none.
 */
export function widthVariables(
  format: OutputFormat,
  variable: (name: string) => string | undefined,
  columns: number | undefined,
): Record<string, string> {
  const given = variable("COLUMNS");
  if (given !== undefined && given !== "") return { COLUMNS: given };
  if (columns === undefined || format !== "human") return {};
  return { COLUMNS: String(Math.max(columns - INDENT.length, 1)) };
}
