/** The files to ship with a program: `--include`. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";
import { UsageError } from "../core/usage_error.ts";
import { below, contains } from "./project.ts";

/** A file to ship with the program. */
export interface LocalFile {
  /** Its path here. */
  readonly source: string;
  /** Its path below the root of the project, with `/` as the separator. */
  readonly path: string;
  readonly executable: boolean;
}

/**
 * The files at `paths`, and all files below those that are folders.
 *
 * A path below `folder`, the root of the project, keeps its place relative to it; any other is placed under its
 * last component. Links are followed.
 *
 * @throws {UsageError} If a path is neither, a link points to a folder that contains it, or two files
 * would have the same place.
 */
export async function includedFiles(
  paths: readonly string[],
  folder: string,
): Promise<LocalFile[]> {
  const found = new Map<string, LocalFile>();
  for (const path of paths) {
    const absolute = await realPath(path);
    const place = contains(folder, absolute) ? below(folder, absolute) : basename(absolute);
    for await (const file of filesBelow(absolute, absolute === folder ? "" : place)) {
      const other = found.get(file.path);
      if (other !== undefined && other.source !== file.source) {
        throw new UsageError(
          `--include ${file.source} and ${other.source} would both be ${file.path}; rename one`,
        );
      }
      found.set(file.path, file);
    }
  }
  return [...found.values()];
}

/** `above` are the real paths of the folders above it. */
async function* filesBelow(
  source: string,
  path: string,
  above: readonly string[] = [],
): AsyncGenerator<LocalFile> {
  const info = await Deno.stat(source);
  if (info.isFile) {
    yield { source, path, executable: ((info.mode ?? 0) & 0o111) !== 0 };
  } else if (info.isDirectory) {
    const real = await Deno.realPath(source);
    if (above.includes(real)) {
      throw new UsageError(`--include ${source} links back to ${real}, which contains it`);
    }
    const names: string[] = [];
    for await (const { name } of Deno.readDir(source)) names.push(name);
    for (const name of names.sort()) {
      const place = path === "" ? name : `${path}/${name}`;
      yield* filesBelow(`${source}/${name}`, place, [...above, real]);
    }
  } else {
    throw new UsageError(`--include ${source} is neither a file nor a folder`);
  }
}

async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new UsageError(`--include ${path}: there is no such file or folder`);
    }
    throw cause;
  }
}
