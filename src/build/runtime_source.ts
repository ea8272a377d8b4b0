/** The source of the runtime: on this machine, or in the executable that this process runs from. */

import { cacheFolder, keep } from "../store/cache_folder.ts";
import { sha256OfText } from "../store/sha256.ts";
import { RUNTIME_FOLDERS } from "./runtime_bundle.ts";

/**
 * What an executable needs in it to have the source of the runtime, by path in the repository: flags of
 * `deno compile`.
 */
export const EMBEDDED: readonly string[] = ["mod.ts", ...RUNTIME_FOLDERS, "src/pool"];

/**
 * The absolute path of a folder with the runtime's source. That of an executable is written to the user's cache
 * folder, where deno can read it.
 *
 * @returns `undefined` if there is none: the executable was made without it, or there is no cache folder.
 */
export async function runtimeSource(): Promise<string | undefined> {
  const { protocol, pathname } = new URL("../../", import.meta.url);
  if (protocol !== "file:" || Deno.build.os === "windows") return undefined;
  const root = decodeURIComponent(pathname).replace(/\/$/, "");
  if (!Deno.build.standalone) return root;
  const cache = cacheFolder((name) => Deno.env.get(name), Deno.build.os);
  const files = readEmbedded(root);
  if (cache === undefined || files.size === 0) return undefined;
  const folder = `${cache}/runtime-source/${await sha256OfText(JSON.stringify([...files]))}`;
  await Promise.all(Array.from(files, async ([path, text]) => {
    if (!await isFile(`${folder}/${path}`)) await keep(`${folder}/${path}`, text);
  }));
  return await isFile(`${folder}/mod.ts`) ? folder : undefined;
}

/** The texts of the embedded files, by path; none if they are not there. */
function readEmbedded(root: string): Map<string, string> {
  const files = new Map<string, string>();
  try {
    for (const path of EMBEDDED) {
      const names = path.endsWith(".ts") ? [path] : Array.from(
        Deno.readDirSync(`${root}/${path}`),
        ({ name }) => `${path}/${name}`,
      ).filter((name) => name.endsWith(".ts"));
      for (const name of names.sort()) files.set(name, Deno.readTextFileSync(`${root}/${name}`));
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Map();
    throw error;
  }
  return files;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    // Missing, or not to be read.
    return false;
  }
}
