/**
 * Gives functions and classes of a bundle the names that they have in their sources.
 *
 * The bundler renames what would clash in one file, and with it the `name` that errors, loggers and registries
 * show. What a declaration is called in its source is read there: the map leads from the one to the other.
 */

import { closes, closing, opens, readTokens, type Token } from "./js_tokens.ts";
import { type Edit, edited, Mappings } from "./mappings.ts";
import { type MappedCode, prependLine, type SourceMap } from "./source_map.ts";

/** Names that the bundler may have made: `work2`, `_TimeoutError`, `main_default`. */
const MAYBE_MADE = /^_.|\d$|_default$/;
const IDENTIFIER = /[\p{ID_Start}_$][\p{ID_Continue}$\u200c\u200d]*/uy;
const KEYWORDS = new Set(["async", "class", "default", "export", "function"]);

/** A bundle whose names are to be restored. */
export interface NamedCode {
  readonly tokens: readonly Token[];
  readonly mappings: Mappings;
  /** The texts of the sources are needed. */
  readonly map: SourceMap;
}

const HELPER = "__deploy_name";

/** A statement that the bundle needs in front if there are any edits. */
export const NAME_HELPER =
  `const ${HELPER} = (it, value) => Object.defineProperty(it, "name", { value, configurable: true });`;

/** A function or class without a name of its own in the bundle, or with one that may be wrong. */
interface Site {
  /** The name that decides what it is called. */
  readonly name: Token;
  /** What restores a name. */
  edits(wanted: string): Edit[];
}

/** A bundle with the names restored. */
export function withNames(bundle: MappedCode): MappedCode {
  const tokens = readTokens(bundle.code);
  const edits = restoreNames({ tokens, mappings: new Mappings(bundle), map: bundle.map });
  return edits.length === 0 ? bundle : prependLine(NAME_HELPER, edited(bundle, edits));
}

/** The edits that restore the names. */
export function restoreNames({ tokens, mappings, map }: NamedCode): Edit[] {
  const originalName = createNameReader(mappings, map);
  const edits: Edit[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const site = siteAt(tokens, index);
    const wanted = site && originalName(site.name);
    if (wanted !== undefined) edits.push(...site!.edits(JSON.stringify(wanted)));
  }
  return edits;
}

/** Returns what is called `name` in the bundle by its other name in the source, if it has one there. */
function createNameReader(
  mappings: Mappings,
  { sourcesContent }: SourceMap,
): (name: Token) => string | undefined {
  const sources: (string[] | undefined)[] = [];
  return (name) => {
    const origin = mappings.at(name.start);
    if (origin === undefined) return undefined;
    const lines = sources[origin.source] ??= sourcesContent?.[origin.source]?.split("\n") ?? [];
    IDENTIFIER.lastIndex = origin.column;
    const found = IDENTIFIER.exec(lines[origin.line] ?? "")?.[0];
    if (found === undefined || found === name.text) return undefined;
    if (!KEYWORDS.has(found)) return found;
    // Deno calls what `export default` exports so, if it has no name of its own.
    return /_default\d*$/.test(name.text) ? "default" : undefined;
  };
}

function siteAt(tokens: readonly Token[], index: number): Site | undefined {
  const token = tokens[index]!;
  if (token.kind !== "name" || isProperty(tokens, index)) return undefined;
  if (token.text === "class") return classSite(tokens, index);
  if (token.text === "function") return functionSite(tokens, index);
  return tokens[index + 1]?.text === "=" ? variableSite(tokens, index) : undefined;
}

