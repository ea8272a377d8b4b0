/**
 * The logs that bridges have left which had any free port. Nobody asks for them again, since the next bridge has
 * another port, unlike those of a bridge whose port was chosen.
 */

import { removeTree } from "../core/remove_tree.ts";

/** The file in the folder of such a bridge. It has the path of a folder that exists as long as the bridge may run. */
const MARK = "any-port";

/** How long after its last run the logs of such a bridge are kept, for people who look into the files. */
const KEPT_MS = 24 * 60 * 60 * 1_000;

/**
 * Marks the folder of a bridge, which must exist, if it has any free port, or else removes the mark.
 *
 * @param alive A folder that is gone when the bridge is, at the latest when the next one begins.
 */
export async function markAnyPort(folder: string, alive: string | undefined): Promise<void> {
  if (alive === undefined) return await removeTree(`${folder}/${MARK}`);
  await Deno.writeTextFile(`${folder}/${MARK}`, alive, { mode: 0o600 });
}

/** Removes the folders in `parent` of bridges with any free port that have ended, and had no run for 24 hours. */
export async function removeLeftArchives(parent: string, nowMs: number): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(parent)) {
    const folder = `${parent}/${name}`;
    if (isDirectory && await isLeft(folder, nowMs)) await removeTree(folder);
  }
}

async function isLeft(folder: string, nowMs: number): Promise<boolean> {
  try {
    const alive = await Deno.readTextFile(`${folder}/${MARK}`);
    if (await isThere(alive)) return false;
    const { mtime } = await Deno.stat(folder);
    return mtime !== null && nowMs - mtime.getTime() > KEPT_MS;
  } catch (error) {
    // It has no mark, or another bridge has just removed it.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
