/**
 * Gives each module of a bundle a place of its own: its own `import.meta`, and to a CommonJS module its
 * `__dirname`, `__filename`, `require` and `module`. In a bundle they would all be those of the bundle.
 */

import { encodePath } from "./entry.ts";
import { loadCallAt } from "./absent_modules.ts";
import { closing, type Token } from "./js_tokens.ts";
import type { ImportMap } from "./import_map.ts";
import type { Edit, Mappings } from "./mappings.ts";
import type { Place } from "./module_place.ts";
import { REQUIRE_FILES } from "./required_files.ts";

/** What replaces the modules' own, and where the bundle gets it from. */
export interface PlacedModules {
  readonly edits: readonly Edit[];
  /** Statements for the first line of the bundle; empty if no module asks for its place. */
  readonly prelude: string;
  /** The sources that refer to their own places, and so may read what lies there. */
  readonly located: readonly number[];
}

/** A bundle whose modules are to be placed. */
export interface PlaceOptions {
  readonly tokens: readonly Token[];
  readonly mappings: Mappings;
  /** The index of the entry module in the map's sources; -1 if it has no code. */
  readonly entry: number;
  placeOf(source: number): Place;
  /** An expression for the `import.meta.main` of the entry module. */
  readonly main: "true" | "import.meta.main";
  /** An expression for the URL of the folder that places are below. */
  readonly base: string;
  /** What `import.meta.resolve` finds under names that are no paths or URLs: an import map, with the URLs here. */
  readonly importMap: Required<ImportMap>;
  placeOfUrl(href: string): Place;
}

/** Every name that the prelude declares begins so. */
const PREFIX = "__deploy_";
const REQUIRE = "__require";

/** What a module would read from its own `import.meta`. */
const META = `const ${PREFIX}meta = (path, main) => {
  const url = new URL(path, ${PREFIX}base).href;
  const isFile = url.startsWith("file:");
  const filename = isFile ? decodeURIComponent(new URL(url).pathname) : undefined;
  const resolve = (specifier) => ${PREFIX}resolve(String(specifier), url);
  const file = isFile ? { filename, dirname: filename.replace(/(.)\\/[^\\/]*$/, "$1") } : {};
  return { __proto__: null, url, main, resolve, ...file };
};`;

/** The import map is a list of scopes, each a prefix of URLs with what applies there. */
const RESOLVE = `const ${PREFIX}resolve = (specifier, url) => {
  if (/^\\.{0,2}\\//.test(specifier)) return new URL(specifier, url).href;
  for (const [scope, imports] of ${PREFIX}imports) {
    if (scope !== null && !url.startsWith(new URL(scope, ${PREFIX}base).href)) continue;
    for (const name in imports) {
      const isFolder = name.endsWith("/") && specifier.startsWith(name);
      if (name !== specifier && !isFolder) continue;
      const target = imports[name] + (isFolder ? specifier.slice(name.length) : "");
      return new URL(target, ${PREFIX}base).href;
    }
  }
  if (URL.canParse(specifier)) return new URL(specifier).href;
  let why = 'Import "' + specifier + '" not a dependency';
  if (${PREFIX}imports.length > 0) why += ' and not in import map from "' + url + '"';
  throw new TypeError(why);
};`;

/**
 * `import()` of what is only known at run time: relative to its module, and by the program's import map. An executable
 * cannot import `blob:` URLs, so it imports their text.
 */
const IMPORT = `const ${PREFIX}import = async (meta, specifier, options) => {
  let url = String(specifier);
  try {
    url = meta.resolve(url);
  } catch {}
  if (Deno.build.standalone && url.startsWith("blob:")) {
    const text = new Uint8Array(await (await fetch(url)).arrayBuffer());
    url = "data:text/javascript;base64," + text.toBase64();
  }
  return await import(url, options);
};`;

/** Deno's name for `createRequire` in a bundle, which imports it if a module calls `require`. */
const CREATE_REQUIRE = "__deno_internal_createRequire";
const IMPORT_REQUIRE = `import { createRequire as ${CREATE_REQUIRE} } from "node:module";`;

