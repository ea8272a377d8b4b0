/** Folders that other users of this machine cannot enter. */

import { StoreError } from "./store_error.ts";

/** The permissions that nobody but the owner may have. */
const OTHERS = 0o077;

/** Whose a folder is, and what is allowed in it, as far as the system tells. */
export interface Access {
  readonly uid: number | null;
  readonly mode: number | null;
}

/**
 * Makes a folder for this user alone, and those above it that are missing; or checks that the one that exists
 * is such a folder.
 *
 * @throws {StoreError} If it belongs to another user, or others may enter it. The message is one line.
 * @throws {Error} Deno's own, if it cannot be made.
 */
export async function privateFolder(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  const why = whyOpen(path, await Deno.stat(path), Deno.uid());
  if (why !== undefined) throw new StoreError(`Cannot use the folder ${path}: ${why}`);
}

/** Makes a folder for this user alone in one that is there, unless there is something of that name. */
export async function makeUnlessThere(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** Why a folder is not that of this user alone, and what to do; `undefined` if it is. Pure. */
export function whyOpen(
  path: string,
  { uid, mode }: Access,
  own: number | null,
): string | undefined {
  if (uid !== null && own !== null && uid !== own) {
    return `it belongs to another user (${uid}, not ${own}), who could change what is in it; ` +
      "name one of your own";
  }
  if (mode !== null && (mode & OTHERS) !== 0) {
    return `other users of this machine may enter it; allow it to yourself alone: chmod 700 ${path}`;
  }
  return undefined;
}
