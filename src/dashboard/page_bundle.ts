/** Bundles the script of the page with `deno bundle`, and keeps it until its source changes. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { BuildError } from "../build/build_error.ts";
import { readProgram } from "../build/entry.ts";
import { findDeno } from "../build/find_deno.ts";
import { runDeno } from "../build/run_deno.ts";
import { cacheFolder, keep } from "../store/cache_folder.ts";
import { sha256OfText } from "../store/sha256.ts";

/** The folders with the modules that the script is made of, from the project's root. */
const FOLDERS = [
  "src/core",
  "src/run",
  "src/terminal",
  "src/dashboard",
  "src/dashboard/model",
  "src/dashboard/page",
];

const ENTRY = "src/dashboard/page/main.tsx";
const STYLE = "src/dashboard/page/style.css";

export interface BundleOptions {
  /** The deno that bundles. @default the one that {@linkcode findDeno} finds */
  readonly deno?: string;
  /** The folder where the script is kept; `undefined` keeps none. @default below the user's cache folder */
  readonly cache?: string | undefined;
}

/** The root of this project's source, if it is on this machine. */
function pageSource(): string | undefined {
  const { protocol, pathname } = new URL("../../mod.ts", import.meta.url);
  return protocol === "file:" ? dirname(decodeURIComponent(pathname)) : undefined;
}

/**
 * The script and the style of the page.
 *
 * @throws {BuildError} If it cannot be bundled.
 */
export async function bundlePage(
  options: BundleOptions = {},
): Promise<{ script: string; style: string }> {
  const root = pageSource();
  if (root === undefined) {
    throw new BuildError(
      "Cannot make the dashboard's page: the source of deploy is not on this machine",
    );
  }
  const style = await Deno.readTextFile(`${root}/${STYLE}`);
  const cache = "cache" in options ? options.cache : ownCache();
  const path = cache && `${cache}/${await sha256OfText(await sourceOf(root))}.js`;
  const kept = path === undefined ? undefined : await readKept(path);
  if (kept !== undefined) return { script: kept, style };
  const script = await bundle(root, options.deno ?? await findDeno());
  if (path !== undefined) await keep(path, await marked(script));
  return { script, style };
}

async function bundle(root: string, deno: string): Promise<string> {
  const entry = readProgram(`${root}/${ENTRY}`);
  if (entry === undefined) throw new BuildError(`Cannot make the dashboard's page: no ${ENTRY}`);
  const args = ["bundle", "--quiet", "--platform=browser", "--minify", `./${entry.name}`];
  const output = await runDeno({ deno, entry, args, explain: () => undefined });
  return new TextDecoder().decode(output);
}

function ownCache(): string | undefined {
  const folder = cacheFolder((name) => Deno.env.get(name), Deno.build.os);
  return folder && `${folder}/dashboard`;
}

/** The inputs of the bundle, as one text. */
async function sourceOf(root: string): Promise<string> {
  const paths = ["deno.json", "deno.lock"];
  for (const folder of FOLDERS) {
    for await (const { name, isFile } of Deno.readDir(`${root}/${folder}`)) {
      if (isFile) paths.push(`${folder}/${name}`);
    }
  }
  const texts = await Promise.all(
    paths.sort().map(async (path) => `${path}\n${await Deno.readTextFile(`${root}/${path}`)}`),
  );
  return [Deno.version.deno, ...texts].join("\n");
}

/** A script below a line with its hash, so that one that was cut or changed is not used. */
async function marked(script: string): Promise<string> {
  return `// ${await sha256OfText(script)}\n${script}`;
}

async function readKept(path: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch {
    return undefined; // it has not been made yet, or cannot be read
  }
  const script = text.slice(text.indexOf("\n") + 1);
  return text === await marked(script) ? script : undefined;
}
