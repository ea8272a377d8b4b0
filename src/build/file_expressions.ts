/** Expressions by which a module names a file relative to itself, in the tokens of its code. */

import { closing, type Token } from "./js_tokens.ts";
import { isImportMeta } from "./placed_modules.ts";

/**
 * What the tokens from `index` on name relative to their module, as a relative URL:
 * `new URL("./x", import.meta.url)`, `import.meta.resolve("./x")`, `join(import.meta.dirname, "x")`,
 * `__dirname + "/x"`.
 *
 * If only the beginning of the path is known, it is that of the folder, with a slash at its end.
 */
export function fileNamedAt(tokens: readonly Token[], index: number): string | undefined {
  const { text } = tokens[index]!;
  if (text === "URL" && tokens[index - 1]?.text === "new") {
    const comma = closing(tokens, index + 1) - 6;
    const isRelative = tokens[comma]?.text === "," && isImportMeta(tokens, comma + 1) &&
      tokens[comma + 5]?.text === "url";
    return isRelative ? pathAt(tokens, index + 2, comma) : undefined;
  }
  const isMeta = isImportMeta(tokens, index);
  if (isMeta && tokens[index + 4]?.text === "resolve") {
    const path = pathAt(tokens, index + 6, closing(tokens, index + 5));
    return path !== undefined && /^\.{1,2}\//.test(path) ? path : undefined;
  }
  const isFolder = isMeta ? tokens[index + 4]?.text === "dirname" : text === "__dirname";
  if (!isFolder || tokens[index - 1]?.text === ".") return undefined;
  return pathBelowFolder(tokens, index, index + (isMeta ? 5 : 1));
}

/** The path of `folder + "/x"` and `join(folder, "x")`, where `folder` ends at `next`. */
function pathBelowFolder(
  tokens: readonly Token[],
  index: number,
  next: number,
): string | undefined {
  const isJoined = tokens[next]?.text === "," && tokens[index - 1]?.text === "(" &&
    /^(?:join|resolve)\d*$/.test(tokens[index - 2]?.text ?? "");
  if (!isJoined) {
    const path = tokens[next]?.text === "+" ? stringAt(tokens, next + 1) : undefined;
    if (path === undefined || !path.startsWith("/")) return undefined;
    const isWhole = tokens[next + 2]?.text !== "+";
    return escaped(`.${isWhole ? path : path.slice(0, path.lastIndexOf("/") + 1)}`);
  }
  const parts = ["."];
  for (let at = next; tokens[at]?.text === ","; at += 2) {
    const part = stringAt(tokens, at + 1);
    const isWhole = part !== undefined && [",", ")"].includes(tokens[at + 2]?.text ?? "");
    parts.push(isWhole ? part : "");
    if (!isWhole) break;
  }
  return escaped(parts.join("/"));
}

/** The path that the tokens from `start` to `end` are, or that of the folder that it begins with. */
function pathAt(tokens: readonly Token[], start: number, end: number): string | undefined {
  const whole = stringAt(tokens, start);
  if (whole !== undefined && end === start + 1) return whole;
  const begin = tokens[start]?.kind === "head" ? tokens[start]!.text.slice(1, -2) : whole;
  const folder = begin?.slice(0, begin.lastIndexOf("/") + 1);
  return folder === undefined || folder === "" || folder.includes("\\") ? undefined : folder;
}

/** Functions to which a URL is passed only to read what is there. */
const READS = /^(?:open|read|stat|lstat|exists|copy|fetch|create|write)/;

/** Whether what the tokens from `index` on name is an argument of a function that reads it. */
export function isRead(tokens: readonly Token[], index: number): boolean {
  const first = tokens[index - 1]?.text === "new" ? index - 1 : index;
  return tokens[first - 1]?.text === "(" && READS.test(tokens[first - 2]?.text ?? "");
}

/** A path as a relative URL. */
function escaped(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** An escape, with what JSON does not know: bytes, as bundlers write `é`, and code points in braces. */
const JS_ESCAPE = /\\(?:x([0-9a-f]{2})|u\{([0-9a-f]{1,6})\}|[^])/gi;

function asJsonEscape(escape: string, byte?: string, point?: string): string {
  if (byte !== undefined) return `\\u00${byte}`;
  if (point !== undefined) return String.fromCodePoint(parseInt(point, 16));
  return escape === "\\'" || escape === "\\`" ? escape.slice(1) : escape;
}

/** The value of the string without substitutions at `index`, if there is one. */
export function stringAt(tokens: readonly Token[], index: number): string | undefined {
  const token = tokens[index];
  if (token?.kind !== "literal" || !/^["'`]/.test(token.text)) return undefined;
  const inner = token.text.slice(1, -1);
  if (!inner.includes("\\")) return inner;
  try {
    return JSON.parse(`"${inner.replaceAll(JS_ESCAPE, asJsonEscape)}"`);
  } catch {
    // It has other escapes than a path needs.
    return undefined;
  }
}
