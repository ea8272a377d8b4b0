/** The width of the terminal, and how much of it a text takes. */

/** The width of this program's terminal, as it is now; `undefined` if it has none, or none is known. */
export function terminalColumns(): number | undefined {
  try {
    const { columns } = Deno.consoleSize();
    return columns > 0 ? columns : undefined;
  } catch {
    // None of the standard streams is a terminal.
    return undefined;
  }
}

/** The same, only where stdout is a terminal: for what is written there. */
export function stdoutColumns(): number | undefined {
  return Deno.stdout.isTerminal() ? terminalColumns() : undefined;
}

/** Sequences that move nothing forward: colours and other settings, and titles and links. */
// deno-lint-ignore no-control-regex -- escape sequences are what is looked for
const SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])/g;

/** Characters that take no column, and those that take two. */
const NARROW = /[\p{Cc}\p{Mn}\p{Me}\p{Cf}]/u;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** How many columns a text takes, without newlines and returns. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text.replaceAll(SEQUENCE, "")) {
    if (character >= " " && character < "\x7f") columns++;
    else if (!NARROW.test(character)) columns += WIDE.test(character) ? 2 : 1;
  }
  return columns;
}
