/** The folder for data that can be made or fetched again. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";

/**
 * This project's folder below the user's cache folder, following the system's convention;
 * `undefined` if the user has no home folder. It may not exist yet.
 */
export function cacheFolder(
  variable: (name: string) => string | undefined,
  os: typeof Deno.build.os,
): string | undefined {
  const set = (name: string) => variable(name) || undefined;
  if (os === "windows") return below(set("LOCALAPPDATA"), "\\deploy");
  const home = set("HOME");
  if (os === "darwin") return below(home, "/Library/Caches/deploy");
  // The XDG standard says that a relative path is to be ignored.
  const xdg = set("XDG_CACHE_HOME");
  return below(xdg?.startsWith("/") ? xdg : below(home, "/.cache"), "/deploy");
}

/**
 * Caches a file there, atomically. Where nothing can be written, this has no effect.
 */
export async function keep(
  path: string,
  contents: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await (typeof contents === "string"
      ? Deno.writeTextFile(draft, contents)
      : Deno.writeFile(draft, contents));
    await Deno.rename(draft, path);
  } catch {
    // The cached work is repeated the next time.
    await Deno.remove(draft).catch(() => {});
  }
}

function below(folder: string | undefined, path: string): string | undefined {
  return folder === undefined ? undefined : folder + path;
}
