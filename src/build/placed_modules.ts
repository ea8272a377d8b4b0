/**
 * Gives each module of a bundle a place of its own: its own `import.meta`, and to a CommonJS module its
 * `__dirname`, `__filename`, `require` and `module`. In a bundle they would all be those of the bundle.
 */

import { encodePath } from "./entry.ts";
import { closing, type Token } from "./js_tokens.ts";
import type { Edit, Mappings } from "./mappings.ts";
import type { Place } from "./module_place.ts";

/** What replaces the modules' own, and where the bundle gets it from. */
export interface PlacedModules {
  readonly edits: readonly Edit[];
  /** Statements for the first line of the bundle; empty if no module asks for its place. */
  readonly prelude: string;
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
  /** What `import.meta.resolve` finds under names that are no paths or URLs: the URLs here, of an import map. */
  readonly imports: Readonly<Record<string, string | null>>;
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

const RESOLVE = `const ${PREFIX}resolve = (specifier, url) => {
  if (/^\\.{0,2}\\//.test(specifier)) return new URL(specifier, url).href;
  for (const name in ${PREFIX}imports) {
    const isFolder = name.endsWith("/") && specifier.startsWith(name);
    if (name !== specifier && !isFolder) continue;
    const target = ${PREFIX}imports[name] + (isFolder ? specifier.slice(name.length) : "");
    return new URL(target, ${PREFIX}base).href;
  }
  if (URL.canParse(specifier)) return new URL(specifier).href;
  let why = 'Import "' + specifier + '" not a dependency';
  if (Object.keys(${PREFIX}imports).length > 0) why += ' and not in import map from "' + url + '"';
  throw new TypeError(why);
};`;

/** `require` of a CommonJS module. `require.main` is the entry's, if that is a CommonJS module. */
const REQUIRE_OF = `let ${PREFIX}main;
const ${PREFIX}require = (meta) => {
  const require = __deno_internal_createRequire(meta.url);
  if (${PREFIX}main !== undefined) require.main = ${PREFIX}main;
  return require;
};`;

const MODULE_OF = `const ${PREFIX}module = (module, { filename, dirname, main }) =>
  Object.assign(module, { id: main ? "." : filename, filename, path: dirname, loaded: false, paths: [], children: [] });`;

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
  const metaOf = (source: number): string => {
    placed.add(source);
    return `${PREFIX}meta${source}`;
  };
  for (const [index, token] of tokens.entries()) {
    if (!isImportMeta(tokens, index)) continue;
    const source = mappings.before(token.start)?.source;
    if (source === undefined) continue; // of the bundler's own
    edits.push({ start: token.start, end: tokens[index + 2]!.end, text: metaOf(source) });
  }
  let [usesRequire, usesModule] = [false, false];
  for (const { body, end, module } of commonJsModules(tokens)) {
    const source = mappings.after(tokens[body]!.end)?.source;
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
    usesRequire ||= uses.require || isEntry;
    usesModule ||= uses.module;
    const { end: at } = tokens[body]!;
    edits.push({ start: at, end: at, text: ` ${statements.join(" ")}` });
  }
  const isMain = entry >= 0 && options.main === "true";
  const ofMain = !isMain ? [] : mainStatements(tokens, `${PREFIX}meta${entry}`);
  if (ofMain.length > 0) metaOf(entry);
  if (placed.size === 0) return { edits, prelude: "" };
  const { base, imports, main, placeOf } = options;
  const urlOf = (place: Place): string => "path" in place ? encodePath(place.path) : place.url;
  const url = (place: Place): string => JSON.stringify(urlOf(place));
  // The most specific name counts, so it comes first.
  const names = Object.keys(imports).sort((one, other) => other.length - one.length);
  const targets = names.flatMap((name) => {
    const target = imports[name];
    return target === undefined || target === null
      ? []
      : [[name, urlOf(options.placeOfUrl(target))]];
  });
  const parts = [
    `const ${PREFIX}base = ${base};`,
    `const ${PREFIX}imports = ${JSON.stringify(Object.fromEntries(targets))};`,
    RESOLVE,
    META,
    ...Array.from(
      placed,
      (source) =>
        `const ${PREFIX}meta${source} = ${PREFIX}meta(${url(placeOf(source))}, ${
          source === entry ? main : false
        });`,
    ),
    ...(usesRequire ? [REQUIRE_OF] : []),
    ...(usesModule ? [MODULE_OF] : []),
    ...ofMain,
  ];
  return { edits, prelude: parts.join(" ").replaceAll(/\n\s*/g, " ") };
}

/** Whether the tokens from `index` on are `import.meta`. */
export function isImportMeta(tokens: readonly Token[], index: number): boolean {
  return tokens[index]!.text === "import" && tokens[index + 1]?.text === "." &&
    tokens[index + 2]?.text === "meta" && tokens[index - 1]?.text !== ".";
}

/** A CommonJS module in the tokens of a bundle. */
interface CommonJsModule {
  /** The index of the `{` of its body. */
  readonly body: number;
  readonly end: number;
  /** Whether it has a `module`. */
  readonly module: boolean;
}

/** `var require_lib = __commonJS({ "lib.cjs"(exports, module) { … } });` */
function* commonJsModules(tokens: readonly Token[]): Generator<CommonJsModule> {
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
}

function usesOf(tokens: readonly Token[], body: number, end: number): Uses {
  const uses: Uses = { file: false, folder: false, module: false, require: false };
  for (let at = body + 1; at < end; at++) {
    const { kind, text } = tokens[at]!;
    if (kind !== "name" || tokens[at - 1]!.text === ".") continue;
    if (text === "__filename") uses.file = true;
    else if (text === "__dirname") uses.folder = true;
    else if (text === REQUIRE && !requiresBuiltIn(tokens, at)) uses.require = true;
    else if (text === "module" && !isModuleExports(tokens, at)) uses.module = true;
  }
  return uses;
}

/** `__require("node:fs")`, for which it does not matter where a module is. */
function requiresBuiltIn(tokens: readonly Token[], index: number): boolean {
  return tokens[index + 1]?.text === "(" && /^["']node:/.test(tokens[index + 2]?.text ?? "") &&
    tokens[index + 3]?.text === ")";
}

function isModuleExports(tokens: readonly Token[], index: number): boolean {
  return tokens[index + 1]?.text === "." && tokens[index + 2]?.text === "exports";
}
