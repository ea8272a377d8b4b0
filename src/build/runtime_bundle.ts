/**
 * The runtime of programs, bundled on its own: most of what a program consists of, and the same from one
 * deployment to the next.
 */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { cacheFolder, keep } from "../store/cache_folder.ts";
import { sha256OfText } from "../store/sha256.ts";
import { denoBundle, LAUNCHER } from "./deno_bundle.ts";
import { readProgram } from "./entry.ts";
import { joinMap, nameSources, prependLine } from "./source_map.ts";

/** A runtime whose source is on this machine. */
export interface LocalRuntime {
  /** Its folder, as an absolute path. */
  readonly root: string;
  /** The module that programs import. */
  readonly module: string;
}

/** The runtime, as a file that is to lie in the folder above the program's: the program does not see it. */
export interface RuntimeFile {
  readonly name: string;
  readonly text: string;
}

/** What the bundle is made of: besides these folders, what says which packages they use. */
const FOLDERS = ["src/core", "src/codec", "src/wire", "src/net", "src/channel", "src/process"];
const FILES = ["mod.ts", "deno.json", "deno.lock"];

/** The runtime that this very program belongs to, if that is on this machine as source. */
export function localRuntime(): LocalRuntime | undefined {
  const { protocol, pathname } = new URL("../../mod.ts", import.meta.url);
  if (Deno.build.standalone || protocol !== "file:" || Deno.build.os === "windows") {
    return undefined;
  }
  const module = decodeURIComponent(pathname);
  return { root: dirname(module), module };
}

/** A runtime's bundle before it is made. */
export interface WantedRuntime {
  /** The module to bundle. */
  readonly module: string;
  readonly name: string;
  readonly sourceHash: string;
  /** Where it is kept; `undefined` if the user has no cache folder. */
  readonly path: string | undefined;
  /** What is kept there, if that was made of the same source by the same deno. */
  readonly kept: string | undefined;
}

/** Tells what the bundle of a runtime is to be called, and whether the user's cache folder has it. */
export async function lookUpRuntime({ root, module }: LocalRuntime): Promise<WantedRuntime> {
  const cache = cacheFolder((name) => Deno.env.get(name), Deno.build.os);
  const path = cache && `${cache}/runtimes/${await sha256OfText(root)}.js`;
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
 * Gives the runtime's bundle as it was kept, or makes it and keeps it: one for each runtime.
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
  const { code, map } = await denoBundle(deno, entry, [LAUNCHER], signal);
  // The first line is the mark's.
  const unmarked = joinMap(prependLine("", { code, map: nameSources(map, entry) }));
  const text = await marked(sourceHash, withoutMark(unmarked));
  if (path !== undefined) await keep(path, text);
  return { name, text };
}

/** A bundle below a line that tells of what source it is, and whether it is whole. */
async function marked(sourceHash: string, bundle: string): Promise<string> {
  return `// ${sourceHash} ${await sha256OfText(bundle)}\n${bundle}`;
}

function withoutMark(text: string): string {
  return text.slice(text.indexOf("\n") + 1);
}

/** Changes with whatever the bundle is made of, and with the version of deno. */
async function hashOfSource(root: string): Promise<string> {
  const paths = FILES.map((name) => `${root}/${name}`);
  for (const folder of FOLDERS) {
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

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // Not there, or not to be read: if that matters, deno bundle says so.
    return undefined;
  }
}
