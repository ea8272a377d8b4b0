/** Text of others on a line of ours: nothing in it can act on a terminal, or look like a line of its own. */

/** The most characters of a line that others have a part in. */
export const MAX_LINE_CHARACTERS = 1_000;

/**
 * Control characters of both sets, what else separates lines, and what changes the direction of text.
 */
const HIDDEN = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/**
 * The same for a whole text of several lines, as in an error that lists some: newlines and tabs stay.
 */
const HIDDEN_IN_LINES = /(?![\n\t])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** What JSON leaves as it is, and a terminal need not. */
const HIDDEN_IN_JSON = /[\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** A text with each control character as its escape, as in `\x1b[2J`, and newlines and tabs as they are. */
export function visible(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(HIDDEN_IN_LINES, escaped);
}

/** The same, of at most {@linkcode MAX_LINE_CHARACTERS}, with newlines as ` | `: `a | b`. */
export function visibleLine(text: string): string {
  const shown = cut(text).replaceAll(/\r?\n/g, " | ").replaceAll(HIDDEN, escaped);
  // Escapes take more room than what they stand for.
  return cut(shown);
}

/** A name, as short as it is: with U+FFFD in place of each such character. */
export function visibleName(name: string): string {
  return cut(name).replaceAll(HIDDEN, "\ufffd");
}

/**
 * A value as JSON on one line, which means the same and acts on no terminal: JSON itself leaves the control characters
 * of the second set as they are, and what changes the direction of text.
 */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    HIDDEN_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A text, or as much of it as is allowed of a line. */
export function cut(text: string): string {
  return text.length <= MAX_LINE_CHARACTERS
    ? text
    : `${text.slice(0, MAX_LINE_CHARACTERS - 1)}\u2026`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
}
