/** A folder whose owner listens in it: that of one run on this host, with the sockets of its node and processes. */

import { messageOf } from "../core/errors.ts";
import { HeldFolder } from "../core/held_folder.ts";
import type { Logger } from "../core/logger.ts";
import { randomId } from "../core/pid.ts";
import { removeTree, removeTreeOfOther } from "../core/remove_tree.ts";
import {
  listen,
  MAX_SOCKET_PATH_BYTES,
  outgoingSocket,
  type TransportListener,
} from "../net/transport.ts";

/** How the folders are named; short, since the path of a socket is limited. */
const NAME = /^(dpl|dpu)-[0-9a-f]{16}$/;
const RANDOM_DIGITS = 16;

/** How the names begin: of a folder of this user, and of one that contains the {@linkcode INNER} one for another user. */
const OWN = "dpl";
const FOR_OTHER = "dpu";

/**
 * What another user owns is in a folder that only this one can change: so it cannot be moved to where nobody looks, as
 * its owner could do in the folder for temporary files.
 */
const INNER = "s";

/** Another user who is to listen and connect in a folder. */
export interface FolderUser {
  readonly uid: number;
  readonly gid: number;
  /**
   * A group that only those of this run have: the folder stays this user's then, so that they can neither move it nor let
   * others in, and processes of other runs cannot enter. @default all that are of that user can, and own it
   */
  readonly group: number | undefined;
}

/** The name of the node's socket; that of a process is the id in its Pid. */
const NODE_SOCKET = "node";

/** What its owner may do, its group may. */
const OF_GROUP = 0o770;

/** A folder without a node's socket is one that is being made, unless it is older than that. */
const MAKING_MS = 60_000;

/** How many entries of the temporary folder are looked at, since it may hold any number. */
const MAX_ENTRIES = 10_000;

/**
 * A new folder that only this user can enter, so that nobody else can connect to what listens in it.
 *
 * It is removed at the end of the run; by the watchdog, if the node is killed; and else by the next run.
 */
export class SocketFolder {
  /** Where the sockets are. */
  readonly path: string;
  /** What is removed at the end. */
  readonly #outer: string;
  readonly #other: FolderUser | undefined;
  /** If it is for this user, whose programs can move it. */
  readonly #held: HeldFolder | undefined;

  private constructor(outer: string, other: FolderUser | undefined) {
    this.#outer = outer;
    this.path = isOwnedBy(other) ? `${outer}/${INNER}` : outer;
    this.#other = other;
    this.#held = other === undefined ? new HeldFolder(outer) : undefined;
  }

  /**
   * Makes a folder in `parent`; `undefined` where Unix sockets cannot be used: the system has none, the
   * path would be too long, other users could enter the folder, or a permission is missing.
   *
   * @param other Who is to use it, once it is {@linkcode SocketFolder.give | given}. @default this user
   */
  static make(parent: string, logger: Logger, other?: FolderUser): SocketFolder | undefined {
    const isInner = isOwnedBy(other);
    const begin = isInner ? FOR_OTHER : OWN;
    const outer = `${parent}/${begin}-${randomId().slice(0, RANDOM_DIGITS)}`;
    const why = unusable(isInner ? `${outer}/${INNER}` : outer) ?? tryMake(outer, isInner);
    if (why === undefined) return new SocketFolder(outer, other);
    logger.debug(`processes use TCP, not Unix sockets: ${why}`);
    return undefined;
  }

  get canMove(): boolean {
    return this.#held !== undefined;
  }

  /** What is to be removed if this process is killed, where it is now; `undefined` if it is not found. */
  where(): string | undefined {
    return this.#held === undefined ? this.#outer : this.#held.where();
  }

  /** The path of the node's socket. */
  get node(): string {
    return `${this.path}/${NODE_SOCKET}`;
  }

  /** The path of the socket of the process with that id. */
  process(id: string): string {
    return `${this.path}/${id}`;
  }

  /** Removes the socket of a process that has ended, if it had one. */
  removeProcess(id: string): void {
    removeSocket(this.process(id));
    removeSocket(outgoingSocket(this.process(id)));
  }

