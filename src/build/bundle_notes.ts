/** Finds in a bundle what it refers to and does not contain. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";
import { loadCallAt } from "./absent_modules.ts";
import { encodePath } from "./entry.ts";
import { closing, type Token } from "./js_tokens.ts";
import type { NamedPath } from "./file_expressions.ts";
import type { Mappings } from "./mappings.ts";
import { commonJsModules, isComputedImport, isImportCall } from "./placed_modules.ts";
import { fileNamedAt, isRead, type PlaceName, placeNameAt, stringAt } from "./file_expressions.ts";

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

/** Code that loads a module that is only known at run time. */
export interface ComputedImport {
  /** Where it is: `main.ts:3`. */
  readonly from: string;
  readonly by: "import" | "require";
  /** Whether its module makes URLs of code itself, `data:` or `blob:`, which need no file. */
  readonly mayBeOfCode: boolean;
}

/** What modules refer to and the bundle does not contain. */
export interface BundleNotes {
  /** The native add-ons that will not be found where the program runs. */
  readonly addOns: readonly string[];
  /** One line for each piece of code that is not there, with what to do. */
  readonly missing: readonly string[];
  /** One line for each module that the project loads when it runs, and that is not there. */
  readonly absent: readonly string[];
  /** Where the project loads a module that is only known at run time. */
  readonly computedImports: readonly ComputedImport[];
  /** The files that modules name: each once. */
  readonly files: readonly NamedFile[];
}

/** A bundle to examine. */
export interface NotedCode {
  readonly tokens: readonly Token[];
  readonly mappings: Mappings;
  /** For each source of the map: what people call it, and its URL here. */
  readonly sources: readonly { readonly name: string; readonly href: string }[];
  /** As in `DenoBundle`. @default none */
  readonly absent?: readonly string[];
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
export function noteMissing(
  { tokens, mappings, sources, absent = [] }: NotedCode,
): BundleNotes {
  const addOns = new Set<string>();
  const missing = new Set<string>();
  const gone = new Set<string>();
  const computed = new Map<string, Omit<ComputedImport, "mayBeOfCode"> & { href: string }>();
  /** The modules that make URLs of code. */
  const makers = new Set<string>();
  const names = new Map<string, PlaceName>();
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
  const addFile = (index: number, { path, module: base }: NamedPath): void => {
    const where = whereIs(tokens[index]!);
    // A URL of another kind, or a fragment, names no file.
    if (where === undefined || isOwn(where.href)) return;
    if (!URL.canParse(path, base ?? where.href)) return;
    const { protocol, pathname } = new URL(path, base ?? where.href);
    const href = `file://${pathname}`;
    if (protocol !== "file:") return;
    const mayBeLoaded = (files.get(href)?.mayBeLoaded ?? false) || !isRead(tokens, index);
    const isImported = (files.get(href)?.isImported ?? false) || index < importEnd;
    const { from = where.from, module = where.href } = files.get(href) ?? {};
    files.set(href, { href, module, from, mayBeLoaded, isImported });
  };
  /** The index of the end of the `import()` around the current token. */
  let importEnd = -1;
  const required = [...commonJsModules(tokens)];
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]!;
    while (required.length > 0 && required[0]!.end < index) required.shift();
    if (isImportCall(tokens, index)) importEnd = closing(tokens, index + 1);
    const addOn = addOnAt(tokens, index);
    if (addOn !== undefined) {
      // An absolute path is one of this machine.
      if (addOn.startsWith("/")) addOns.add(basename(addOn));
      else missing.add(`${whereIs(token)?.from}: ${addOn} is a native add-on: ${WAY_OUT}`);
    }
    const load = absent.length === 0 ? undefined : loadCallAt(tokens, index);
    if (load !== undefined && absent.includes(load.name)) {
      const from = whereIs(token)?.from;
      gone.add(`${from}: ${load.name} is not there, so this ${load.by}() fails, as it does here`);
      // The program may make it.
      if (load.name.startsWith("/")) addFile(index, { path: `file://${encodePath(load.name)}` });
    }
    const file = fileNamedAt(tokens, index, names);
    if (file !== undefined) addFile(index, file);
    const variable = placeNameAt(tokens, index, names);
    if (variable !== undefined) {
      const { name, kind, module = whereIs(token)?.href } = variable;
      if (module !== undefined) names.set(name, { kind, module });
    }
    if (makesCode(tokens, index)) makers.add(whereIs(token)?.href ?? "");
    const by = isUnknownImport(tokens, index)
      ? "import"
      : required[0] !== undefined && index > required[0].body && isComputedRequire(tokens, index)
      ? "require"
      : undefined;
    const where = by && whereIs(token);
    if (where && isOfProject(where.name) && !isOwn(where.href)) {
      computed.set(where.from, { from: where.from, by: by!, href: where.href });
    }
  }
  const computedImports = Array.from(computed.values(), ({ href, ...each }) => ({
    ...each,
    mayBeOfCode: makers.has(href),
  }));
  return {
    addOns: [...addOns],
    missing: [...missing],
    absent: [...gone],
    computedImports,
    files: [...files.values()],
  };
}

/** The modules of this system, which load nothing that a program has to have with it. */
const OWN = new URL("../../src/", import.meta.url).href;

function isOwn(href: string): boolean {
  return href.startsWith(OWN);
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
function isUnknownImport(tokens: readonly Token[], index: number): boolean {
  if (!isComputedImport(tokens, index)) return false;
  const end = closing(tokens, index + 1);
  if (/^["'`](?:data|blob|node|npm|jsr|https?):/.test(tokens[index + 2]?.text ?? "")) return false;
  for (let at = index + 2; at < end; at++) {
    if (fileNamedAt(tokens, at) !== undefined) return false;
  }
  return true;
}

/** Whether at `index` a `require()` begins whose module is only known at run time. */
function isComputedRequire(tokens: readonly Token[], index: number): boolean {
  if (tokens[index]!.text !== "__require" || tokens[index + 1]?.text !== "(") return false;
  const isAlone = closing(tokens, index + 1) === index + 3;
  return !isAlone || stringAt(tokens, index + 2) === undefined;
}

/** Whether the token at `index` makes a URL of code, or is the beginning of one. */
function makesCode(tokens: readonly Token[], index: number): boolean {
  const { kind, text } = tokens[index]!;
  if (kind === "name") return text === "createObjectURL";
  return /^["'`]data:(?:text|application)\/(?:x-)?(?:java|ecma|type)script/.test(text);
}
