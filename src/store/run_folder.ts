/** The folder of a run on this machine, and the files placed in it. `run_layout.ts` tells what lies where. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { ProtocolError } from "../core/protocol_error.ts";
import { PROJECT_FOLDER } from "../core/run_layout.ts";
import { checkName } from "../core/file_names.ts";
import type { Tree } from "../core/tree.ts";
import { mirror, type MirrorOptions } from "./mirror.ts";
import { removeIfThere } from "./owner.ts";

const RUN_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** The folder of one run. */
export class RunFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Creates the folder below `parent`, with an empty project.
   *
   * @throws {ProtocolError} If the id cannot be used as a folder name.
   */
  static async make(parent: string, runId: string): Promise<RunFolder> {
    if (!RUN_ID.test(runId)) {
      throw new ProtocolError(`Cannot use ${JSON.stringify(runId)} as the id of a run`);
    }
    await Deno.mkdir(parent, { recursive: true });
    const folder = new RunFolder(`${parent}/${runId}`);
    await Deno.mkdir(folder.path);
    await Deno.mkdir(`${folder.path}/${PROJECT_FOLDER}`);
    return folder;
  }

  /**
   * Places the file at that path, which the program does not write to: without copying the contents, if the file
   * system supports that.
   *
   * @returns Its path.
   */
  async link(file: string, name: string): Promise<string> {
    const path = await this.#place(name);
    await linkOrCopy(file, path);
    return path;
  }

  /** Makes the project, as {@linkcode mirror} does. */
  async mirror(tree: Tree, options: MirrorOptions): Promise<void> {
    await mirror(`${this.path}/${PROJECT_FOLDER}`, tree, options);
  }

  /** Removes the folder with its contents. */
  async [Symbol.asyncDispose](): Promise<void> {
    await removeIfThere(this.path);
  }

  async #place(name: string): Promise<string> {
    checkName(name);
    const path = `${this.path}/${name}`;
    await Deno.mkdir(dirname(path), { recursive: true });
    return path;
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await Deno.link(from, to);
  } catch {
    // Not every file system has hard links, and every one limits how many.
    await Deno.copyFile(from, to);
  }
}
