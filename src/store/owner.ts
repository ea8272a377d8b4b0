/**
 * A process's own part of a store, which is removed after the process has ended.
 *
 * A store may be shared by several processes of one machine. Each has a folder below `live/` and
 * listens on a socket in it while it runs. So other processes recognize a folder without an owner,
 * however the owner ended, and remove it.
 */

import { removeTree, removeTreeOfOther } from "../core/remove_tree.ts";
import { enterableFolder } from "./other_user.ts";
import { StoreError } from "./store_error.ts";

/** The maximum length of a path that a socket can be bound to. */
const MAX_SOCKET_PATH_BYTES = 103;

/** The folder of one running process. */
export class Owner implements AsyncDisposable {
  /** Its path. It is removed when the owner is closed, or else when the next one starts. */
  readonly folder: string;
  readonly #listener: Deno.UnixListener;
  readonly #remove: typeof removeTree;

  private constructor(folder: string, listener: Deno.UnixListener, remove: typeof removeTree) {
    this.folder = folder;
    this.#listener = listener;
    this.#remove = remove;
  }

  /**
   * Moves the folders of dead owners to the trash, and creates one for this process. The store must be locked:
   * the folder is created before its socket.
   *
   * @param isShared Whether another user has folders in it, and so may enter. @default false
   */
  static async start(store: string, isShared: boolean = false): Promise<Owner> {
    const make = isShared
      ? enterableFolder
      : (path: string) => Deno.mkdir(path, { recursive: true });
    const live = `${store}/live`;
    await make(live);
    for (const folder of await ownerFolders(store)) {
      if (!await isOwned(folder)) await discard(folder, store);
    }
    const folder = `${live}/${crypto.randomUUID().slice(0, 8)}`;
    const path = `${folder}/s`;
    if (new TextEncoder().encode(path).length > MAX_SOCKET_PATH_BYTES) {
      throw new StoreError(
        `Cannot store files in ${store}: the path is too long; use a shorter one`,
      );
    }
    await make(folder);
    const listener = Deno.listen({ transport: "unix", path });
    listener.unref();
    acceptAll(listener);
    return new Owner(folder, listener, isShared ? removeTreeOfOther : removeTree);
  }

  /** Removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#listener.close();
    } catch (error) {
      // Already closed.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await this.#remove(this.folder);
  }
}

/** Where the folders of dead owners are removed. */
const trashFolder = (store: string): string => `${store}/trash`;

/** Moves the folder of a dead owner away: removing it may take long, or fail, and nobody is to wait for that. */
async function discard(folder: string, store: string): Promise<void> {
  await Deno.mkdir(trashFolder(store), { recursive: true, mode: 0o700 });
  // A program may have changed its mode, and then it cannot be moved.
  await Deno.chmod(folder, 0o700);
  await Deno.rename(folder, `${trashFolder(store)}/${crypto.randomUUID()}`);
}

/**
 * Removes what dead owners have left.
 *
 * @param isShared As for {@linkcode Owner.start}.
 * @throws {Error} If something cannot be removed; the rest is.
 * @throws The reason of `signal`, if that is aborted first; the next start goes on.
 */
export async function emptyTrash(
  store: string,
  signal: AbortSignal,
  isShared: boolean = false,
): Promise<void> {
  const trash = trashFolder(store);
  const remove = isShared ? removeTreeOfOther : removeTree;
  let failure: unknown;
  try {
    for await (const { name } of Deno.readDir(trash)) {
      await remove(`${trash}/${name}`, signal).catch((error) => failure = error);
      signal.throwIfAborted();
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  if (failure !== undefined) throw failure;
}

/** The folders of all owners, running or dead. */
export async function ownerFolders(store: string): Promise<string[]> {
  const folders: string[] = [];
  for await (const { name } of Deno.readDir(`${store}/live`)) folders.push(`${store}/live/${name}`);
  return folders;
}

async function isOwned(folder: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path: `${folder}/s` })).close();
    return true;
  } catch (error) {
    if (
      error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound
    ) return false;
    // An owner too busy to accept is running; one that we lack permission to connect to may be.
    return true;
  }
}

/** Accepts connections, so that the socket's queue does not fill up. */
async function acceptAll(listener: Deno.UnixListener): Promise<void> {
  for (;;) {
    try {
      (await listener.accept()).close();
    } catch (error) {
      if (
        error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted
      ) return;
      // There may be no file descriptor free at the moment, or the peer has disconnected.
      await new Promise((resolve) => {
        AbortSignal.timeout(1_000).addEventListener("abort", resolve);
      });
    }
  }
}
