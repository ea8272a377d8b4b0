/** Where what can be made or fetched again is kept. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";

/**
 * The folder below the user's cache folder that is this project's own, as the system's custom has it;
 * `undefined` if the user has no home. It need not be there yet.
 */
export function cacheFolder(
  variable: (name: string) => string | undefined,
  os: typeof Deno.build.os,
): string | undefined {
  const set = (name: string) => variable(name) || undefined;
  if (os === "windows") return below(set("LOCALAPPDATA"), "\\deploy");
  const home = set("HOME");
  if (os === "darwin") return below(home, "/Library/Caches/deploy");
  // The standard says that a relative path there is to be ignored.
  const xdg = set("XDG_CACHE_HOME");
  return below(xdg?.startsWith("/") ? xdg : below(home, "/.cache"), "/deploy");
}

/**
 * Keeps a file there, to save time: whole, or not at all. Where nothing can be written, it is done
 * without.
 */
export async function keep(
  path: string,
  contents: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await (typeof contents === "string"
      ? Deno.writeTextFile(draft, contents)
      : Deno.writeFile(draft, contents));
    await Deno.rename(draft, path);
  } catch {
    // What it would have saved is done again.
    await Deno.remove(draft).catch(() => {});
  }
}

function below(folder: string | undefined, path: string): string | undefined {
  return folder === undefined ? undefined : folder + path;
}
