/** The folders of another user, as whom programs run, in a place that is this user's. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { makeUnlessThere } from "./private_folder.ts";
import { reasonOf, StoreError } from "./store_error.ts";

/** That user. */
export interface OtherUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Others may enter, and neither list nor change what is there. */
const ENTERABLE = 0o711;

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;

/** Those of its group may make files there, and list none. */
const WRITABLE = 0o730;

/** Makes a folder that others may enter, in one that is this user's. */
export async function enterableFolder(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true });
  await Deno.chmod(path, ENTERABLE); // whatever this process leaves out
}

/** Makes a folder in which that user may write files, each of which is known to whoever knows its name. */
export async function writableFolder(path: string, { gid }: OtherUser): Promise<void> {
  await Deno.mkdir(path, { mode: 0o700 });
  await Deno.chown(path, null, gid);
  await Deno.chmod(path, WRITABLE);
}

/**
 * Makes the folder for what is that user's, beside the store, whose path has no links; or checks that the one that exists
 * is this user's, before it changes anything.
 *
 * @returns Its path.
 * @throws {StoreError} If others could change what is in it, or put something else in its place.
 */
export async function folderForOther(store: string, { name }: OtherUser): Promise<string> {
  const path = `${store}.${name}`;
  const why = whyUnsafe(await onTheWay(dirname(path)), Deno.uid());
  if (why !== undefined) throw unsafe(path, why);
  await makeUnlessThere(path);
  // Of the folder itself, not of what a link leads to; and before anything is changed.
  const { isDirectory, uid, mode } = await Deno.lstat(path);
  if (!isDirectory || uid !== Deno.uid() || ((mode ?? 0) & OTHERS_WRITE) !== 0) {
    throw unsafe(path, "others could change what is in it");
  }
  await Deno.chmod(path, ENTERABLE);
  return path;
}

function unsafe(path: string, why: string): StoreError {
  return new StoreError(`Cannot use the folder ${path}: ${why}; name another place with --store`);
}

/** A folder, and who may change what is in it. */
export interface Changeable {
  readonly path: string;
  readonly uid: number | null;
  readonly mode: number | null;
}

/**
 * Why somebody else than this user and root could put another folder into the place of one below these, each of which
 * is in the next; `undefined` if nobody could. Pure.
 */
export function whyUnsafe(folders: readonly Changeable[], own: number | null): string | undefined {
  for (const { path, uid, mode } of folders) {
    if (uid !== 0 && uid !== own) return `${path} belongs to another user (${uid})`;
    const others = (mode ?? 0) & OTHERS_WRITE;
    // In a sticky folder, what is this user's can be moved by nobody else.
    if (others !== 0 && ((mode ?? 0) & STICKY) === 0) {
      return `others may move what is in ${path}`;
    }
  }
  return undefined;
}

/** A folder, and those that it is in, up to the root. Its path has no links. */
async function onTheWay(path: string): Promise<Changeable[]> {
  const { uid, mode } = await Deno.lstat(path);
  const above = dirname(path);
  return [{ path, uid, mode }, ...above === path ? [] : await onTheWay(above)];
}

/**
 * Gives a folder with its contents to that user; links are not followed. The folder itself comes last, so that the user
 * changes nothing before that.
 *
 * @throws {StoreError} If that is not possible.
 */
export async function giveTree(path: string, { name, uid, gid }: OtherUser): Promise<void> {
  const args = ["-hR", `${uid}:${gid}`, "--", path];
  try {
    const { success, stderr } = await new Deno.Command("chown", { args, stdin: "null" }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr).trim().split("\n").at(-1));
  } catch (cause) {
    throw new StoreError(`Cannot give ${path} to ${name}: ${reasonOf(cause)}`, { cause });
  }
}
