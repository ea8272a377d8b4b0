/** Runs `deno bundle`, and explains its errors. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";
import { BuildError } from "./build_error.ts";
import { encodePath, type Entry } from "./entry.ts";
import { modulesInError, packagesWithOtherEntry } from "./main_entries.ts";
import { sourceUrl } from "./module_place.ts";
import { runDeno } from "./run_deno.ts";
import { leadToFiles } from "./printed_sources.ts";
import { makeShadow, readEntries } from "./shadow.ts";
import { absentInErrors, importsAtStart } from "./absent_modules.ts";
import { type Edit, edited } from "./mappings.ts";
import { alignLines, type MappedCode, splitMap } from "./source_map.ts";

/**
 * The modules that `init()` imports only in the process that a user starts: a third of the runtime,
 * never needed on a node.
 */
export const LAUNCHER = "../local/launcher.ts";
const LAUNCHER_IMPORT = `{ launch } = await import("${LAUNCHER}")`;

/** How often a bundle is made again without what packages lack. */
const MAX_ATTEMPTS = 20;

/** What `deno bundle` makes. */
export interface DenoBundle extends MappedCode {
  /** The modules that it loads when it runs, and that are not there: absolute paths, or names as written. */
  readonly absent: readonly string[];
}

/**
 * Bundles a module, with the entries of packages that `deno run` takes. The modules named by `externals` are not bundled but imported: specifiers as written
 * in the modules, or absolute paths, which become the specifiers.
 *
 * What a package requires and is not there is left to the package, as in deno: it throws when it is required. So it
 * is with what the project loads by `import()` or `require()`.
 *
 * @throws {BuildError} If deno fails.
 */
export async function denoBundle(
  deno: string,
  entry: Entry,
  externals: readonly string[],
  signal: AbortSignal | undefined,
): Promise<DenoBundle> {
  const first = await bundleLacking(deno, entry, { externals, signal }).catch((error) => {
    if (error instanceof BuildError) return error;
    throw error;
  });
  const folderUrl = `file://${encodePath(entry.folder)}/`;
  const modules = first instanceof BuildError
    ? modulesInError(first.details, folderUrl)
    : first.map.sources.map((source) => sourceUrl(source, entry));
  const read = (href: string) => readEntries(decodeURIComponent(new URL(href).pathname));
  const [packageHref] = packagesWithOtherEntry(modules, read);
  using shadow = packageHref === undefined
    ? undefined
    : await makeShadow({ deno, entry, packageHref, signal });
  if (shadow === undefined) {
    if (first instanceof BuildError) throw first;
    return first;
  }
  try {
    const { env } = shadow;
    const { absent, ...bundled } = await bundleLacking(deno, shadow.entry, {
      externals,
      env,
      signal,
    });
    const moves = absent.map((path) => [path, shadow.realText(path)] as const);
    const { code, map } = edited(bundled, moves.flatMap((move) => renamed(bundled.code, ...move)));
    const real = (source: string) => shadow.real(sourceUrl(source, shadow.entry));
    const sources = map.sources.map(real);
    return { code, map: { ...map, sources }, absent: moves.map(([, path]) => path) };
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    const details = shadow.realText(error.details);
    throw new BuildError(shadow.realText(error.message), { cause: error, details });
  }
}

/** How to bundle. */
interface BundleTask {
  readonly externals: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
}

