/** Bundles a program into one JavaScript file, or two: the program, and the runtime that it imports. */

import { PROJECT_FOLDER } from "../core/run_layout.ts";
import { BuildError } from "./build_error.ts";
import { type BundleNotes, noteMissing } from "./bundle_notes.ts";
import { helperEdits } from "./bundler_helpers.ts";
import {
  addOnMessage,
  type DenoBundle,
  denoBundle,
  LAUNCHER,
  mentionsOnly,
} from "./deno_bundle.ts";
import { encodePath, type Entry } from "./entry.ts";
import { readTokens } from "./js_tokens.ts";
import { edited, Mappings } from "./mappings.ts";
import { createPlaces, packageFolder, sourceUrl } from "./module_place.ts";
import { NAME_HELPER, restoreNames } from "./names.ts";
import { placeModules } from "./placed_modules.ts";
import { findQueries } from "./queries.ts";
import { type ImportMap, readImportMap } from "./import_map.ts";
import {
  bundleRuntime,
  type LocalRuntime,
  localRuntime,
  lookUpRuntime,
  type RuntimeFile,
} from "./runtime_bundle.ts";
import {
  joinMap,
  type MappedCode,
  nameSources,
  prependLine,
  shownName,
  traceName,
} from "./source_map.ts";

/** A bundle, and what it refers to and does not contain. */
export interface Bundle extends Omit<BundleNotes, "addOns"> {
  readonly text: string;
  /** The file beside its own that the text imports, if the runtime is separate. */
  readonly runtime?: RuntimeFile;
  /** The URLs here of the modules in it. */
  readonly modules: readonly string[];
  /** The URLs here of the folders of packages whose modules refer to their own places. */
  readonly packages: readonly string[];
}

/** Options for bundling. */
export interface BundleOptions {
  /** The bundle is to be compiled to an executable. @default false */
  readonly forExecutable?: boolean;
  /** As in `BuildOptions`. */
  readonly place?: string;
  /** The absolute path of the root of the project, for a module that is not below it. @default by its place */
  readonly root?: string;
  /** The bundle will lie in that place itself, for a program that loads it from there. @default false */
  readonly isLoaded?: boolean;
  /**
   * The runtime may be a separate file, which is bundled only when it has changed. It is separate if the
   * program imports it from the source that this process runs from. @default false
   */
  readonly runtimeApart?: boolean;
  /** The source map contains the text of the program's modules, for debuggers. @default false */
  readonly withSources?: boolean;
  /** As in `lookUpRuntime()`. */
  readonly runtimeCache?: string;
  readonly signal?: AbortSignal;
}

/**
 * Bundles a program. Types are not checked: that would take longer than everything else.
 *
 * Its modules keep their places: see `placed_modules.ts`.
 *
 * @throws {BuildError} If deno fails, or if the bundle could not run on another machine.
 */
