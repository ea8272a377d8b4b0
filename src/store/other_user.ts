/** The folders of another user, as whom programs run, in a place that is this user's. */

import { reasonOf, StoreError } from "./store_error.ts";

/** That user. */
export interface OtherUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Others may enter, and neither list nor change what is there. */
const ENTERABLE = 0o711;

/** Those of its group may make files there, and list none. */
const WRITABLE = 0o730;

/** Makes a folder that others may enter; those above it are there. */
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
 * Makes the folder for what is that user's, beside the store, and those above it that are missing; or checks that the
 * one that exists is this user's.
 *
 * @returns Its path, without symbolic links.
 * @throws {StoreError} If nobody else may be let into the one that exists, since others could change it.
 */
export async function folderForOther(store: string, { name }: OtherUser): Promise<string> {
  const path = `${store}.${name}`;
  await enterableFolder(path);
  const { uid, mode } = await Deno.stat(path);
  if (uid !== Deno.uid() || ((mode ?? 0) & 0o022) !== 0) {
    throw new StoreError(`Cannot use the folder ${path}: others could change what is in it`);
  }
  return path;
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
