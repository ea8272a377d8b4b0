/** A separate cache for Deno. */

import { run } from "./tools.ts";

/** Npm packages, and the esbuild of `deno bundle`. */
const DOWNLOADED = ["npm", "dl"];

/** Deno's current cache. */
export async function denoDir(): Promise<string> {
  const { stdout } = await run(Deno.execPath(), ["info", "--json"]);
  return (JSON.parse(stdout) as { denoDir: string }).denoDir;
}

/**
 * Makes a folder for use as `DENO_DIR`, with the downloads of the current one.
 *
 * Each version of Deno discards the compiled code of another. If two are in use, as in tests,
 * every start of a process would be measured without cached code, unlike that of users.
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