export async function bundle(
  deno: string,
  entry: Entry,
  options: BundleOptions = {},
): Promise<Bundle> {
  const { runtimeApart = false, signal } = options;
  const local = runtimeApart ? localRuntime() : undefined;
  const apart = local === undefined ? undefined : await bundleApart(deno, entry, local, options);
  const bundled = apart?.program ?? await bundleWhole(deno, entry, signal);
  const { code } = bundled;
  const resolves = (code.includes("import.meta") && code.includes("resolve")) ||
    /\bimport\((?!")/.test(code);
  const importMap = resolves ? await readImportMap(entry) : { imports: {}, scopes: {} };
  const finished = finish(bundled, entry, { ...options, importMap });
  return { ...finished, ...(apart?.runtime && { runtime: apart.runtime }) };
}

/** Makes the text of a bundle, and examines it. */
function finish(
  bundled: DenoBundle,
  entry: Entry,
  options: BundleOptions & { readonly importMap: Required<ImportMap> },
): Omit<Bundle, "runtime"> {
  const tokens = readTokens(bundled.code);
  const mappings = new Mappings(bundled);
  const placeOf = createPlaces(projectOf(entry, options));
  const entryUrl = sourceUrl(entry.name, entry);
  const realUrl = realUrlOf(entry);
  // The entry may be a link, which is its place as in Deno.
  const hrefs = bundled.map.sources.map((source) => sourceUrl(source, entry))
    .map((href) => href === realUrl ? entryUrl : href);
  const { withSources = false } = options;
  const map = nameSources(bundled.map, hrefs.map(traceName), { withSources });
  const { addOns, ...notes } = noteMissing({
    tokens,
    mappings,
    sources: hrefs.map((href) => ({ href, name: shownName(href, entry) })),
    absent: bundled.absent,
  });
  const [addOn] = addOns;
  if (addOn !== undefined) {
    throw new BuildError(`Cannot build ${entry.shown}: ${addOnMessage(addOn)}`);
  }
  const { sourcesContent = [] } = bundled.map;
  const queries = findQueries(hrefs.map((href, index) => ({
    href,
    name: map.sources[index]!,
    text: sourcesContent[index] ?? "",
  })));
  if (queries.problem !== undefined) {
    throw new BuildError(`Cannot build ${entry.shown}: ${queries.problem}`);
  }
  const { edits, prelude, located } = placeModules({
    tokens,
    mappings,
    entry: hrefs.indexOf(entryUrl),
    placeOf: (source) => {
      const query = queries.of.get(hrefs[source]!);
      return { ...placeOf(hrefs[source]!), ...(query === undefined ? {} : { query }) };
    },
    placeOfUrl: placeOf,
    main: options.isLoaded ? "import.meta.main" : "true",
    base: baseOf(options),
    importMap: options.importMap,
  });
  const names = restoreNames({ tokens, mappings, map: bundled.map });
  const { code, map: { mappings: moved } } = edited(bundled, [
    ...edits,
    ...names,
    ...helperEdits(tokens),
  ]);
  const helper = names.length === 0 ? "" : NAME_HELPER;
  const first = [helper, prelude].join(" ").trim();
  const text = joinMap(prependLine(first, { code, map: { ...map, mappings: moved } }));
  const packages = new Set(located.flatMap((source) => packageFolder(hrefs[source]!) ?? []));
  return { text, modules: hrefs, packages: [...packages], ...notes };
}

/** The URL here of the entry module, without a link. */
function realUrlOf({ folder, name }: Entry): string {
  return `file://${encodePath(Deno.realPathSync(`${folder}/${name}`))}`;
}

/** Where the project is that modules keep their places in, here and on a node. */
function projectOf(
  entry: Entry,
  { place, root }: Pick<BundleOptions, "place" | "root">,
): { root: string; folder: string } {
  if (place === undefined) return { root: entry.root, folder: "" };
  if (root !== undefined) return { root, folder: PROJECT_FOLDER };
  const path = entry.folder === "/" ? `/${entry.name}` : `${entry.folder}/${entry.name}`;
  return { root: path.slice(0, -place.length - 1) || "/", folder: PROJECT_FOLDER };
}

/** An expression for the URL of the folder with the bundle, which is that of the run. */
function baseOf({ forExecutable = false, isLoaded = false, place }: BundleOptions): string {
  if (isLoaded && place !== undefined) {
    const above = "../".repeat(place.split("/").length);
    return `new URL("${above}", import.meta.url)`;
  }
  if (!forExecutable) return 'new URL("./", import.meta.url)';
  // The modules of an executable have a folder of their own.
  const folder = place === undefined
    ? 'Deno.cwd() + "/"'
    : 'Deno.execPath().slice(0, Deno.execPath().lastIndexOf("/") + 1)';
  return `new URL("file://" + encodeURI(${folder}).replace(/[?#]/g, encodeURIComponent))`;
}

async function bundleWhole(
  deno: string,
  entry: Entry,
  signal: AbortSignal | undefined,
): Promise<DenoBundle> {
  const bundled = await denoBundle(deno, entry, [LAUNCHER], signal);
  // The user may have a module with the same import name.
  return mentionsOnly(bundled.code, LAUNCHER) ? bundled : await denoBundle(deno, entry, [], signal);
}

/** `undefined` if the runtime cannot be separate. There is no `runtime` if the program does not import it. */
async function bundleApart(
  deno: string,
  entry: Entry,
  local: LocalRuntime,
  { runtimeCache, signal }: BundleOptions,
): Promise<{ program: DenoBundle; runtime: RuntimeFile | undefined } | undefined> {
  const looking = lookUpRuntime(local, runtimeCache);
  looking.catch(() => {}); // reported if it is needed
  try {
    const program = await denoBundle(deno, entry, [LAUNCHER, local.module], signal);
    const use = useOf(local, program, entry);
    if (use !== "apart") return use === "none" ? { program, runtime: undefined } : undefined;
    // One after the other: if two processes install esbuild at the same time, Deno may let one fail.
    const runtime = await bundleRuntime(deno, await looking, signal);
    const path = JSON.stringify(`./${runtime.name}`);
    const code = program.code.replaceAll(JSON.stringify(local.module), path);
    return { program: { ...program, code }, runtime };
  } finally {
    // Nothing goes on behind a build.
    await looking.catch(() => {});
  }
}

/** How a bundle uses the external runtime: not at all, by an import, or including parts of it. */
function useOf(
  { module, root }: LocalRuntime,
  { code, map }: MappedCode,
  entry: Entry,
): "none" | "apart" | "whole" {
  if (!mentionsOnly(code, LAUNCHER) || !mentionsOnly(code, module)) return "whole";
  if (!code.includes(JSON.stringify(module))) return "none";
  // Modules that it imports from inside the runtime would be loaded twice.
  const inside = new URL(`file://${encodePath(root)}/src/`).href;
  // The pool is a library on top of the runtime: it is bundled with the program, as is the one stateless
  // module that both use.
  const besides = [`${inside}pool/`, `${inside}core/tracing.ts`];
  const isInside = (source: string) => {
    const href = sourceUrl(source, entry);
    return href.startsWith(inside) && !besides.some((each) => href.startsWith(each));
  };
  return map.sources.some(isInside) ? "whole" : "apart";
}
