/** Expressions by which a module names a file relative to itself, in the tokens of its code. */

import { closing, type Token } from "./js_tokens.ts";
import { isImportMeta } from "./placed_modules.ts";

/** Variables that hold the place of a module, by their names in the bundle. */
export type PlaceNames = ReadonlyMap<string, PlaceName>;

/** Such a variable. */
export interface PlaceName {
  readonly kind: "file" | "folder";
  /** The URL here of the module whose place it is. */
  readonly module: string;
}

/** A file or folder, relative to a module. */
export interface NamedPath {
  /** A relative URL. */
  readonly path: string;
  /** The URL here of the module, if it is not the one that the code is from. */
  readonly module?: string;
}

/**
 * What the tokens from `index` on name relative to their module: `new URL("./x", import.meta.url)`,
 * `import.meta.resolve("./x")`, `join(import.meta.dirname, "x")`, `__dirname + "/x"`,
 * `${dirname(fileURLToPath(import.meta.url))}/x`, and the same by a variable.
 *
 * If only the beginning of the path is known, it is that of the folder, with a slash at its end.
 */
export function fileNamedAt(
  tokens: readonly Token[],
  index: number,
  names: PlaceNames = new Map(),
): NamedPath | undefined {
  const { text } = tokens[index]!;
  const own = ownFileAt(tokens, index, names);
  if (own !== undefined) return own;
  if (text === "URL" && tokens[index - 1]?.text === "new") {
    const comma = closing(tokens, index + 1) - 6;
    const isRelative = tokens[comma]?.text === "," && isImportMeta(tokens, comma + 1) &&
      tokens[comma + 5]?.text === "url";
    return named(isRelative ? pathAt(tokens, index + 2, comma) : undefined);
  }
  if (isImportMeta(tokens, index) && tokens[index + 4]?.text === "resolve") {
    const path = pathAt(tokens, index + 6, closing(tokens, index + 5));
    return named(path !== undefined && /^\.{1,2}\//.test(path) ? path : undefined);
  }
  const place = placeAt(tokens, index, names);
  return place?.kind === "folder" ? named(pathBelowFolder(tokens, place), place.module) : undefined;
}

function named(path: string | undefined, module?: string): NamedPath | undefined {
  if (path === undefined) return undefined;
  return module === undefined ? { path } : { path, module };
}

/** What starts the module whose file it is given. */
const STARTS = /^(?:Worker|fork|Command)\d*$/;

/**
 * The module itself, if at `index` something is called that starts it: `new Worker(import.meta.url)`,
 * `fork(__filename)`, `new Deno.Command("deno", { args: ["run", import.meta.filename] })`.
 */
function ownFileAt(
  tokens: readonly Token[],
  index: number,
  names: PlaceNames,
): NamedPath | undefined {
  if (!STARTS.test(tokens[index]!.text) || tokens[index + 1]?.text !== "(") return undefined;
  const end = closing(tokens, index + 1);
  for (let at = index + 2; at < end; at++) {
    const isUrl = isImportMeta(tokens, at) && tokens[at + 4]?.text === "url";
    const place = isUrl
      ? { kind: "file", start: at, next: at + 5 } as const
      : placeAt(tokens, at, names);
    const isWhole = place !== undefined && /^[(,[]$/.test(tokens[place.start - 1]!.text) &&
      /^[),\].]$/.test(tokens[place.next]?.text ?? "") && !isBaseOfUrl(tokens, place.start);
    if (place?.kind === "file" && isWhole) return named("", place.module);
  }
  return undefined;
}

/** Whether the token at `index` begins the second argument of `new URL(path, base)`. */
function isBaseOfUrl(tokens: readonly Token[], index: number): boolean {
  return tokens[index - 1]?.text === "," && tokens[index + 5]?.text === ")" &&
    tokens.slice(Math.max(index - 12, 0), index).some(({ text }) => text === "URL");
}

/** An expression for the place of a module. */
interface PlaceExpression {
  readonly kind: "file" | "folder";
  /** The index of its first token, and that of the one behind it. */
  readonly start: number;
  readonly next: number;
  /** The URL here of the module, if it is not the one that the code is from. */
  readonly module?: string;
}

/** The expression whose essential part begins at `index`: what is called, in `path.dirname(…)`. */
function placeAt(
  tokens: readonly Token[],
  index: number,
  names: PlaceNames,
): PlaceExpression | undefined {
  const token = tokens[index];
  if (token?.kind !== "name") return undefined;
  const isProperty = tokens[index - 1]?.text === ".";
  const start = isProperty ? index - 2 : index;
  if (isImportMeta(tokens, index)) {
    const kind = { filename: "file", dirname: "folder" }[tokens[index + 4]?.text ?? ""];
    return kind === undefined ? undefined : { kind: kind as "file", start, next: index + 5 };
  }
  const called = /^(fileURLToPath|fromFileUrl|dirname)\d*$/.exec(token.text)?.[1];
  if (called !== undefined && tokens[index + 1]?.text === "(") {
    if (called !== "dirname") {
      const isOwn = isImportMeta(tokens, index + 2) && tokens[index + 6]?.text === "url" &&
        tokens[index + 7]?.text === ")";
      return isOwn ? { kind: "file", start, next: index + 8 } : undefined;
    }
    const last = closing(tokens, index + 1);
    for (const first of [index + 2, index + 4]) {
      const inner = placeAt(tokens, first, names);
      const isWhole = inner?.kind === "file" && inner.start === index + 2 && inner.next === last;
      if (isWhole) return { ...inner, kind: "folder", start, next: last + 1 };
    }
    return undefined;
  }
  if (isProperty) return undefined;
  const known = names.get(token.text);
  if (known !== undefined) return { ...known, start, next: index + 1 };
  if (token.text === "__dirname") return { kind: "folder", start, next: index + 1 };
  return token.text === "__filename" ? { kind: "file", start, next: index + 1 } : undefined;
}

/** The variable that is set to the place of a module by the expression at `index`: `here = import.meta.dirname;`. */
export function placeNameAt(
  tokens: readonly Token[],
  index: number,
  names: PlaceNames,
): { name: string; kind: "file" | "folder"; module?: string } | undefined {
  const place = placeAt(tokens, index, names);
  if (place === undefined || tokens[place.start - 1]?.text !== "=") return undefined;
  const name = tokens[place.start - 2];
  const isWhole = [";", ","].includes(tokens[place.next]?.text ?? ";");
  if (!isWhole || name?.kind !== "name" || tokens[place.start - 3]?.text === ".") return undefined;
  const { kind, module } = place;
  return { name: name.text, kind, ...(module === undefined ? {} : { module }) };
}

/** The path of `folder + "/x"`, `join(folder, "x")` and `${folder}/x`. */
function pathBelowFolder(
  tokens: readonly Token[],
  { start, next }: PlaceExpression,
): string | undefined {
  const before = tokens[start - 1];
  const behind = tokens[next];
  if (before?.kind === "head" && before.text === "`${") {
    const isWhole = behind?.kind === "tail";
    if (!isWhole && behind?.kind !== "middle") return undefined;
    return pathBehind(behind.text.slice(1, isWhole ? -1 : -2), isWhole);
  }
  const isJoined = behind?.text === "," && before?.text === "(" &&
    /^(?:join|resolve)\d*$/.test(tokens[start - 2]?.text ?? "");
  if (!isJoined) {
    const path = behind?.text === "+" ? stringAt(tokens, next + 1) : undefined;
    return path === undefined ? undefined : pathBehind(path, tokens[next + 2]?.text !== "+");
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

/** What follows the path of a folder, as a path from there. */
function pathBehind(path: string, isWhole: boolean): string | undefined {
  if (!path.startsWith("/") || path.includes("\\")) return undefined;
  return escaped(`.${isWhole ? path : path.slice(0, path.lastIndexOf("/") + 1)}`);
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
