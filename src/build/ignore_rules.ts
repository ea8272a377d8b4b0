/** What is left out of a mirrored project: patterns in the syntax of `.gitignore`. Pure. */

import { below, contains } from "./project.ts";

/** A pattern. */
export interface IgnoreRule {
  /** The absolute path of the folder that the pattern belongs to. */
  readonly base: string;
  /** Whether it names what it takes back in, as `!kept.txt` does. */
  readonly isNegated: boolean;
  /** Whether it only matches folders, as `build/` does. */
  readonly foldersOnly: boolean;
  /** Whether it is matched with the path from the base, and not with the last name of a path. */
  readonly isAnchored: boolean;
  readonly expression: RegExp;
}

/** What is asked about. */
export interface IgnoreSubject {
  /** Its absolute path. */
  readonly path: string;
  readonly isFolder: boolean;
}

/** The rules in the text of a `.gitignore` file in the folder `base`, in order. */
export function parseIgnoreFile(text: string, base: string): IgnoreRule[] {
  return text.split(/\r?\n/).flatMap((line) => parseIgnorePattern(line, base) ?? []);
}

/** The rule of one line; `undefined` for a comment, an empty line, or a pattern that cannot match anything. */
export function parseIgnorePattern(line: string, base: string): IgnoreRule | undefined {
  // Spaces at the end count only if they are escaped.
  let pattern = line.replace(/(?<!\\)[ \t]+$/, "");
  if (pattern === "" || pattern.startsWith("#")) return undefined;
  const isNegated = pattern.startsWith("!");
  if (isNegated) pattern = pattern.slice(1);
  const foldersOnly = pattern.endsWith("/");
  if (foldersOnly) pattern = pattern.slice(0, -1);
  const isAnchored = pattern.includes("/");
  if (pattern.startsWith("/")) pattern = pattern.slice(1);
  const expression = toExpression(pattern);
  if (pattern === "" || expression === undefined) return undefined;
  return { base, isNegated, foldersOnly, isAnchored, expression };
}

/**
 * The rules of `"exclude"` in a `deno.json` in the folder `base`, in order: paths and globs from there, and what they take
 * back in, as `!dist`. Anything else in it is ignored, and refused by deno.
 */
export function parseExclude(exclude: unknown, base: string): IgnoreRule[] {
  if (!Array.isArray(exclude)) return [];
  return exclude.filter((entry) => typeof entry === "string").flatMap(withoutBraces).flatMap(
    (entry) => {
      const [, negation = "", path = ""] = /^(!?)(?:\.\/)*(.*)$/s.exec(entry)!;
      // What is taken back in is so with everything in it.
      const patterns = negation === "" ? [path] : [path, `${path.replace(/\/$/, "")}/**`];
      return patterns.flatMap((each) => parseIgnorePattern(`${negation}/${each}`, base) ?? []);
    },
  );
}

/** `*.{a,b}` as `*.a` and `*.b`: the patterns of `.gitignore` have no braces. */
function withoutBraces(pattern: string): string[] {
  const [whole, before, choices, after] = /^([^{]*)\{([^{}]*)\}(.*)$/s.exec(pattern) ?? [];
  if (whole === undefined) return [pattern];
  return choices!.split(",").flatMap((choice) => withoutBraces(`${before}${choice}${after}`));
}

/** Whether the last of the rules that match says that it is left out; `undefined` if none matches. */
export function ignoredBy(
  rules: readonly IgnoreRule[],
  subject: IgnoreSubject,
): boolean | undefined {
  const last = rules.findLast((rule) => matches(rule, subject));
  return last && !last.isNegated;
}

/** Whether the last of the rules that match says that it is left out. */
export function isIgnored(rules: readonly IgnoreRule[], subject: IgnoreSubject): boolean {
  return ignoredBy(rules, subject) ?? false;
}

function matches(rule: IgnoreRule, { path, isFolder }: IgnoreSubject): boolean {
  if ((rule.foldersOnly && !isFolder) || !contains(rule.base, path)) return false;
  if (!rule.isAnchored) return rule.expression.test(path.slice(path.lastIndexOf("/") + 1));
  return rule.expression.test(below(rule.base, path));
}

/** `undefined` if the pattern is malformed, and so matches nothing. */
function toExpression(pattern: string): RegExp | undefined {
  let source = "";
  for (let at = 0; at < pattern.length;) {
    const rest = pattern.slice(at);
    const [token = ""] = /^(?:\*\*\/|\/\*\*$|\/\*\*(?=\/)|\*+|\[[!^]?\]?(?:\\.|[^\]\\])*\]|\\.|[^])/
      .exec(
        rest,
      )!;
    at += token.length;
    const isStart = at === token.length;
    if (token === "**/" && (isStart || pattern[at - token.length - 1] === "/")) {
      source += "(?:.*/)?";
    } else if (token === "/**" && at === pattern.length) source += "/.+";
    else if (token === "/**") source += "(?:/.*)?";
    else if (/^\*+$/.test(token)) {
      source += isStart && at === pattern.length && token !== "*" ? ".*" : "[^/]*";
    } else if (token === "**/") source += "[^/]*/";
    else if (token === "?") source += "[^/]";
    else if (token.startsWith("[") && token.length > 1) source += toSet(token);
    else if (token === "\\") return undefined; // an escape of nothing
    else source += RegExp.escape(token.startsWith("\\") ? token.slice(1) : token);
  }
  try {
    return new RegExp(`^${source}$`, "su");
  } catch {
    return undefined; // a range that is upside down
  }
}

/** `[a-c]`, `[!a-c]`: never a slash. */
function toSet(token: string): string {
  const isInverted = /^\[[!^]/.test(token);
  const content = token.slice(isInverted ? 2 : 1, -1);
  const escaped = content.replaceAll(
    /\\(.)|([\\[\]^&~|{}()/.*+?$])/g,
    (_, own, special) => `\\${own ?? special}`,
  );
  return `(?!/)[${isInverted ? "^" : ""}${escaped}]`;
}
