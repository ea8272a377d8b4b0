/** The files of one run on a node: fetched into its store, and laid out in a folder for the run until that ends. */

import { messageOf } from "../core/errors.ts";
import { formatMem } from "../core/resources.ts";
import type { Pack } from "../core/tree.ts";
import { checkExecutable } from "../host/executable_file.ts";
import { writeSettings } from "../host/run_program.ts";
import type { DiskShare, PersonDisks } from "../host/person_disk.ts";
import type { RunFolder } from "../store/run_folder.ts";
import type { FetchPieces, StoredFiles } from "../store/store.ts";
import { manifestsOf, type RunSpec } from "../wire/run_spec.ts";
import type { NodeContext } from "./node_context.ts";

export class RunFiles {
  readonly #run: string;
  readonly #context: NodeContext;
  readonly #persons: PersonDisks | undefined;
  #files: StoredFiles | undefined;
  #folder: RunFolder | undefined;
  #share: DiskShare | undefined;

  /** @param persons What the runs of each person take here, if that is limited. */
  constructor(run: string, context: NodeContext, persons: PersonDisks | undefined) {
    this.#run = run;
    this.#context = context;
    this.#persons = persons;
  }

  /** How much the files may take; `undefined` if that is not limited. */
  get mostBytes(): number | undefined {
    const limits = [this.#context.mostRunBytes, this.#persons?.mostBytes]
      .filter((limit) => limit !== undefined);
    return limits.length === 0 ? undefined : Math.min(...limits);
  }

  /** What they take of what all runs of their person may take, if that is limited, once they are there. */
  get share(): DiskShare | undefined {
    return this.#share;
  }

  /**
   * Fetches the files, and puts them into the folder of the run.
   *
   * @param by Who deployed it.
   * @throws {StoreError} If they cannot be stored.
   * @throws {ProgramError} If the program is an executable, and cannot be executed here.
   * @throws {Error} If there are more than a run may have here; none is fetched then.
   * @throws What `fetch` throws, or the reason of `signal`.
   */
  async fetch(
    { spec, by }: { readonly spec: RunSpec; readonly by: string },
    fetch: FetchPieces,
    signal: AbortSignal,
  ): Promise<RunFolder> {
    const { store, port, user, mostRunBytes } = this.#context;
    const manifests = manifestsOf(spec);
    const bytes = manifests.reduce((sum, { size }) => sum + size, 0);
    if (mostRunBytes !== undefined && bytes > mostRunBytes) {
      throw new Error(
        `its files have ${formatMem(bytes)}, and a run may have ${
          formatMem(mostRunBytes)
        } here (fabric --run-disk)`,
      );
    }
    this.#share = this.#persons?.begin(by, bytes);
    const files = await store.ensure(manifests, fetch, signal);
    this.#files = files;
    const { main, cwd, runtime, tree } = spec;
    const [mainPath, ...paths] = files.paths;
    await checkExecutable(spec, mainPath!);
    const folder = this.#folder = await store.runFolder(`${this.#run}-${port}`, bytes);
    const contents = (_: Pack, index: number) => Promise.resolve({ path: paths[index]! });
    await folder.mirror(tree, { cwd, contents, signal });
    await folder.place(mainPath!, main);
    if (runtime !== undefined) await folder.place(paths.at(-1)!, runtime.name);
    await writeSettings(spec, folder.path);
    await folder.complete({ hasTemporary: user !== undefined || this.mostBytes !== undefined });
    return folder;
  }

  /** Removes the folder, and lets the store remove the files; logs why, if that fails. */
  async remove(): Promise<void> {
    const [files, folder] = [this.#files, this.#folder];
    using _share = this.#share;
    this.#files = this.#folder = this.#share = undefined;
    try {
      try {
        await folder?.[Symbol.asyncDispose]();
      } finally {
        await files?.release();
      }
    } catch (error) {
      this.#context.logger.warn(
        `Cannot remove the files of run ${this.#run}: ${messageOf(error)}`,
      );
    }
  }
}
