/**
 * A process's own part of a store: what it is gone with.
 *
 * A store may be shared by several processes of one machine. Each has a folder below `live/`, and
 * listens on a socket in it for as long as it lives: so others know a folder that nobody owns any more,
 * whatever ended its owner, and remove it.
 */

import { StoreError } from "./store_error.ts";

/** Systems do not bind sockets to longer paths. */
const MAX_SOCKET_PATH_BYTES = 103;

/** The folder of one living process. */
export class Owner implements AsyncDisposable {
  /** It is removed when its owner is closed, or else when the next one starts. */
  readonly folder: string;
  readonly #listener: Deno.UnixListener;

  private constructor(folder: string, listener: Deno.UnixListener) {
    this.folder = folder;
    this.#listener = listener;
  }

  /**
   * Removes what dead owners have left, and makes a folder for this process. The store is to be locked
   * meanwhile: a folder is made before its socket is.
   */
  static async start(store: string): Promise<Owner> {
    const live = `${store}/live`;
    await Deno.mkdir(live, { recursive: true });
    for (const folder of await ownerFolders(store)) {
      if (!await isOwned(folder)) await Deno.remove(folder, { recursive: true });
    }
    const folder = `${live}/${crypto.randomUUID().slice(0, 8)}`;
    const path = `${folder}/s`;
    if (new TextEncoder().encode(path).length > MAX_SOCKET_PATH_BYTES) {
      throw new StoreError(
        `Cannot store files in ${store}: the path is too long; use a shorter one`,
      );
    }
    await Deno.mkdir(folder);
    const listener = Deno.listen({ transport: "unix", path });
    listener.unref();
    acceptAll(listener);
    return new Owner(folder, listener);
  }

  /** Removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#listener.close();
    } catch (error) {
      // It was closed before.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await removeIfThere(this.folder);
  }
}

/** The folders of all owners, living or dead. */
export async function ownerFolders(store: string): Promise<string[]> {
  const folders: string[] = [];
  for await (const { name } of Deno.readDir(`${store}/live`)) folders.push(`${store}/live/${name}`);
  return folders;
}

/** Removes a file, or a folder with all that is in it. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function isOwned(folder: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path: `${folder}/s` })).close();
    return true;
  } catch (error) {
    if (
      error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.NotFound
    ) return false;
    // Whoever is too busy to take a connection lives; and so may whoever we may not connect to.
    return true;
  }
}

/** Takes connections off the queue, which whoever asks would find full some day. */
async function acceptAll(listener: Deno.UnixListener): Promise<void> {
  for (;;) {
    try {
      (await listener.accept()).close();
    } catch (error) {
      if (
        error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted
      ) return;
      // There may be no file descriptors left for now, or the peer is gone already.
      await new Promise((resolve) => {
        AbortSignal.timeout(1_000).addEventListener("abort", resolve);
      });
    }
  }
}