/** Bundles a module without what packages lack, and what the project loads when it runs. */
async function bundleLacking(deno: string, entry: Entry, task: BundleTask): Promise<DenoBundle> {
  const all = new Set(task.externals);
  const absent = new Set<string>();
  let first: unknown;
  for (let attempt = 1;; attempt++) {
    try {
      const externals = [...all, ...absent];
      const bundled = await bundleOnce(deno, entry, { ...task, externals });
      if (importsAtStart(bundled.code, [...absent])) throw first;
      return { ...bundled, absent: [...absent] };
    } catch (error) {
      first ??= error;
      const details = error instanceof BuildError ? error.details : "";
      const before = all.size + absent.size;
      for (const name of lackingOfPackages(details)) all.add(name);
      for (const name of absentInErrors(details)) absent.add(name);
      if (all.size + absent.size === before || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** Edits that put a string in place of another one. */
function renamed(code: string, from: string, to: string): Edit[] {
  const edits: Edit[] = [];
  const [quoted, text] = [JSON.stringify(from), JSON.stringify(to)];
  for (let start = code.indexOf(quoted); start >= 0; start = code.indexOf(quoted, start + 1)) {
    edits.push({ start, end: start + quoted.length, text });
  }
  return edits;
}

/** A module that could not be found, and where it is imported. */
const LACKING =
  /(?:Could not resolve "([^"]+)"|Could not convert path to URL\.\s+Path: (\S+))\s+at (file:\S+)/g;

/** The modules that packages import and that are not there. A package may do without them. */
export function lackingOfPackages(details: string): string[] {
  return Array.from(details.matchAll(LACKING)).flatMap(([, first, second, place = ""]) =>
    /\/(?:npm|node_modules)\//.test(place) ? [first ?? second ?? ""] : []
  );
}

async function bundleOnce(
  deno: string,
  entry: Entry,
  { externals, env = {}, signal }: BundleTask,
): Promise<MappedCode> {
  // Deno 2.6 takes names like "fs" in CommonJS modules only with that flag.
  const always = ["bundle", "--quiet", "--sourcemap=inline", "--allow-import"];
  always.push("--unstable-bare-node-builtins");
  const output = await runDeno({
    deno,
    entry,
    env,
    args: [
      ...always,
      ...entry.flags,
      ...externals.map((name) => `--external=${name}`),
      `./${entry.name}`,
    ],
    explain,
    ...(signal === undefined ? {} : { signal }),
  });
  const parts = splitMap(new TextDecoder().decode(output));
  if (parts !== undefined) {
    const { code, map } = alignLines(parts);
    return { code, map: leadToFiles(map, (source) => textAt(sourceUrl(source, entry))) };
  }
  throw new BuildError(`Cannot build ${entry.shown}: deno bundle made no source map`);
}

function textAt(href: string): string | undefined {
  if (!href.startsWith("file:")) return undefined;
  try {
    return Deno.readTextFileSync(new URL(href));
  } catch (error) {
    // A module that the bundler has made has no file.
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Whether a bundle uses the external of that name, if at all, only in an import. */
export function mentionsOnly(code: string, external: string): boolean {
  const quoted = JSON.stringify(external);
  const imports = external === LAUNCHER
    ? [LAUNCHER_IMPORT]
    : [` from ${quoted};\n`, `\nimport ${quoted};\n`, `import(${quoted})`];
  const found = imports.reduce((sum, text) => sum + count(code, text), 0);
  return count(code, quoted) === found;
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

function explain(output: string): string | undefined {
  const addOn = /No loader is configured for "\.node" files: (\S+)/.exec(output)?.[1];
  if (addOn !== undefined) return addOnMessage(basename(addOn));
  const wasm = /Wasm modules are not implemented[^\n]*\n\s+at (file:\S+)/.exec(output)?.[1];
  if (wasm !== undefined) {
    return `this version of deno cannot bundle WebAssembly modules, at ${wasm}; use a newer one, or --release`;
  }
  if (!/failed to download esbuild|failed loading \S+\/@esbuild/i.test(output)) return undefined;
  const certificate = output.includes("invalid peer certificate")
    ? "; where the network has an authority of its own, set DENO_TLS_CA_STORE=system"
    : "";
  return "deno bundle needs the npm package esbuild, which could not be downloaded; " +
    `once is enough, so run deno bundle where there is a network${certificate}`;
}

/** The message about a native add-on. */
export function addOnMessage(name: string): string {
  return `${name} is a native add-on, which no bundle can have in it; use --release, ` +
    "and --include for the file";
}
