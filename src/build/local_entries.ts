/** Looks at files and folders of a project, with errors that name what cannot be shipped. */

import { UsageError } from "../core/usage_error.ts";
import { reasonOf } from "../store/store_error.ts";

/** `undefined` if it does not exist. */
export function look(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    return noneIfMissing(error, path);
  }
}

/** `undefined` if it does not lead to anything. */
export function realPath(path: string): string | undefined {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    return noneIfMissing(error, path);
  }
}

function noneIfMissing(error: unknown, path: string): undefined {
  if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return;
  if (error instanceof Deno.errors.FilesystemLoop) return;
  throw refusal(path, reasonOf(error));
}

/** What is in `folder`, sorted by name. `path` is its name in errors. */
export function entriesOf(folder: string, path: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)].sort((one, other) => one.name < other.name ? -1 : 1);
  } catch (error) {
    throw refusal(path, reasonOf(error));
  }
}

/** The permission bits, or those given where there are none. */
export function modeOf({ mode }: Deno.FileInfo, otherwise: number): number {
  return mode === null ? otherwise : mode & 0o777;
}

/** What something is called that is neither a file, a folder nor a link. */
export function kindOf(info: Deno.FileInfo): string {
  if (info.isFifo) return "a FIFO";
  if (info.isSocket) return "a socket";
  return "a device";
}

/** The error for something that cannot be shipped. */
export function refusal(path: string, why: string): UsageError {
  return new UsageError(
    `Cannot ship ${JSON.stringify(path)}: ${why}; rename it, or leave it out with --exclude`,
  );
}
