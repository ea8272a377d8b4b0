/**
 * The runtime of programs, bundled on its own: most of what a program consists of, and the same from one
 * deployment to the next.
 */

import { cacheFolder } from "../store/cache_folder.ts";
import { sha256 } from "../store/sha256.ts";
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
const FOLDERS = ["src/core", "src/wire", "src/channel", "src/process"];
const FILES = ["mod.ts", "deno.json", "deno.lock"];

/** The runtime that this very program belongs to, if that is on this machine as source. */
export function localRuntime(): LocalRuntime | undefined {
  const { protocol, pathname } = new URL("../../mod.ts", import.meta.url);
  if (Deno.build.standalone || protocol !== "file:" || Deno.build.os === "windows") {
    return undefined;
  }
  const module = decodeURIComponent(pathname);
  return { root: module.slice(0, module.lastIndexOf("/")), module };
}

/**
 * Gives the runtime's bundle: made anew, or as it was made from the same source by the same deno. It is kept
 * in the user's cache folder, one for each runtime.
 *
 * @throws {BuildError} If deno fails.
 */
export async function bundleRuntime(
  deno: string,
  { root, module }: LocalRuntime,
  signal?: AbortSignal,
): Promise<RuntimeFile> {
  const cache = cacheFolder((name) => Deno.env.get(name), Deno.build.os);
  const id = await sha256(new TextEncoder().encode(root));
  const kept = cache === undefined ? undefined : `${cache}/runtimes/${id}.js`;
  const hash = await sourceHash(root);
  const name = `deploy-runtime-${hash.slice(0, 16)}.js`;
  const known = kept === undefined ? undefined : readIfThere(kept);
  if (known !== undefined && known === await marked(hash, withoutMark(known))) {
    return { name, text: known };
  }
  const entry = readProgram(module)!;
  const { code, map } = await denoBundle(deno, entry, [LAUNCHER], signal);
  // The first line is the mark's.
  const unmarked = joinMap(prependLine("", { code, map: nameSources(map, entry) }));
  const text = await marked(hash, withoutMark(unmarked));
  if (kept !== undefined) await keep(kept, text);
  return { name, text };
}

/** A bundle below a line that tells of what source it is, and whether it is whole. */
async function marked(sourceHash: string, bundle: string): Promise<string> {
  return `// ${sourceHash} ${await sha256(new TextEncoder().encode(bundle))}\n${bundle}`;
}

function withoutMark(text: string): string {
  return text.slice(text.indexOf("\n") + 1);
}

/** Changes with whatever the bundle is made of, and with the version of deno. */
async function sourceHash(root: string): Promise<string> {
  const paths = FILES.map((name) => `${root}/${name}`);
  for (const folder of FOLDERS) {
    for (const { name } of Deno.readDirSync(`${root}/${folder}`)) {
      if (name.endsWith(".ts")) paths.push(`${root}/${folder}/${name}`);
    }
  }
  const hashes = [Deno.version.deno];
  for (const path of paths.sort()) {
    hashes.push(path, await sha256(new TextEncoder().encode(readIfThere(path) ?? "")));
  }
  return await sha256(new TextEncoder().encode(hashes.join("\n")));
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // Not there, or not to be read: if that matters, deno bundle says so.
    return undefined;
  }
}

async function keep(path: string, text: string): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(draft, text);
    await Deno.rename(draft, path);
  } catch {
    // It is only kept to save time; where nothing can be written, it takes that time.
    await Deno.remove(draft).catch(() => {});
  }
}