/** `require` of a CommonJS module. `require.main` is the entry's, if that is a CommonJS module. */
const REQUIRE_OF = `let ${PREFIX}main;
const ${PREFIX}require = (meta) => {
  const require = ${CREATE_REQUIRE}(meta.url);
  if (${PREFIX}main !== undefined) require.main = ${PREFIX}main;
  return require;
};`;

const MODULE_OF = `const ${PREFIX}module = (module, { filename, dirname, main }) =>
  Object.assign(module, { id: main ? "." : filename, filename, path: dirname, loaded: false, paths: [], children: [] });`;

/**
 * Replaces the bundler's function for calls like `require("./parts/" + name)` and `import("./parts/" + name)`, whose
 * modules are in the bundle by their paths. As in Deno, `require` finds them without extensions, and both load from a
 * file what is not there.
 */
const GLOB = `const ${PREFIX}glob = (map) => (path, load) => {
  const all = load.resolve === undefined ? [""] : ["", ".js", ".cjs", ".mjs", ".json", "/index.js", "/index.json"];
  const found = all.find((end) => Object.hasOwn(map, path + end));
  return found === undefined ? load(path) : map[path + found]();
};`;

/** Statements by which `Deno.mainModule` and `process.argv[1]` are of the program and not of its bundle. */
function mainStatements(tokens: readonly Token[], meta: string): string[] {
  const isUsed = (property: string, owner: RegExp) =>
    tokens.some(({ text }, index) =>
      text === property && tokens[index - 1]?.text === "." && owner.test(tokens[index - 2]!.text)
    );
  const main = `{ value: ${meta}.url, enumerable: true, configurable: true }`;
  return [
    isUsed("mainModule", /^Deno$/) && `Object.defineProperty(Deno, "mainModule", ${main});`,
    isUsed("argv", /process/) && `globalThis.process.argv[1] = ${meta}.filename;`,
  ].filter((statement) => statement !== false);
}

