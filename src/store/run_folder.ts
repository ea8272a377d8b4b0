/** The folder of a run on this machine, and the files placed in it. `run_layout.ts` tells what lies where. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { HeldFolder } from "../core/held_folder.ts";
import { ProtocolError } from "../core/errors.ts";
import { DENO_FOLDER, PROJECT_FOLDER, TEMPORARY_FOLDER } from "../core/run_layout.ts";
import { removeTreeOfOther } from "../core/remove_tree.ts";
import { checkName } from "../core/file_names.ts";
import type { Tree } from "../core/tree.ts";
import { makeUnlessThere } from "./private_folder.ts";
import { mirror, type MirrorOptions } from "./mirror.ts";
import { enterableFolder, giveTree, type OtherUser, writableFolder } from "./other_user.ts";

const RUN_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** What is left of a process is killed within a second after its end. */
const REMOVAL_PAUSE_MS = 100;
const REMOVAL_TRIES = 30;

/** The folder of one run. */
export class RunFolder implements AsyncDisposable {
  readonly path: string;
  /** Where processes leave wills, if it is for another user, who can make files there and not list them. */
  readonly wills: string | undefined;
  readonly #user: OtherUser | undefined;
  /** If it is of this user, whose programs can move it. */
  #held: HeldFolder | undefined;

  private constructor(path: string, user: OtherUser | undefined) {
    this.path = path;
    this.wills = user && `${path}.wills`;
    this.#user = user;
  }

  /**
   * Creates the folder below `parent`, with an empty project.
   *
   * @param user Whose it is to be; see {@linkcode complete}. @default this user's
   * @throws {ProtocolError} If the id cannot be used as a folder name.
   */
  static async make(parent: string, runId: string, user?: OtherUser): Promise<RunFolder> {
    if (!RUN_ID.test(runId)) {
      throw new ProtocolError(`Cannot use ${JSON.stringify(runId)} as the id of a run`);
    }
    await (user === undefined ? makeUnlessThere(parent) : enterableFolder(parent));
    const folder = new RunFolder(`${parent}/${runId}`, user);
    await Deno.mkdir(folder.path, { mode: 0o700 });
    await Deno.mkdir(`${folder.path}/${PROJECT_FOLDER}`);
    if (user === undefined) folder.#held = new HeldFolder(folder.path);
    else await writableFolder(folder.wills!, user);
    return folder;
  }

  /** Its folders, where they are now: a program may have moved or removed them. */
  where(): string[] {
    const { path, wills } = this;
    const own = this.#held === undefined ? path : this.#held.where();
    return [own, wills].filter((each) => each !== undefined);
  }

  /**
   * Places a copy of the file at that path: what a program does to its own file must not change the store, from which
   * others get theirs.
   *
   * @returns Its path.
   */
  async place(file: string, name: string): Promise<string> {
    checkName(name);
    const path = `${this.path}/${name}`;
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.copyFile(file, path);
    return path;
  }

  /** Makes the project, as {@linkcode mirror} does. */
  async mirror(tree: Tree, options: MirrorOptions): Promise<void> {
    await mirror(`${this.path}/${PROJECT_FOLDER}`, tree, options);
  }

  /**
   * All files are placed. Gives everything to the user whose it is to be, who could not enter until now.
   *
   * @param options.hasTemporary Whether there is to be a folder for temporary files. @default only for another user
   * @throws {StoreError} If that is not possible.
   */
  async complete(options: { hasTemporary?: boolean } = {}): Promise<void> {
    const { hasTemporary = this.#user !== undefined } = options;
    if (hasTemporary) await Deno.mkdir(`${this.path}/${TEMPORARY_FOLDER}`);
    if (this.#user === undefined) return;
    await Deno.mkdir(`${this.path}/${DENO_FOLDER}`);
    await giveTree(this.path, this.#user);
  }

  /**
   * Removes the folder with its contents, and the wills that are left. What a process started may outlive it for a moment, and still write
   * there, so a folder that does not become empty is tried again for a while.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    using held = this.#held;
    for (let tries = 1;; tries++) {
      try {
        if (held !== undefined) return await held.remove();
        await removeTreeOfOther(this.path);
        return await removeTreeOfOther(this.wills!);
      } catch (error) {
        if (tries === REMOVAL_TRIES) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, REMOVAL_PAUSE_MS));
    }
  }
}
