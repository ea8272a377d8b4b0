/** Makes a mirrored project on this machine from its tree. */

import { inParallel } from "../core/in_parallel.ts";
import { foldersIn, type Pack, type PackedFile, type Tree } from "../core/tree.ts";
import { reasonOf, StoreError } from "./store_error.ts";

/** The contents of a pack: the path of a file that has them, or the bytes themselves. */
export type PackContents = (pack: Pack, index: number) => Promise<PackData>;
export type PackData = { readonly path: string } | { readonly bytes: Uint8Array<ArrayBuffer> };

export interface MirrorOptions {
  /** The path of the working directory below the root, which is made if it is not in the tree. */
  readonly cwd: string;
  readonly contents: PackContents;
  /** Ends the work. */
  readonly signal?: AbortSignal | undefined;
}

/** How many packs, or links, are written at once. */
const PARALLEL = 4;

/**
 * Makes the folders, links and files of a tree in the empty folder `root`. The tree must have been checked by
 * `checkTree`.
 *
 * Links come last, so that nothing is written through them, and so do the modes of folders, which may forbid
 * to write in them.
 *
 * @throws {StoreError} If something cannot be made; the message names it.
 * @throws The reason of `signal`.
 */
export async function mirror(root: string, tree: Tree, options: MirrorOptions): Promise<void> {
  const { cwd, contents, signal } = options;
  const umask = Deno.build.os === "windows" ? 0 : Deno.umask();
  const at = (path: string) => `${root}/${path}`;
  const modes = new Map(tree.folders.map(({ path, mode }) => [path, mode]));
  for (const path of foldersIn(tree, cwd)) {
    signal?.throwIfAborted();
    // A folder that is there already has a name that this file system does not tell from another one.
    await named(path, () => Deno.mkdir(at(path)));
  }
  await inParallel(tree.packs, PARALLEL, async (pack, index) => {
    const data = await contents(pack, index);
    await writePack(pack, data, { at, umask, signal });
  }, signal);
  await inParallel(tree.links, PARALLEL, async ({ path, target }) => {
    await named(path, () => Deno.symlink(target, at(path)));
  }, signal);
  // The deepest first.
  for (const [path, mode] of [...modes].sort().reverse()) {
    if (mode !== (0o777 & ~umask)) await named(path, () => Deno.chmod(at(path), mode));
  }
}

interface WriteOptions {
  /** Where a path below the root is here. */
  readonly at: (path: string) => string;
  /** The permission bits that new files do not get. */
  readonly umask: number;
  readonly signal: AbortSignal | undefined;
}

async function writePack(
  { files }: Pack,
  data: PackData,
  { at, umask, signal }: WriteOptions,
): Promise<void> {
  const [only, ...others] = files;
  if (only !== undefined && others.length === 0 && "path" in data) {
    return await named(only.path, () => copyNew(data.path, at(only.path), only.mode));
  }
  const bytes = "path" in data ? await Deno.readFile(data.path) : data.bytes;
  let start = 0;
  for (const file of files) {
    signal?.throwIfAborted();
    const end = start + file.size;
    await named(file.path, async () => {
      await writeNew(file, at(file.path), bytes.subarray(start, end));
      if ((file.mode & umask) !== 0) await Deno.chmod(at(file.path), file.mode);
    });
    start = end;
  }
}

/** Not synchronously, though that would be faster: a disk that is slow must not hold up the whole node. */
async function writeNew(
  { mode }: PackedFile,
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  await Deno.writeFile(path, bytes, { createNew: true, mode });
}

async function copyNew(from: string, to: string, mode: number): Promise<void> {
  (await Deno.open(to, { createNew: true, write: true })).close();
  await Deno.copyFile(from, to);
  await Deno.chmod(to, mode);
}

/** Names what could not be made. */
async function named(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const why = cause instanceof Deno.errors.AlreadyExists
      ? "the file system here does not tell its name from that of another file"
      : reasonOf(cause);
    throw new StoreError(`Cannot place ${JSON.stringify(path)}: ${why}`, { cause });
  }
}
