/** A content-addressed store of shipped files, so that nothing is sent or stored twice. */

import { ProtocolError } from "../core/protocol_error.ts";
import { Incoming } from "./incoming.ts";
import { dataPath, evict, keep, keptIds, keptManifest, statIfThere, touch } from "./kept_files.ts";
import type { Manifest } from "../core/manifest.ts";
import { manifestId } from "./manifest_id.ts";
import { manifestOf } from "./manifest_of.ts";
import { Owner, removeIfThere } from "./owner.ts";
import { isIntact } from "./piece_file.ts";
import { PieceIndex } from "./piece_index.ts";
import { PieceReader } from "./piece_reader.ts";
import { pinnedIds, Pins } from "./pins.ts";
import { RunFolder } from "./run_folder.ts";
import { locked } from "./store_lock.ts";
import { reasonOf, StoreError } from "./store_error.ts";

/** Options of a store. */
export interface StoreOptions {
  /** The limit of its size. Files in use are kept beyond that. @default 10 GiB */
  limitBytes?: number;
}

/** Takes one piece of a file. Rejects with a `ProtocolError` if it does not match the manifest. */
export type PutPiece = (index: number, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;

/**
 * Fetches the pieces with the given indices, in any order, and puts each. A piece that occurs several
 * times in the file is requested once.
 */
export type FetchPieces = (missing: readonly number[], put: PutPiece) => Promise<void>;

/** A complete file, which is not removed until it is released. */
export interface StoredFile extends AsyncDisposable {
  /** The path of the file, which is executable and must not be written to. */
  readonly path: string;
  /** Allows the file to be removed when space is needed. Idempotent. */
  release(): Promise<void>;
}

interface PendingFile {
  readonly fetch: FetchPieces;
  readonly done: Promise<void>;
}

const DEFAULT_LIMIT_BYTES = 10 * 1024 ** 3;

/** A folder of files. Several processes may use the same folder. */
export class Store implements AsyncDisposable {
  /** The path of the folder. */
  readonly folder: string;
  readonly #limitBytes: number;
  readonly #owner: Owner;
  readonly #pins: Pins;
  readonly #index = new PieceIndex();
  /** By id, the file's fingerprint when it was last found to be intact. */
  readonly #intact = new Map<string, string>();
  readonly #pending = new Map<string, PendingFile>();

  private constructor(folder: string, limitBytes: number, owner: Owner) {
    this.folder = folder;
    this.#limitBytes = limitBytes;
    this.#owner = owner;
    this.#pins = new Pins(owner.folder, (work) => this.#locked(work));
  }

  /**
   * Opens a store, creating it if necessary, and removes what killed processes have
   * left in it.
   *
   * @throws {StoreError} If the folder cannot be used.
   */
  static async open(folder: string, options: StoreOptions = {}): Promise<Store> {
    try {
      await Deno.mkdir(`${folder}/files`, { recursive: true });
      // Without symbolic links and `..`, since programs see paths in it as their own.
      const path = await Deno.realPath(folder);
      const owner = await locked(`${path}/lock`, () => Owner.start(path));
      return new Store(path, options.limitBytes ?? DEFAULT_LIMIT_BYTES, owner);
    } catch (cause) {
      throw unusable(folder, cause);
    }
  }

  /**
   * Adds the pieces of a file outside the store, such as this process's own executable, as a source. It is
   * not copied.
   *
   * @throws {StoreError} If it cannot be read.
   */
  async addSource(path: string): Promise<void> {
    this.#index.add(path, await manifestOf(path, `${this.folder}/manifests`));
  }

  /**
   * The indices of the pieces that would have to be fetched, as far as is known without reading the
   * files. A piece that occurs several times counts once.
   */
  async missing(manifest: Manifest): Promise<number[]> {
    await this.#refresh();
    const counted = new Set<string>();
    const missing: number[] = [];
    for (const [index, hash] of manifest.pieces.entries()) {
      if (this.#index.has(hash) || counted.has(hash)) continue;
      counted.add(hash);
      missing.push(index);
    }
    return missing;
  }

  /**
   * Returns a file, complete and checked, and calls `fetch` if pieces of it are missing or damaged.
   *
   * Concurrent calls for the same file share the result. If it fails, those that passed
   * another `fetch` try that one; a later call starts again.
   *
   * @throws {StoreError} If the file cannot be stored.
   * @throws What `fetch` throws.
   */
  async ensure(manifest: Manifest, fetch: FetchPieces): Promise<StoredFile> {
    const id = await manifestId(manifest);
    // Pinned first, so that the file cannot be removed between its arrival and its use.
    await this.#guarded(() => this.#pins.add(id));
    try {
      await this.#receive(id, manifest, fetch);
      await this.#guarded(() => touch(this.folder, id));
    } catch (error) {
      await this.#pins.release(id);
      throw error;
    }
    let released: Promise<void> | undefined;
    const release = () => released ??= this.#pins.release(id);
    return { path: dataPath(this.folder, id), release, [Symbol.asyncDispose]: release };
  }

  /** The piece with that hash, checked; `undefined` if it is missing or damaged. */
  async readPiece(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!this.#index.has(hash)) await this.#refresh();
    using reader = new PieceReader(this.#index);
    return await reader.read(hash);
  }

  /**
   * Creates a folder for a run, whose working directory is `cwd` below the root of its project. It is removed
   * at the latest with the store's process.
   *
   * @throws {StoreError} If it cannot be created.
   * @throws {ProtocolError} If the id or `cwd` cannot be used as the name of a folder.
   */
  async runFolder(runId: string, cwd = ""): Promise<RunFolder> {
    return await this.#guarded(() => RunFolder.make(`${this.#owner.folder}/runs`, runId, cwd));
  }

  /** Removes this process's run folders, and releases the files that it used. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owner[Symbol.asyncDispose]();
  }

  async #receive(id: string, manifest: Manifest, fetch: FetchPieces): Promise<void> {
    for (;;) {
      const pending = this.#pending.get(id);
      if (pending === undefined) break;
      try {
        return await pending.done;
      } catch (error) {
        // The other call's source may be gone, and this one's may not.
        if (pending.fetch === fetch) throw error;
      }
    }
    const done = this.#complete(id, manifest, fetch).finally(() => this.#pending.delete(id));
    this.#pending.set(id, { fetch, done });
    await done;
  }

  /** Resolves when the file is complete and intact. */
  async #complete(id: string, manifest: Manifest, fetch: FetchPieces): Promise<void> {
    if (await this.#guarded(() => this.#isIntact(id, manifest))) return;
    const draft = `${this.#owner.folder}/incoming-${id}`;
    try {
      const incoming = await this.#guarded(async () => {
        await this.#refresh();
        await Deno.mkdir(draft);
        return await Incoming.begin(`${draft}/data`, manifest, this.#index);
      });
      {
        await using _ = incoming;
        const missing = incoming.missing();
        const put: PutPiece = (index, bytes) => incoming.put(index, bytes);
        if (missing.length > 0) await fetch(missing, put);
        await incoming.finish();
      }
      await this.#guarded(() => this.#locked(() => this.#take(id, manifest, draft)));
    } finally {
      await removeIfThere(draft);
    }
  }

  async #take(id: string, manifest: Manifest, draft: string): Promise<void> {
    const path = dataPath(this.folder, id);
    await keep(this.folder, id, manifest, draft);
    this.#index.add(path, manifest);
    this.#intact.set(id, await identity(path) ?? "");
    const trash = `${this.#owner.folder}/trash-${id}`;
    await Deno.mkdir(trash);
    const pinned = await pinnedIds(this.folder);
    const victims = await evict(this.folder, this.#limitBytes, pinned, trash);
    for (const victim of victims) this.#forget(victim);
    await removeIfThere(trash);
  }

  /** The file is read once by this process, and again if it has been written to. */
  async #isIntact(id: string, manifest: Manifest): Promise<boolean> {
    const path = dataPath(this.folder, id);
    const found = await identity(path);
    if (found === undefined) return false;
    if (this.#intact.get(id) === found) return true;
    if (await keptManifest(this.folder, id) === undefined) return false;
    if (!await isIntact(path, manifest)) return false;
    this.#intact.set(id, found);
    return true;
  }

  /** Updates the index with the files that other processes have added and removed. */
  async #refresh(): Promise<void> {
    const ids = new Set(await keptIds(this.folder));
    for (const id of ids) {
      const path = dataPath(this.folder, id);
      if (this.#index.includes(path)) continue;
      const manifest = await keptManifest(this.folder, id);
      if (manifest !== undefined) this.#index.add(path, manifest);
    }
    const prefix = `${this.folder}/files/`;
    for (const path of this.#index.paths()) {
      const id = path.startsWith(prefix) ? path.slice(prefix.length).split("/")[0] : undefined;
      if (id !== undefined && !ids.has(id)) this.#forget(id);
    }
  }

  #forget(id: string): void {
    this.#intact.delete(id);
    this.#index.delete(dataPath(this.folder, id));
  }

  #locked<T>(work: () => Promise<T>): Promise<T> {
    return locked(`${this.folder}/lock`, work);
  }

  /** Turns the system's errors into {@linkcode StoreError}s. */
  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw unusable(this.folder, cause);
    }
  }
}

/** A fingerprint that changes when the file is written to; `undefined` if it does not exist. */
async function identity(path: string): Promise<string | undefined> {
  const info = await statIfThere(path);
  return info && `${info.size} ${info.mtime?.getTime()} ${info.ino}`;
}

function unusable(folder: string, cause: unknown): Error {
  if (cause instanceof StoreError || cause instanceof ProtocolError) return cause;
  return new StoreError(
    `Cannot store files in ${folder}: ${reasonOf(cause)}; free some space there, ` +
      "or name a folder that is writable: --store DIR",
    { cause },
  );
}