/** Finds what is to be replaced. */
export function placeModules(options: PlaceOptions): PlacedModules {
  const { tokens, mappings, entry } = options;
  const edits: Edit[] = [];
  const placed = new Set<number>();
  const located = new Set<number>();
  const metaOf = (source: number): string => {
    placed.add(source);
    return `${PREFIX}meta${source}`;
  };
  for (const [index, token] of tokens.entries()) {
    if (!isImportMeta(tokens, index)) continue;
    const source = mappings.before(token.start)?.source;
    if (source === undefined) continue; // of the bundler's own
    edits.push({ start: token.start, end: tokens[index + 2]!.end, text: metaOf(source) });
    if (tokens[index + 4]?.text !== "main") located.add(source);
  }
  let [usesRequire, usesModule, usesGlob, usesImport] = [false, false, false, false];
  let done = 0;
  /** Edits what is outside of CommonJS modules. */
  const editBetween = (end: number): void => {
    for (; done < end; done++) {
      const { text, start, end } = tokens[done]!;
      // Only CommonJS modules have it.
      if (text === REQUIRE && mappings.before(start) !== undefined) {
        edits.push({ start, end, text: "require" });
      }
    }
  };
  for (const { body, end, module } of commonJsModules(tokens)) {
    const source = mappings.after(tokens[body]!.end)?.source;
    editBetween(body);
    done = end;
    if (source === undefined) continue;
    const isEntry = source === entry;
    const uses = usesOf(tokens, body, end);
    const meta = (): string => metaOf(source);
    const statements = [
      uses.file && `var __filename = ${meta()}.filename;`,
      uses.folder && `var __dirname = ${meta()}.dirname;`,
      module && isEntry && `${PREFIX}main = module;`,
      module && uses.module && `${PREFIX}module(module, ${meta()});`,
      uses.require && `var ${REQUIRE} = ${PREFIX}require(${meta()});`,
    ].filter((statement) => statement !== false);
    if (statements.length === 0) continue;
    if (uses.file || uses.folder || uses.files) located.add(source);
    usesRequire ||= uses.require || isEntry;
    usesModule ||= uses.module;
    const { end: at } = tokens[body]!;
    edits.push({ start: at, end: at, text: ` ${statements.join(" ")}` });
  }
  editBetween(tokens.length);
  for (const [index, token] of tokens.entries()) {
    const importing = isComputedImport(tokens, index)
      ? mappings.before(token.start)?.source
      : undefined;
    if (importing !== undefined) {
      const { end } = tokens[index + 1]!;
      edits.push({ start: token.start, end, text: `${PREFIX}import(${metaOf(importing)}, ` });
      usesImport = true;
      located.add(importing);
    }
    const call = loadCallAt(tokens, index);
    if (call?.name.startsWith("/")) {
      const source = mappings.before(token.start)?.source;
      if (source !== undefined) {
        metaOf(source); // for the base
        const { start, end } = call.literal;
        const href = `new URL(${url(options.placeOfUrl(fileUrl(call.name)))}, ${PREFIX}base)`;
        const text = call.by === "import" ? `${href}.href` : `decodeURIComponent(${href}.pathname)`;
        edits.push({ start, end, text });
      }
    }
    if (token.text === "__glob" && tokens[index + 1]?.text === "=") {
      // The bundler's own stays, under another name: an edit leaves all lines where they are.
      const { start } = tokens[index + 2]!;
      edits.push({ start, end: start, text: `${PREFIX}glob, ${PREFIX}unused = ` });
      usesGlob = true;
    }
    const [, by] = /^glob(Require|Import)_/.exec(token.text) ?? [];
    if (by === undefined || tokens[index + 1]?.text !== "(") continue;
    const source = mappings.before(token.start)?.source;
    if (source === undefined) continue;
    const { start } = tokens[closing(tokens, index + 1)]!;
    const load = by === "Require"
      ? REQUIRE
      : `(path) => import(new URL(path, ${metaOf(source)}.url).href)`;
    edits.push({ start, end: start, text: `, ${load}` });
    located.add(source);
  }
  const isMain = entry >= 0 && options.main === "true";
  const ofMain = !isMain ? [] : mainStatements(tokens, `${PREFIX}meta${entry}`);
  if (ofMain.length > 0) metaOf(entry);
  if (placed.size === 0) return { edits, prelude: "", located: [] };
  const { base, importMap, main, placeOf } = options;
  const placeOfHref = (href: string): string => urlOf(options.placeOfUrl(href));
  // The most specific name counts, so it comes first.
  const sorted = <T>(names: Readonly<Record<string, T>>) =>
    Object.entries(names).sort(([one], [other]) => other.length - one.length);
  const targets = (imports: NonNullable<ImportMap["imports"]>) =>
    Object.fromEntries(
      sorted(imports).flatMap(([name, target]) =>
        target === null ? [] : [[name, placeOfHref(target)]]
      ),
    );
  const scopes = sorted(importMap.scopes)
    .map(([scope, imports]) => [placeOfHref(scope), targets(imports)]);
  const global = Object.keys(importMap.imports).length === 0
    ? []
    : [[null, targets(importMap.imports)]];
  const requiresFiles = usesRequire || tokens.some(({ text }) => text === "createRequire");
  const parts = [
    `const ${PREFIX}base = ${base};`,
    `const ${PREFIX}imports = ${JSON.stringify([...scopes, ...global])};`,
    RESOLVE,
    META,
    ...Array.from(
      placed,
      (source) =>
        `const ${PREFIX}meta${source} = ${PREFIX}meta(${url(placeOf(source))}, ${
          source === entry ? main : false
        });`,
    ),
    ...(usesRequire && tokens.every(({ text }) => text !== CREATE_REQUIRE) ? [IMPORT_REQUIRE] : []),
    ...(usesRequire ? [REQUIRE_OF] : []),
    ...(requiresFiles ? [REQUIRE_FILES] : []),
    ...(usesModule ? [MODULE_OF] : []),
    ...(usesGlob ? [GLOB] : []),
    ...(usesImport ? [IMPORT] : []),
    ...ofMain,
  ];
  return {
    edits,
    prelude: parts.join(" ").replaceAll(/\n\s*/g, " "),
    located: [...located],
  };
}

function fileUrl(path: string): string {
  return `file://${encodePath(path)}`;
}

