/**
 * The runtime of programs, bundled separately: most of a program's code, and the same from one
 * deployment to the next.
 */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { cacheFolder, keep } from "../store/cache_folder.ts";
import { sha256OfText } from "../store/sha256.ts";
import { denoBundle, LAUNCHER } from "./deno_bundle.ts";
import { readProgram } from "./entry.ts";
import { withNames } from "./names.ts";
import { sourceUrl } from "./module_place.ts";
import { joinMap, nameSources, prependLine, shownName } from "./source_map.ts";

/** A runtime with its source on this machine. */
export interface LocalRuntime {
  /** The absolute path of its folder. */
  readonly root: string;
  /** The module that programs import. */
  readonly module: string;
}

/** The runtime as a file beside the program's bundle. */
export interface RuntimeFile {
  readonly name: string;
  readonly text: string;
}

/** The folders of the runtime that programs load. */
export const RUNTIME_FOLDERS: readonly string[] = [
  "src/core",
  "src/codec",
  "src/wire",
  "src/net",
  "src/channel",
  "src/process",
];

/** The inputs of the bundle: those folders, and the files that say which packages they use. */
const FILES = ["mod.ts", "deno.json", "deno.lock"];

/** What is done with the output of deno. */
const STEPS = [
  "deno_bundle.ts",
  "js_tokens.ts",
  "mappings.ts",
  "names.ts",
  "runtime_bundle.ts",
  "source_map.ts",
];

/** The runtime that this program belongs to, if its source is on this machine. */
export function localRuntime(): LocalRuntime | undefined {
  const { protocol, pathname } = new URL("../../mod.ts", import.meta.url);
  if (Deno.build.standalone || protocol !== "file:" || Deno.build.os === "windows") {
    return undefined;
  }
  const module = decodeURIComponent(pathname);
  return { root: dirname(module), module };
}

/** A runtime's bundle that may have to be made. */
export interface WantedRuntime {
  /** The module to bundle. */
  readonly module: string;
  readonly name: string;
  readonly sourceHash: string;
  /** Its path in the cache; `undefined` if the user has no cache folder. */
  readonly path: string | undefined;
  /** The cached bundle, if it was made from the same source by the same deno. */
  readonly kept: string | undefined;
}

/**
 * Finds the name of a runtime's bundle, and the bundle itself if it is cached.
 *
 * @param cache The folder of cached bundles. @default the user's
 */
export async function lookUpRuntime(
  { root, module }: LocalRuntime,
  cache: string | undefined = userCache(),
): Promise<WantedRuntime> {
  const path = cache && `${cache}/${await sha256OfText(root)}.js`;
  const hash = await hashOfSource(root);
  const there = path && readIfThere(path);
  const isRight = there !== undefined && there === await marked(hash, withoutMark(there));
  return {
    module,
    name: `deploy-runtime-${hash.slice(0, 16)}.js`,
    sourceHash: hash,
    path,
    kept: isRight ? there : undefined,
  };
}

/**
 * Returns the cached bundle of the runtime, or makes and caches it: one for each runtime.
 *
 * @throws {BuildError} If deno fails.
 */
export async function bundleRuntime(
  deno: string,
  { module, name, sourceHash, path, kept }: WantedRuntime,
  signal?: AbortSignal,
): Promise<RuntimeFile> {
  if (kept !== undefined) return { name, text: kept };
  const entry = readProgram(module)!;
  const { code, map } = withNames(await denoBundle(deno, entry, [LAUNCHER], signal));
  // The same on all machines, so that a cluster gets it once.
  const names = map.sources.map((source) => `deploy:${shownName(sourceUrl(source, entry), entry)}`);
  // The first line is the marker.
  const unmarked = joinMap(prependLine("", { code, map: nameSources(map, names) }));
  const text = await marked(sourceHash, withoutMark(unmarked));
  if (path !== undefined) await keep(path, text);
  return { name, text };
}

/** A bundle below a marker line with the hashes of its source and its text. */
async function marked(sourceHash: string, bundle: string): Promise<string> {
  return `// ${sourceHash} ${await sha256OfText(bundle)}\n${bundle}`;
}

function withoutMark(text: string): string {
  return text.slice(text.indexOf("\n") + 1);
}

/** A hash of the bundle's inputs and the version of deno. */
async function hashOfSource(root: string): Promise<string> {
  const paths = [...FILES, ...STEPS.map((name) => `src/build/${name}`)]
    .map((name) => `${root}/${name}`);
  for (const folder of RUNTIME_FOLDERS) {
    for (const { name } of Deno.readDirSync(`${root}/${folder}`)) {
      if (name.endsWith(".ts")) paths.push(`${root}/${folder}/${name}`);
    }
  }
  const hashes = [Deno.version.deno];
  for (const path of paths.sort()) {
    hashes.push(path, await sha256OfText(readIfThere(path) ?? ""));
  }
  return await sha256OfText(hashes.join("\n"));
}

function userCache(): string | undefined {
  const folder = cacheFolder((name) => Deno.env.get(name), Deno.build.os);
  return folder && `${folder}/runtimes`;
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // Missing or unreadable: if that matters, deno bundle reports it.
    return undefined;
  }
}
