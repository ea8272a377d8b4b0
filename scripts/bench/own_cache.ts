/** A cache of Deno's that nobody else uses. */

import { run } from "./tools.ts";

/** Npm packages, and the esbuild of `deno bundle`. */
const DOWNLOADED = ["npm", "dl"];

/** The cache that Deno uses now. */
export async function denoDir(): Promise<string> {
  const { stdout } = await run(Deno.execPath(), ["info", "--json"]);
  return (JSON.parse(stdout) as { denoDir: string }).denoDir;
}

/**
 * Makes a folder that can be a `DENO_DIR`. It has what was downloaded to the one that there is.
 *
 * Each version of Deno throws away what another one has compiled. Where two are at work, in tests for one,
 * every start of a process would be measured without what is cached of it, which is not what users have.
 */
export async function ownCache(): Promise<AsyncDisposable & { readonly folder: string }> {
  const current = await denoDir();
  const folder = await Deno.makeTempDir({ prefix: "deploy-bench-" });
  for (const name of DOWNLOADED) {
    await Deno.mkdir(`${current}/${name}`, { recursive: true });
    await Deno.symlink(`${current}/${name}`, `${folder}/${name}`, { type: "dir" });
  }
  return {
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