/** The URL of a place, relative to the folder that places are below. */
function urlOf(place: Place): string {
  return "path" in place ? encodePath(place.path) + (place.query ?? "") : place.url;
}

/** The same as an expression. */
function url(place: Place): string {
  return JSON.stringify(urlOf(place));
}

/** Whether the tokens from `index` on are `import.meta`. */
export function isImportMeta(tokens: readonly Token[], index: number): boolean {
  return tokens[index]!.text === "import" && tokens[index + 1]?.text === "." &&
    tokens[index + 2]?.text === "meta" && tokens[index - 1]?.text !== ".";
}

/** Whether at `index` an `import()` begins whose argument is not one string. */
export function isComputedImport(tokens: readonly Token[], index: number): boolean {
  if (!isImportCall(tokens, index)) return false;
  const isAlone = tokens[index + 3]?.text === "," || closing(tokens, index + 1) === index + 3;
  const argument = tokens[index + 2];
  return !isAlone || argument?.kind !== "literal" || !/^["'`]/.test(argument.text);
}

/** Whether at `index` an `import()` begins. */
export function isImportCall(tokens: readonly Token[], index: number): boolean {
  if (tokens[index]!.text !== "import" || tokens[index + 1]?.text !== "(") return false;
  const isMethod = tokens[closing(tokens, index + 1) + 1]?.text === "{";
  return !isMethod && tokens[index - 1]?.text !== ".";
}

/** A CommonJS module in the tokens of a bundle. */
export interface CommonJsModule {
  /** The index of the `{` of its body. */
  readonly body: number;
  readonly end: number;
  /** Whether it has a `module`. */
  readonly module: boolean;
}

/** `var require_lib = __commonJS({ "lib.cjs"(exports, module) { … } });` */
export function* commonJsModules(tokens: readonly Token[]): Generator<CommonJsModule> {
  for (let index = 0; index < tokens.length; index++) {
    if (tokens[index]!.text !== "__commonJS" || tokens[index + 2]?.text !== "{") continue;
    const parameters = index + 4;
    if (tokens[parameters]?.text !== "(") continue;
    const body = closing(tokens, parameters) + 1;
    const end = closing(tokens, body);
    const module = tokens[parameters + 3]?.text === "module";
    yield { body, end, module };
    index = end;
  }
}

/** What a CommonJS module uses of its surroundings. */
interface Uses {
  file: boolean;
  folder: boolean;
  module: boolean;
  require: boolean;
  /** Whether it may require files beside itself that the bundle does not contain. */
  files: boolean;
}

function usesOf(tokens: readonly Token[], body: number, end: number): Uses {
  const uses: Uses = { file: false, folder: false, module: false, require: false, files: false };
  for (let at = body + 1; at < end; at++) {
    const { kind, text } = tokens[at]!;
    if (kind !== "name" || tokens[at - 1]!.text === ".") continue;
    if (/^globRequire_/.test(text)) uses.require = true;
    if (text === "__filename") uses.file = true;
    else if (text === "__dirname") uses.folder = true;
    else if (text === REQUIRE && !requiresBuiltIn(tokens, at)) {
      uses.require = true;
      uses.files ||= !requiresPackage(tokens, at);
    } else if (text === "module" && !isModuleExports(tokens, at)) uses.module = true;
  }
  return uses;
}

/** `__require("node:fs")`, for which it does not matter where a module is. */
function requiresBuiltIn(tokens: readonly Token[], index: number): boolean {
  return tokens[index + 1]?.text === "(" && /^["']node:/.test(tokens[index + 2]?.text ?? "") &&
    tokens[index + 3]?.text === ")";
}

/** `__require("lodash")`, or `__require.resolve("lodash")`: nothing that lies beside the module. */
function requiresPackage(tokens: readonly Token[], index: number): boolean {
  const call = tokens[index + 1]?.text === "." ? index + 3 : index + 1;
  return tokens[call]?.text !== "(" || /^["'][^."'/]/.test(tokens[call + 1]?.text ?? "");
}

function isModuleExports(tokens: readonly Token[], index: number): boolean {
  return tokens[index + 1]?.text === "." && tokens[index + 2]?.text === "exports";
}
