/**
 * What a program printed, for a page: the escape sequences for colours and styles as values, and all other
 * control characters left out. The text itself is only ever shown as text.
 */

/** How text looks. A colour is an index of the 256-colour palette, or `#rrggbb`. */
export interface Style {
  readonly fg?: number | string;
  readonly bg?: number | string;
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly italic?: boolean;
  readonly underline?: boolean;
  readonly inverse?: boolean;
  readonly strike?: boolean;
}

/** Text in one style. */
export interface Span {
  readonly text: string;
  readonly style: Style;
}

export const PLAIN: Style = {};

/** CSI sequences, OSC and other strings with their end, and other escapes. */
const SEQUENCE = new RegExp(
  [
    String.raw`\x1b\[([0-9:;<=>?]*)[ -/]*([@-~])`,
    String.raw`\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?`,
    String.raw`\x1b[ -/]*[0-~]?`,
  ].join("|"),
  "g",
);
// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Takes a line apart; `style` is that of the text before it. Returns also the style of the text after it. */
export function parseAnsi(line: string, style: Style = PLAIN): { spans: Span[]; style: Style } {
  const spans: Span[] = [];
  const add = (text: string) => {
    const shown = text.replace(CONTROLS, "");
    if (shown !== "") spans.push({ text: shown, style });
  };
  let from = 0;
  for (const match of line.matchAll(SEQUENCE)) {
    add(line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === "m") style = restyled(style, match[1] ?? "");
  }
  add(line.slice(from));
  return { spans, style };
}

/** The text of spans. */
export function textOf(spans: readonly Span[]): string {
  return spans.map(({ text }) => text).join("");
}

/** The style after a sequence with these parameters. */
function restyled(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number);
  let next: Record<string, unknown> = { ...style };
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at]!;
    if (code === 0) next = {};
    else if (code === 38 || code === 48) {
      const { color, length } = longColor(codes, at + 1);
      if (color !== undefined) next[code === 38 ? "fg" : "bg"] = color;
      at += length;
    } else Object.assign(next, changeOf(code));
  }
  // Absent, rather than off, so that equal styles are equal values.
  return Object.fromEntries(
    Object.entries(next).filter(([, value]) => value !== undefined && value !== false),
  );
}

function changeOf(code: number): Record<string, unknown> {
  switch (code) {
    case 1:
      return { bold: true };
    case 2:
      return { dim: true };
    case 3:
      return { italic: true };
    case 4:
      return { underline: true };
    case 7:
      return { inverse: true };
    case 9:
      return { strike: true };
    case 22:
      return { bold: false, dim: false };
    case 23:
      return { italic: false };
    case 24:
      return { underline: false };
    case 27:
      return { inverse: false };
    case 29:
      return { strike: false };
    case 39:
      return { fg: undefined };
    case 49:
      return { bg: undefined };
  }
  if (code >= 30 && code <= 37) return { fg: code - 30 };
  if (code >= 40 && code <= 47) return { bg: code - 40 };
  if (code >= 90 && code <= 97) return { fg: code - 90 + 8 };
  if (code >= 100 && code <= 107) return { bg: code - 100 + 8 };
  return {};
}

/** A colour in several parameters, from `at` on, and how many there are. */
function longColor(
  codes: readonly number[],
  at: number,
): { color: number | string | undefined; length: number } {
  if (codes[at] === 5) {
    const index = codes[at + 1];
    return { color: isByte(index) ? index : undefined, length: 2 };
  }
  if (codes[at] !== 2) return { color: undefined, length: 0 };
  const parts = codes.slice(at + 1, at + 4);
  if (parts.length < 3 || !parts.every(isByte)) return { color: undefined, length: 4 };
  return {
    color: `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`,
    length: 4,
  };
}

function isByte(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= 255;
}

/** The steps of the 6 × 6 × 6 cube of the 256-colour palette. */
const STEPS = [0, 95, 135, 175, 215, 255];

/** A colour of the 256-colour palette from 16 on as `#rrggbb`; the first 16 are up to the page. */
export function paletteColor(index: number): string {
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  if (index >= 232) return `#${hex(8 + (index - 232) * 10).repeat(3)}`;
  const cube = index - 16;
  return `#${
    [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((step) => hex(STEPS[step]!))
      .join("")
  }`;
}
