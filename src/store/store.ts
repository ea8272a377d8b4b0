/** A content-addressed store of shipped files, so that nothing is sent or stored twice. */

import { removeTree } from "../core/remove_tree.ts";
import { lacksFiles, messageOf, ProtocolError } from "../core/errors.ts";
import { inParallel } from "../core/in_parallel.ts";
import { Arrivals, type ReceivedFile, type WantedFile } from "./arrivals.ts";
import { dataPath, keep, statIfThere, touch } from "./kept_files.ts";
import { KnownFiles } from "./known_files.ts";
import type { Manifest } from "../core/manifest.ts";
import { diskOf, limitFor } from "./disk.ts";
import { manifestId } from "./manifest_id.ts";
import { manifestOf } from "./manifest_of.ts";
import { emptyTrash, Owner } from "./owner.ts";
import { folderForOther, type OtherUser } from "./other_user.ts";
import { privateFolder } from "./private_folder.ts";
import { PieceReader } from "./piece_reader.ts";
import { Pins } from "./pins.ts";
import { RunFolder } from "./run_folder.ts";
import { StoreLock } from "./store_lock.ts";
import { StoreRoom } from "./store_room.ts";
import { reasonOf, StoreError } from "./store_error.ts";

/** Options of a store. */
export interface StoreOptions {
  /** The limit of its size. Files in use are kept beyond that. @default half of the disk, at most 10 GiB */
  limitBytes?: number;
  /**
   * Whose the folders of runs are. They are beside the store then, in a folder with that user's name: nobody else may
   * enter the store itself. @default this user
   */
  runsOf?: OtherUser | undefined;
  /** Takes a line about what killed processes have left, and cannot be removed. @default ignored */
  warn?: (line: string) => void;
}

/** Takes one piece, by its hash. Rejects with a `ProtocolError` if the bytes do not match that. */
export type PutPiece = (hash: string, bytes: Uint8Array<ArrayBuffer>) => Promise<void>;

/** Fetches the pieces with these hashes, in any order, and puts each. */
export type FetchPieces = (missing: readonly string[], put: PutPiece) => Promise<void>;

/** Complete files, which are not removed until they are released. */
export interface StoredFiles extends AsyncDisposable {
  /** The paths of the files, in the order of their manifests. They are executable and must not be written to. */
  readonly paths: readonly string[];
  /** Allows the files to be removed when space is needed. Idempotent. */
  release(): Promise<void>;
}

/** The folder for wills that another user's processes have left, and that are being read. */
const TAKEN = "taken";

/** Received files are stored this many at a time, so that the store is not locked for long. */
const BATCH_FILES = 64;

/** How many files of a store a call looks at, or opens, at once. */
const PARALLEL = 4;

/** A folder of files. Several processes may use the same folder. */
export class Store implements AsyncDisposable {
  /** The path of the folder. */
  readonly folder: string;
  readonly #owner: Owner;
  /** What has the folders of runs: the same, or that for another user. */
  readonly #runs: Owner;
  readonly #runsOf: OtherUser | undefined;
  readonly #lock: StoreLock;
  readonly #pins: Pins;
  readonly #known: KnownFiles;
  readonly #room: StoreRoom;
  #drafts = 0;
  #receivedBytes = 0;
  readonly #closing = new AbortController();
  /** Resolves when what killed processes had left is removed, as far as that can be. */
  #emptied: Promise<unknown> = Promise.resolve();