/** `class X2 {`, or `X2 = class {`, which is called as its variable. */
function classSite(tokens: readonly Token[], index: number): Site | undefined {
  const next = tokens[index + 1];
  const hasName = next?.kind === "name" && next.text !== "extends";
  const isAssigned = tokens[index - 1]?.text === "=" && !isProperty(tokens, index - 2);
  const name = hasName ? next : isAssigned ? tokens[index - 2] : undefined;
  if (name === undefined || !MAYBE_MADE.test(name.text)) return undefined;
  const body = classBody(tokens, index);
  if (body === undefined || hasStaticName(tokens, body)) return undefined;
  const { end } = tokens[body]!;
  return {
    name,
    edits: (wanted) => [insertion(end, ` static { ${HELPER}(this, ${wanted}); }`)],
  };
}

/** `function work2() {`, as a statement or as an expression. */
function functionSite(tokens: readonly Token[], index: number): Site | undefined {
  const star = tokens[index + 1]?.text === "*" ? 1 : 0;
  const name = tokens[index + 1 + star];
  if (name?.kind !== "name" || !MAYBE_MADE.test(name.text)) return undefined;
  const last = tokens[closing(tokens, closing(tokens, index + 2 + star) + 1)];
  if (last === undefined) return undefined;
  const first = tokens[index - 1]?.text === "async" ? index - 1 : index;
  const previous = tokens[first - 1]?.text ?? ";";
  return {
    name,
    edits: (wanted) =>
      [";", "{", "}"].includes(previous)
        ? [insertion(last.end, ` ${HELPER}(${name.text}, ${wanted});`)]
        : wrapping(tokens[first]!, last, wanted),
  };
}

/** `work2 = () => …`, or with a function without a name, which is called as its variable. */
function variableSite(tokens: readonly Token[], index: number): Site | undefined {
  const name = tokens[index]!;
  if (!MAYBE_MADE.test(name.text)) return undefined;
  const last = functionEnd(tokens, index + 2);
  if (last === undefined) return undefined;
  return {
    name,
    edits: (wanted) => wrapping(tokens[index + 2]!, tokens[last]!, wanted),
  };
}

function insertion(at: number, text: string): Edit {
  return { start: at, end: at, text };
}

function wrapping(first: Token, last: Token, wanted: string): Edit[] {
  return [insertion(first.start, `${HELPER}(`), insertion(last.end, `, ${wanted})`)];
}

function isProperty(tokens: readonly Token[], index: number): boolean {
  const previous = tokens[index - 1]?.text;
  return previous === "." || previous === "?.";
}

/** The index of the `{` of the body of the class that begins at `index`. */
function classBody(tokens: readonly Token[], index: number): number | undefined {
  for (let at = index + 1; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.text === "{") return at;
    if (opens(token)) at = closing(tokens, at);
  }
  return undefined;
}

/** Whether a class has a static member called `name`, which must not be replaced. */
function hasStaticName(tokens: readonly Token[], body: number): boolean {
  let isStatic = false;
  for (let at = body + 1; at < tokens.length && !closes(tokens[at]!); at++) {
    const { text } = tokens[at]!;
    if (isStatic && text === "name" && !isProperty(tokens, at)) return true;
    isStatic = text === "static" || (isStatic && ["async", "get", "set", "*"].includes(text));
    if (opens(tokens[at]!)) at = closing(tokens, at);
  }
  return false;
}

/** The index of the last token of a function without a name that begins at `index`, if one does. */
function functionEnd(tokens: readonly Token[], index: number): number | undefined {
  let at = tokens[index]?.text === "async" ? index + 1 : index;
  if (tokens[at]?.text === "function") {
    at += tokens[at + 1]?.text === "*" ? 2 : 1;
    return tokens[at]?.text === "(" ? closing(tokens, closing(tokens, at) + 1) : undefined;
  }
  if (tokens[at]?.text !== "(") return undefined;
  at = closing(tokens, at) + 1;
  if (tokens[at]?.text !== "=>") return undefined;
  while (++at < tokens.length) {
    const token = tokens[at]!;
    if (token.text === ";" || token.text === "," || token.kind === "tail" || closes(token)) {
      return at - 1;
    }
    if (opens(token)) at = closing(tokens, at);
  }
  return undefined;
}
