/**
 * Reads JavaScript as esbuild prints it, and tells its code from the contents of strings, templates, regular
 * expressions and comments. It relies on that printer in one respect: it puts spaces around a division.
 */

/**
 * - `name`: an identifier or keyword, `#private` names included.
 * - `literal`: a string, number, regular expression, or template without substitutions.
 * - `mark`: a bracket, a comma, an operator. Adjacent characters of operators are one token.
 * - `head`, `middle`, `tail`: the parts of a template around its substitutions, with `${` and `}`.
 */
export type TokenKind = "name" | "literal" | "mark" | "head" | "middle" | "tail";

/** A token. Comments and spaces are none. */
export interface Token {
  readonly kind: TokenKind;
  /** Its characters. */
  readonly text: string;
  /** The offset of its first character. */
  readonly start: number;
  /** The offset behind its last character. */
  readonly end: number;
}

const SPACE = /\s+/y;
const NAME = /[#@\w$\\\u0080-\uffff][\w$\\\u0080-\uffff{}]*/y;
const PLAIN_NAME = /[#\w$\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\.?\d[\w.]*/y;
const OPERATOR = /[=<>!+\-*%&|^~?:]+|\.\.\.|[^]/y;
const COMMENT = /\/\/[^\n]*|\/\*[^]*?\*\//y;
const STRING = /"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'/y;
const REGULAR_EXPRESSION = /\/(?:[^\/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
/** The text of a template up to its end or its next substitution. */
const TEMPLATE = /(?:[^`\\$]|\\[^]|\$(?!\{))*(?:`|\$\{)/y;

/** Keywords that an expression may follow, and so a regular expression. */
const BEFORE_EXPRESSION = new Set(
  ("await case default delete do else extends in instanceof new of return throw typeof void yield")
    .split(" "),
);

/** The tokens of `code`. A `#!` line is none. */
export function readTokens(code: string): Token[] {
  const tokens: Token[] = [];
  /** For each open `{`, whether it begins a substitution. */
  const open: boolean[] = [];
  let at = code.startsWith("#!") ? Math.max(code.indexOf("\n"), 0) : 0;
  const match = (pattern: RegExp, from = at): number => {
    pattern.lastIndex = from;
    return pattern.test(code) ? pattern.lastIndex : -1;
  };
  const push = (kind: TokenKind, end: number): void => {
    tokens.push({ kind, text: code.slice(at, end), start: at, end });
    at = end;
  };
  while (at < code.length) {
    const char = code.charAt(at);
    const space = match(SPACE);
    if (space > 0) {
      at = space;
      continue;
    }
    if (char === "/") {
      const comment = match(COMMENT);
      if (comment > 0) {
        at = comment;
        continue;
      }
      const end = mayBeDivision(tokens, code.charAt(at + 1)) ? -1 : match(REGULAR_EXPRESSION);
      push(end > 0 ? "literal" : "mark", end > 0 ? end : at + 1);
    } else if (char === '"' || char === "'") {
      push("literal", Math.max(match(STRING), at + 1));
    } else if (char === "`" || (char === "}" && open.at(-1) === true)) {
      if (char === "}") open.pop();
      const end = Math.max(match(TEMPLATE, at + 1), at + 1);
      const goesOn = code.charAt(end - 1) === "{";
      if (goesOn) open.push(true);
      if (char === "`") push(goesOn ? "head" : "literal", end);
      else push(goesOn ? "middle" : "tail", end);
    } else if (/\d/.test(char) || (char === "." && /\d/.test(code.charAt(at + 1)))) {
      push("literal", match(NUMBER));
    } else {
      const name = match(PLAIN_NAME);
      const escaped = char === "\\" || (name > 0 && code.charAt(name) === "\\");
      if (name > 0 || escaped) {
        push("name", escaped ? match(NAME) : name);
        continue;
      }
      if (char === "{") open.push(false);
      if (char === "}") open.pop();
      push("mark", match(OPERATOR));
    }
  }
  return tokens;
}

/** Whether a `/` behind these tokens and before `next` divides. */
function mayBeDivision(tokens: readonly Token[], next: string): boolean {
  const last = tokens.at(-1);
  switch (last?.kind) {
    case "literal":
    case "tail":
      return true;
    case "name":
      return !BEFORE_EXPRESSION.has(last.text) || tokens.at(-2)?.text === ".";
    case "mark":
      if (last.text === "]") return true;
      return [")", "}", "++", "--"].includes(last.text) && (next === " " || next === "=");
    default:
      return false;
  }
}

/** Whether the token begins something that a {@linkcode closes closing} one ends. */
export function opens({ kind, text }: Token): boolean {
  return kind === "head" || kind === "middle" ||
    (kind === "mark" && (text === "(" || text === "[" || text === "{"));
}

/** Whether the token ends something that an {@linkcode opens opening} one begins. */
export function closes({ kind, text }: Token): boolean {
  return kind === "tail" || kind === "middle" ||
    (kind === "mark" && (text === ")" || text === "]" || text === "}"));
}

/**
 * The index of the token that closes what the one at `index` opens; the number of tokens if none does.
 */
export function closing(tokens: readonly Token[], index: number): number {
  let depth = 1;
  for (let at = index + 1; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (closes(token)) depth--;
    if (depth === 0) return at;
    if (opens(token)) depth++;
  }
  return tokens.length;
}
