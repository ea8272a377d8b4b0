/** Finds in a bundle what it refers to and does not contain. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";
import { closing, type Token } from "./js_tokens.ts";
import type { Mappings } from "./mappings.ts";
import { isImportMeta } from "./placed_modules.ts";

/** A file or folder that a module names relative to itself. */
export interface NamedFile {
  /** Its URL here. There may be nothing. */
  readonly href: string;
  /** The URL here of the module that names it. */
  readonly module: string;
  /** That module and the line: `lib/x.ts:3`. */
  readonly from: string;
}

/** What modules refer to and the bundle does not contain. */
export interface BundleNotes {
  /** The native add-ons that will not be found where the program runs. */
  readonly addOns: readonly string[];
  /** One line for each piece of code that is not there, with what to do. */
  readonly missing: readonly string[];
  /** The files that modules name: each once. */
  readonly files: readonly NamedFile[];
}

/** A bundle to examine. */
export interface NotedCode {
  readonly tokens: readonly Token[];
  readonly mappings: Mappings;
  /** For each source of the map: what people call it, and its URL here. */
  readonly sources: readonly { readonly name: string; readonly href: string }[];
}

const WAY_OUT = "use --release, and --include for the file";

/** Packages that load a native add-on. */
const ADD_ON_LOADERS =
  /(?:^|[/:])((?:@mapbox\/)?node-pre-gyp|node-gyp-build(?:-optional-packages)?|bindings|prebuild-install)[@/]/;
const NPM = /^npm:|(?:^|\/)node_modules\//;

/**
 * Examines a bundle. Of npm packages only add-ons and named files are reported: most other things that they
 * refer to are optional.
 */
export function noteMissing({ tokens, mappings, sources }: NotedCode): BundleNotes {
  const addOns = new Set<string>();
  const missing = new Set<string>();
  const files = new Map<string, NamedFile>();
  const loader = sources.map(({ name }) => ADD_ON_LOADERS.exec(name)?.[1]).find(Boolean);
  if (loader !== undefined) {
    missing.add(
      `a package may load a native add-on (with ${loader}), which a bundle cannot contain: ${WAY_OUT}`,
    );
  }
  const whereIs = ({ start }: Token): { name: string; href: string; from: string } | undefined => {
    const origin = mappings.before(start);
    const source = origin && sources[origin.source];
    return source && { ...source, from: `${source.name}:${origin.line + 1}` };
  };
  const addFile = (token: Token, path: string): void => {
    const where = whereIs(token);
    // A URL of another kind, or a fragment, names no file.
    if (where === undefined || !URL.canParse(path, where.href)) return;
    const { protocol, pathname } = new URL(path, where.href);
    const href = `file://${pathname}`;
    if (protocol !== "file:" || files.has(href)) return;
    files.set(href, { href, module: where.href, from: where.from });
  };
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]!;
    const addOn = addOnAt(tokens, index);
    if (addOn !== undefined) {
      // An absolute path is one of this machine.
      if (addOn.startsWith("/")) addOns.add(basename(addOn));
      else missing.add(`${whereIs(token)?.from}: ${addOn} is a native add-on: ${WAY_OUT}`);
    }
    const file = fileNamedAt(tokens, index);
    if (file !== undefined) addFile(token, file);
    if (isComputedImport(tokens, index)) {
      const where = whereIs(token);
      if (where === undefined || NPM.test(where.name)) continue;
      missing.add(
        `${where.from}: an import() whose module is only known at run time is not in the bundle: ${WAY_OUT}`,
      );
    }
  }
  return { addOns: [...addOns], missing: [...missing], files: [...files.values()] };
}

/** The add-on that a call of `require`, or an import, names with the string at `index`. */
function addOnAt(tokens: readonly Token[], index: number): string | undefined {
  const text = stringAt(tokens, index);
  if (text === undefined || !text.endsWith(".node")) return undefined;
  const [previous, before] = [tokens[index - 1], tokens[index - 2]];
  if (previous?.text === "from" || previous?.text === "import") return text;
  return previous?.text === "(" && /require/.test(before?.text ?? "") ? text : undefined;
}

/**
 * The path of a file that the tokens from `index` on name relative to their module:
 * `new URL("./x", import.meta.url)`, `import.meta.resolve("./x")`, `join(import.meta.dirname, "x")`,
 * `__dirname + "/x"`.
 */
function fileNamedAt(tokens: readonly Token[], index: number): string | undefined {
  const { text } = tokens[index]!;
  if (text === "URL" && tokens[index - 1]?.text === "new") {
    const path = stringAt(tokens, index + 2);
    const base = index + 4;
    const isRelative = tokens[base - 1]?.text === "," && tokens[base] !== undefined &&
      isImportMeta(tokens, base) && tokens[base + 4]?.text === "url" &&
      tokens[base + 5]?.text === ")";
    return isRelative ? path : undefined;
  }
  const isMeta = isImportMeta(tokens, index);
  if (isMeta && tokens[index + 4]?.text === "resolve") {
    const path = stringAt(tokens, index + 6);
    return path !== undefined && /^\.{1,2}\//.test(path) ? path : undefined;
  }
  const isFolder = isMeta ? tokens[index + 4]?.text === "dirname" : text === "__dirname";
  if (!isFolder || tokens[index - 1]?.text === ".") return undefined;
  const next = index + (isMeta ? 5 : 1);
  const path = stringAt(tokens, next + 1);
  if (path === undefined) return undefined;
  if (tokens[next]?.text === "+") return path.startsWith("/") ? escaped(`.${path}`) : undefined;
  const isJoined = tokens[next]?.text === "," && tokens[index - 1]?.text === "(" &&
    /^(?:join|resolve)\d*$/.test(tokens[index - 2]?.text ?? "");
  if (!isJoined) return undefined;
  const parts = [path];
  for (let at = next + 2; tokens[at]?.text === ","; at += 2) {
    const part = stringAt(tokens, at + 1);
    if (part === undefined) break; // what is known is a folder
    parts.push(part);
  }
  return escaped(`./${parts.join("/")}`);
}

/** A path as a relative URL. */
function escaped(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** Whether at `index` an `import()` begins whose argument is not one string. */
function isComputedImport(tokens: readonly Token[], index: number): boolean {
  if (tokens[index]!.text !== "import" || tokens[index + 1]?.text !== "(") return false;
  if (tokens[index - 1]?.text === ".") return false;
  const end = closing(tokens, index + 1);
  const isLiteral = stringAt(tokens, index + 2) !== undefined &&
    (tokens[index + 3]?.text === "," || end === index + 3);
  // `import() {` is a method.
  return !isLiteral && tokens[end + 1]?.text !== "{";
}

/** The value of the string without substitutions at `index`, if there is one. */
function stringAt(tokens: readonly Token[], index: number): string | undefined {
  const token = tokens[index];
  if (token?.kind !== "literal" || !/^["'`]/.test(token.text)) return undefined;
  const inner = token.text.slice(1, -1);
  if (!inner.includes("\\")) return inner;
  try {
    return JSON.parse(`"${inner}"`);
  } catch {
    // It has other escapes than a path needs.
    return undefined;
  }
}
