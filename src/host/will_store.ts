/** The will files, in which processes leave undelivered data when they end. */

import { messageOf, ProtocolError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { randomId } from "../core/pid.ts";
import { removeTreeOfOther } from "../core/remove_tree.ts";
import { formatMem, GiB, KiB } from "../core/resources.ts";
import type { StoredBytes } from "../core/stored_bytes.ts";
import { MAX_WILL_BYTES } from "../wire/frame.ts";

/** How much the wills of one run may take on the disk of a node while they are being delivered. */
const MAX_RUN_WILL_BYTES: number = 4 * GiB;

/** The folder for short-lived files. */
export function temporaryFolder(): string {
  return (Deno.env.get("TMPDIR") || "/tmp").replace(/(?<=.)\/+$/, "");
}

/** How much is written to find out whether a folder has room. */
const PROBE_BYTES = 4 * KiB;

/** A path for a will in `folder`, such as no other run or user can have, or guess. */
export function newWillPath(folder: string): string {
  return `${folder}/deploy-${Deno.pid}-${randomId()}.will`;
}

/**
 * The folder for wills: that for short-lived files, if files can be written there. Otherwise `null`, and one
 * warning. Where this process has no permission to try, its processes have none either, and know it.
 */
export function willFolder(logger: Logger): string | null {
  const folder = temporaryFolder();
  const path = newWillPath(folder);
  if (Deno.permissions.querySync({ name: "write", path }).state !== "granted") return folder;
  try {
    tryToWrite(path);
    return folder;
  } catch (error) {
    logger.warn(
      `cannot write to ${folder}, the folder for temporary files: ${
        reasonOf(error)
      }; Deno.exit() will throw while ` +
        "values are in transit, and end the process once they have arrived; to avoid that, set TMPDIR to another folder",
    );
    return null;
  }
}

/** The system's message, without the path, which has a random name. */
function reasonOf(error: unknown): string {
  return messageOf(error).replace(/: open '.*$/, "");
}

function tryToWrite(path: string): void {
  const file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  try {
    file.writeSync(new Uint8Array(PROBE_BYTES));
  } finally {
    file.close();
    Deno.removeSync(path);
  }
}

/** Another user leaves wills, who may still change what lies where its processes leave them. */
export interface OtherUsersWills {
  readonly uid: number;
  /** A folder on the same disk, which only this user can enter. */
  readonly taken: string;
}

/** The room on disk for the wills of one run: those that are being delivered, whose files are still there. */
export class WillSpace {
  readonly other: OtherUsersWills | undefined;
  readonly #most: number;
  #used = 0;

  /**
   * @param most In bytes.
   * @param other If another user leaves them.
   */
  constructor(most: number = MAX_RUN_WILL_BYTES, other?: OtherUsersWills) {
    this.#most = most;
    this.other = other;
  }

  /** Takes so many bytes; returns whether there are so many. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#most) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

/** A will that is being delivered: it has no name any more, and is gone when it is closed. */
export interface OpenWill extends StoredBytes, Disposable {}

/**
 * Opens a will file, and removes its name, so that nothing is left of it, however this process ends. Returns
 * `undefined` if there is none.
 *
 * @param space What it takes room in until it is closed.
 * @throws {Error} If the file is not a will, or it or all wills of the run are too large; it is removed nevertheless.
 */
export async function openWill(path: string, space: WillSpace): Promise<OpenWill | undefined> {
  const { other } = space;
  let info: Deno.FileInfo;
  let place = path;
  try {
    if (other !== undefined) {
      // Where it is now, nobody puts anything else in its place.
      place = `${other.taken}/${path.slice(path.lastIndexOf("/") + 1)}`;
      await Deno.rename(path, place);
    }
    info = await Deno.lstat(place);
  } catch {
    // NotFound, in nearly all cases; or this process may not read there, and then no process writes there.
    return undefined;
  }
  const { size } = info;
  let file: Deno.FsFile | undefined;
  try {
    if (other !== undefined && info.uid !== other.uid) {
      throw new Error(`Cannot read the will ${path}: it belongs to somebody else`);
    }
    if (!info.isFile) throw new Error(`Cannot read the will ${path}: it is not a regular file`);
    if (size === 0) throw new Error("the process could not write them to a file");
    if (size > MAX_WILL_BYTES) {
      throw new Error(
        `Cannot read the will ${path}: it is larger than ${formatMem(MAX_WILL_BYTES)}`,
      );
    }
    file = await Deno.open(place);
  } finally {
    await (other !== undefined && info.isDirectory ? removeTreeOfOther : Deno.remove)(place);
  }
  if (!space.take(size)) {
    file.close();
    throw new Error(
      `Cannot read the will ${path}: the wills of this run that are being delivered take more than ` +
        formatMem(MAX_RUN_WILL_BYTES),
    );
  }
  return new WillContents(file, size, space);
}

class WillContents implements OpenWill {
  readonly size: number;
  readonly #file: Deno.FsFile;
  readonly #space: WillSpace;

  constructor(file: Deno.FsFile, size: number, space: WillSpace) {
    this.#file = file;
    this.size = size;
    this.#space = space;
  }

  readInto(target: Uint8Array<ArrayBuffer>, at: number): void {
    try {
      this.#file.seekSync(at, Deno.SeekMode.Start);
      for (let rest = target; rest.length > 0;) {
        const count = this.#file.readSync(rest);
        if (count === null) throw new Error("it ends too early");
        rest = rest.subarray(count);
      }
    } catch (cause) {
      throw new ProtocolError(`its will cannot be read: ${messageOf(cause)}`, { cause });
    }
  }

  [Symbol.dispose](): void {
    this.#file.close();
    this.#space.give(this.size);
  }
}