  /**
   * Lets processes of the other user enter the folder, and connect to the node's socket, which must be there. Does
   * nothing if it is for none.
   */
  give(): void {
    if (this.#other === undefined) return;
    const { uid, gid, group } = this.#other;
    // The folder last: until then nobody else can enter.
    for (const path of [this.node, this.path]) {
      if (group === undefined) {
        Deno.chownSync(path, uid, gid);
      } else {
        Deno.chownSync(path, null, group);
        Deno.chmodSync(path, OF_GROUP);
      }
    }
  }

  /**
   * Removes the folder with everything in it, wherever a program has moved it.
   *
   * @throws {Error} If something cannot be removed. The message is one line.
   */
  async remove(): Promise<void> {
    using held = this.#held;
    await (held?.remove() ?? removeTreeOfOther(this.#outer));
  }

  /**
   * Removes the folders of this user beside it whose node does not run any more.
   *
   * @throws {Error} If the folders cannot be read or removed.
   */
  async sweep(): Promise<void> {
    const parent = this.#outer.slice(0, this.#outer.lastIndexOf("/"));
    const { uid } = await Deno.lstat(this.#outer);
    let entries = 0;
    for await (const { name, isDirectory } of Deno.readDir(parent)) {
      if (++entries > MAX_ENTRIES) return;
      const path = `${parent}/${name}`;
      const begin = isDirectory ? NAME.exec(name)?.[1] : undefined;
      if (begin === undefined || path === this.#outer) continue;
      const isOther = begin === FOR_OTHER;
      if (!await isLeft(path, isOther ? `${path}/${INNER}` : path, uid)) continue;
      await (isOther || this.#other !== undefined ? removeTreeOfOther : removeTree)(path);
    }
  }
}

/**
 * Listens on a Unix socket, which gets its name only when it listens: between being bound and listening it refuses
 * connections like one whose owner is dead, and another run would sweep its folder.
 */
export function listenAtOnce(path: string): TransportListener {
  const unready = `${path}.new`;
  const listener = listen({ path: unready });
  Deno.renameSync(unready, path);
  return listener;
}

/** Whether another user is to own the folder. */
function isOwnedBy(other: FolderUser | undefined): boolean {
  return other !== undefined && other.group === undefined;
}

/** Why no socket can be made in such a folder; `undefined` if one can be. */
function unusable(path: string): string | undefined {
  if (Deno.build.os === "windows") return "this system has none";
  if (!path.startsWith("/")) return `${path} is not an absolute path`;
  const longest = `${path}/${randomId()}`;
  const bytes = new TextEncoder().encode(longest).length;
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    return `their paths would have ${bytes} bytes, and may have ${MAX_SOCKET_PATH_BYTES}: ${longest}`;
  }
  // Asked, and not tried, since Deno would prompt.
  const needed = [{ name: "read", path }, { name: "write", path }, { name: "net" }] as const;
  const missing = needed.find((each) => Deno.permissions.querySync(each).state !== "granted");
  return missing === undefined ? undefined : `they need --allow-${missing.name}`;
}

/** Makes the folder; returns why it cannot be used, if it cannot. */
function tryMake(path: string, isInner: boolean): string | undefined {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
    const { mode } = Deno.lstatSync(path);
    if (mode !== null && (mode & 0o077) === 0) {
      if (!isInner) return undefined;
      Deno.mkdirSync(`${path}/${INNER}`, { mode: 0o700 });
      // The other user has to pass.
      Deno.chmodSync(path, 0o711);
      return undefined;
    }
    Deno.removeSync(path);
    return `the file system does not keep other users out of ${path}`;
  } catch (error) {
    return `cannot make ${path}: ${messageOf(error)}`;
  }
}

/** Whether a folder, with its sockets in `sockets`, is one that the run of this user has left. */
async function isLeft(path: string, sockets: string, uid: number | null): Promise<boolean> {
  try {
    const info = await Deno.lstat(path);
    if (info.uid !== uid) return false;
    try {
      (await Deno.connect({ transport: "unix", path: `${sockets}/${NODE_SOCKET}` })).close();
      return false;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return true;
      if (!(error instanceof Deno.errors.NotFound)) return false; // too busy to accept
      return info.mtime !== null && Date.now() - info.mtime.getTime() > MAKING_MS;
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false; // its run has just removed it
    throw error;
  }
}

/** Removes a socket; what a program has put in its place goes with the folder. */
function removeSocket(path: string): void {
  try {
    if (Deno.lstatSync(path).isSocket === true) Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
