/** Finds in a bundle what it refers to and does not contain. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";
import { closing, type Token } from "./js_tokens.ts";
import type { Mappings } from "./mappings.ts";
import { fileNamedAt, isRead, stringAt } from "./file_expressions.ts";

/** A file or folder that a module names relative to itself. */
export interface NamedFile {
  /** Its URL here. There may be nothing. */
  readonly href: string;
  /** The URL here of the module that names it. */
  readonly module: string;
  /** That module and the line: `lib/x.ts:3`. */
  readonly from: string;
  /** Whether it may be loaded as a module, and not only read. */
  readonly mayBeLoaded: boolean;
  /** Whether it stands in an `import()`. */
  readonly isImported: boolean;
}

/** What modules refer to and the bundle does not contain. */
export interface BundleNotes {
  /** The native add-ons that will not be found where the program runs. */
  readonly addOns: readonly string[];
  /** One line for each piece of code that is not there, with what to do. */
  readonly missing: readonly string[];
  /** Where the project imports a module that is only known at run time: `main.ts:3`. */
  readonly computedImports: readonly string[];
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
  const computedImports = new Set<string>();
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
  const addFile = (index: number, path: string): void => {
    const where = whereIs(tokens[index]!);
    // A URL of another kind, or a fragment, names no file.
    if (where === undefined || !URL.canParse(path, where.href)) return;
    const { protocol, pathname } = new URL(path, where.href);
    const href = `file://${pathname}`;
    if (protocol !== "file:") return;
    const mayBeLoaded = (files.get(href)?.mayBeLoaded ?? false) || !isRead(tokens, index);
    const isImported = (files.get(href)?.isImported ?? false) || index < importEnd;
    const { from = where.from, module = where.href } = files.get(href) ?? {};
    files.set(href, { href, module, from, mayBeLoaded, isImported });
  };
  /** The index of the end of the `import()` around the current token. */
  let importEnd = -1;
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]!;
    if (isImportCall(tokens, index)) importEnd = closing(tokens, index + 1);
    const addOn = addOnAt(tokens, index);
    if (addOn !== undefined) {
      // An absolute path is one of this machine.
      if (addOn.startsWith("/")) addOns.add(basename(addOn));
      else missing.add(`${whereIs(token)?.from}: ${addOn} is a native add-on: ${WAY_OUT}`);
    }
    const file = fileNamedAt(tokens, index);
    if (file !== undefined) addFile(index, file);
    if (isComputedImport(tokens, index)) {
      const where = whereIs(token);
      if (where !== undefined && isOfProject(where.name)) computedImports.add(where.from);
    }
  }
  return {
    addOns: [...addOns],
    missing: [...missing],
    computedImports: [...computedImports],
    files: [...files.values()],
  };
}

/** Whether a source is neither of a package nor loaded from a URL. */
function isOfProject(name: string): boolean {
  return !NPM.test(name) && !/^https?:/.test(name);
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
 * Whether at `index` an `import()` begins whose module is only known at run time: its argument is not a string,
 * does not name a file relative to the module, and does not begin as a URL that needs no file.
 */
function isComputedImport(tokens: readonly Token[], index: number): boolean {
  if (!isImportCall(tokens, index)) return false;
  const end = closing(tokens, index + 1);
  const isAlone = tokens[index + 3]?.text === "," || end === index + 3;
  if (isAlone && stringAt(tokens, index + 2) !== undefined) return false;
  if (/^["'`](?:data|blob|node|npm|jsr|https?):/.test(tokens[index + 2]?.text ?? "")) return false;
  for (let at = index + 2; at < end; at++) {
    if (fileNamedAt(tokens, at) !== undefined) return false;
  }
  return true;
}

function isImportCall(tokens: readonly Token[], index: number): boolean {
  if (tokens[index]!.text !== "import" || tokens[index + 1]?.text !== "(") return false;
  const isMethod = tokens[closing(tokens, index + 1) + 1]?.text === "{";
  return !isMethod && tokens[index - 1]?.text !== ".";
}