  private constructor(
    folder: string,
    limitBytes: number,
    lock: StoreLock,
    { owner, runs, runsOf }: { owner: Owner; runs: Owner; runsOf: OtherUser | undefined },
  ) {
    this.folder = folder;
    this.#runs = runs;
    this.#runsOf = runsOf;
    this.#owner = owner;
    this.#lock = lock;
    this.#known = new KnownFiles(folder);
    this.#room = new StoreRoom({
      ...{ folder, lock, limitBytes },
      ownFolder: owner.folder,
      evicted: (id) => this.#known.forget(id),
    });
    this.#pins = new Pins(owner.folder, (work) => lock.run(work));
  }

  /**
   * Opens a store, creating it if necessary, and begins to remove what killed processes have
   * left in it.
   *
   * @throws {StoreError} If the folder cannot be used, belongs to another user, or can be entered by others.
   */
  static async open(folder: string, options: StoreOptions = {}): Promise<Store> {
    try {
      await privateFolder(folder);
      await Deno.mkdir(`${folder}/files`, { recursive: true, mode: 0o700 });
      // Without symbolic links and `..`, since programs see paths in it as their own.
      const path = await Deno.realPath(folder);
      const lock = new StoreLock(`${path}/lock`);
      const owner = await lock.run(() => Owner.start(path));
      const { runsOf } = options;
      const beside = runsOf && await folderForOther(path, runsOf);
      const runs = beside === undefined ? owner : await lock.run(() => Owner.start(beside, true));
      if (runsOf !== undefined) await Deno.mkdir(`${runs.folder}/${TAKEN}`, { mode: 0o700 });
      const limitBytes = options.limitBytes ?? limitFor(await diskOf(path));
      const store = new Store(path, limitBytes, lock, { owner, runs, runsOf });
      store.#emptyTrash(beside, options.warn);
      return store;
    } catch (cause) {
      throw unusable(folder, cause);
    }
  }

  /** How many bytes of pieces it has received since it was opened. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /**
   * Adds the pieces of a file outside the store, such as this process's own executable, as a source. It is
   * not copied.
   *
   * @throws {StoreError} If it cannot be read.
   */
  async addSource(path: string): Promise<void> {
    this.#known.index.add(path, await manifestOf(path, `${this.folder}/manifests`));
  }

  /**
   * The hashes of the pieces that would have to be fetched for these files, each once, as far as is known
   * without reading the files.
   */
  async missing(manifests: readonly Manifest[]): Promise<string[]> {
    await this.#known.refresh();
    const hashes = new Set(manifests.flatMap(({ pieces }) => pieces));
    return [...hashes].filter((hash) => !this.#known.index.has(hash));
  }

  /**
   * Returns files, complete and checked, and calls `fetch` once, if pieces of them are missing or damaged.
   *
   * If it fails, the files that are complete by then may be kept. Concurrent calls do not wait for each other:
   * each fetches what it lacks when it begins, so that a slow `fetch` holds up nobody else.
   *
   * @throws {StoreError} If the files cannot be stored.
   * @throws What `fetch` throws, or the reason of `signal`.
   */
  async ensure(
    manifests: readonly Manifest[],
    fetch: FetchPieces,
    signal?: AbortSignal,
  ): Promise<StoredFiles> {
    const wanted = await Promise.all(
      manifests.map(async (manifest) => ({ id: await manifestId(manifest), manifest })),
    );
    const unique = [...new Map(wanted.map((file) => [file.id, file])).values()];
    const ids = unique.map(({ id }) => id);
    // Pinned first, so that no file can be removed between its arrival and its use.
    const pin = await this.#guarded(() => this.#room.onFullDisk(() => this.#pins.add(ids)));
    try {
      const lacking = await this.#guarded(() => this.#lacking(unique, signal));
      if (lacking.length > 0) await this.#receive(lacking, fetch, signal);
      await this.#guarded(() => inParallel(ids, PARALLEL, (id) => touch(this.folder, id), signal));
    } catch (error) {
      await pin.release();
      throw error;
    }
    return {
      paths: wanted.map(({ id }) => dataPath(this.folder, id)),
      release: pin.release,
      [Symbol.asyncDispose]: pin.release,
    };
  }

  /** The piece with that hash, checked; `undefined` if it is missing or damaged. */
  async readPiece(hash: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!this.#known.index.has(hash)) await this.#known.refresh();
    using reader = new PieceReader(this.#known.index);
    return await reader.read(hash);
  }

  /**
   * Creates a folder for a run, with an empty project. It is removed at the latest with the store's process. Files
   * that are not in use are removed for it, if `bytes` do not fit on the disk otherwise.
   *
   * @throws {StoreError} If it cannot be created.
   * @throws {ProtocolError} If the id cannot be used as the name of a folder.
   */
  async runFolder(runId: string, bytes = 0): Promise<RunFolder> {
    return await this.#guarded(async () => {
      await this.#room.make(bytes);
      return await RunFolder.make(`${this.#runs.folder}/runs`, runId, this.#runsOf);
    });
  }

  /** A folder that is gone when this process is: at the latest when the next one opens the store. */
  get ownFolder(): string {
    return this.#owner.folder;
  }

  /** The folder with what is another user's; `undefined` if there is no such user. */
  get folderOfOther(): string | undefined {
    return this.#runsOf && this.#runs.folder;
  }

  /**
   * A folder on the disk of {@linkcode RunFolder.wills} that only this user can enter; `undefined` if there is no other
   * one.
   */
  get takenWills(): string | undefined {
    return this.#runsOf && `${this.#runs.folder}/${TAKEN}`;
  }

  #emptyTrash(beside: string | undefined, warn: StoreOptions["warn"]): void {
    const { signal } = this.#closing;
    const emptied = [emptyTrash(this.folder, signal)];
    if (beside !== undefined) emptied.push(emptyTrash(beside, signal, true));
    this.#emptied = Promise.all(emptied.map((each) =>
      each.catch((error) => {
        if (!signal.aborted) warn?.(messageOf(error));
      })
    ));
  }

  /** Removes this process's run folders, and releases the files that it used. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#emptied;
    if (this.#runs !== this.#owner) await this.#runs[Symbol.asyncDispose]();
    await this.#owner[Symbol.asyncDispose]();
  }

  /** The files that are not there, or are damaged. */
  async #lacking(files: readonly WantedFile[], signal?: AbortSignal): Promise<WantedFile[]> {
    const lacking: WantedFile[] = [];
    await inParallel(files, PARALLEL, async (file) => {
      if (!await this.#known.isIntact(file.id, file.manifest)) lacking.push(file);
    }, signal);
    const found = new Set(lacking);
    return files.filter((file) => found.has(file));
  }

  async #receive(
    files: readonly WantedFile[],
    fetch: FetchPieces,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const draft = `${this.#owner.folder}/incoming-${this.#drafts++}`;
    const bytes = files.reduce((sum, { manifest }) => sum + manifest.size, 0);
    try {
      await this.#room.whileWriting(bytes, () => this.#fill(draft, files, fetch, signal));
    } finally {
      await removeTree(draft);
    }
  }

  /** Receives files into a new folder, and moves them into the store as they are complete. */
  async #fill(
    draft: string,
    files: readonly WantedFile[],
    fetch: FetchPieces,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const bytes = files.reduce((sum, { manifest }) => sum + manifest.size, 0);
    await this.#guarded(async () => {
      await this.#room.make(0);
      await this.#room.check(bytes);
      await this.#known.refresh();
      await Deno.mkdir(draft);
    });
    await using arrivals = new Arrivals(draft, files);
    const keepSome = () => this.#guarded(() => this.#take(arrivals.takeComplete()));
    await this.#guarded(() => arrivals.takeKnown(this.#known.index, signal));
    const missing = arrivals.missing();
    if (missing.length > 0) {
      await fetch(missing, async (hash, bytes) => {
        await this.#guarded(() => arrivals.put(hash, bytes));
        this.#receivedBytes += bytes.length;
        if (arrivals.completeCount >= BATCH_FILES) await keepSome();
      });
    }
    await arrivals.finish();
    await keepSome();
    await this.#guarded(() => this.#room.evict());
  }

  /** Moves received files into the store, some at a time. */
  async #take(files: readonly ReceivedFile[]): Promise<void> {
    for (let start = 0; start < files.length; start += BATCH_FILES) {
      await this.#lock.run(async () => {
        for (const { id, manifest, draft } of files.slice(start, start + BATCH_FILES)) {
          await keep(this.folder, id, manifest, draft);
          await this.#known.added(id, manifest);
        }
      });
    }
  }

  /** Turns the system's errors into {@linkcode StoreError}s. */
  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (await statIfThere(this.folder) !== undefined) throw unusable(this.folder, cause);
      throw new StoreError(
        `Cannot store files in ${this.folder}: somebody has removed it; start fabric again`,
        { cause },
      );
    }
  }
}

function unusable(folder: string, cause: unknown): Error {
  if (cause instanceof StoreError || cause instanceof ProtocolError) return cause;
  const advice = lacksFiles(cause)
    ? "raise the limit where it is started (ulimit -n, or LimitNOFILE of a service)"
    : "free some space there, or name a folder that is writable: --store DIR";
  return new StoreError(`Cannot store files in ${folder}: ${reasonOf(cause)}; ${advice}`, {
    cause,
  });
}
