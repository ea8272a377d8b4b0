/** Determines from the source of a class whether it has private state, which cannot be copied. */

/** The text before a `/` that begins a regular expression rather than a division. */
const BEFORE_REGEXP = /(?:^|[-+*%&|^~!?:;,=<>([{}]|\b(?:return|typeof|case|in|of|do|else|void) ?)$/;

/** Strings, templates without a placeholder, and comments. */
const OPAQUE = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\/\/.*|\/\*[^]*?\*\//y;

const REGEXP = /\/(?:[^[\\/\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//y;

/** A piece of a template: up to its end, or to the `${` of its next placeholder. */
const TEMPLATE = /(?:[^`\\$]|\\[^]|\$(?!\{))*(`|\$\{)/y;

/**
 * Whether `source`, the text of a class, declares a private member: a `#name` at the top level of the
 * class's body. Strings, comments, templates and regular expressions are skipped, and so
 * are nested classes. Text that it cannot parse counts as having none.
 */
export function declaresPrivate(source: string): boolean {
  if (!source.startsWith("class") || !source.includes("#")) return false;
  // The open braces, brackets and parentheses; "`" for a placeholder of a template.
  const open: string[] = [];
  let code = "";
  for (let at = 0; at < source.length;) {
    const character = source[at] as string;
    const skipped = match(OPAQUE, source, at) ??
      (character === "/" && BEFORE_REGEXP.test(code) ? match(REGEXP, source, at) : undefined);
    if (skipped !== undefined) {
      at += skipped.length;
      if (!skipped.startsWith("/*") && !skipped.startsWith("//")) code = "x";
      continue;
    }
    at++;
    if (character === "`" || (character === "}" && open.at(-1) === "`")) {
      if (character === "}") open.pop();
      const piece = match(TEMPLATE, source, at);
      if (piece === undefined) return false;
      at += piece.length;
      if (piece.endsWith("{")) open.push("`");
      code = piece.endsWith("{") ? "(" : "x";
      continue;
    }
    if (character === "{" || character === "(" || character === "[") open.push(character);
    else if (character === "}" || character === ")" || character === "]") open.pop();
    // Not `other.#name`, which is declared by a class around this one.
    else if (character === "#" && open.length === 1 && open[0] === "{" && !/[.\w$]$/.test(code)) {
      return true;
    }
    if (character.trim() !== "") code = (code + character).slice(-8);
    else if (/\w$/.test(code)) code += " ";
  }
  return false;
}

function match(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}
