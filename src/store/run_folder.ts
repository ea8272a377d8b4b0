/** The folder of a run on this machine, and the files placed in it. `run_layout.ts` tells what lies where. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { ProtocolError } from "../core/protocol_error.ts";
import { inProject } from "../core/run_layout.ts";
import { checkName } from "../wire/file_names.ts";
import { removeIfThere } from "./owner.ts";

const RUN_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** An existing file. */
interface PresentFile {
  readonly path: string;
}

/** The folder of one run. */
export class RunFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Creates the folder below `parent`, with a project that is empty but for its working directory `cwd`.
   *
   * @throws {ProtocolError} If the id cannot be used as a folder name.
   */
  static async make(parent: string, runId: string, cwd: string): Promise<RunFolder> {
    if (!RUN_ID.test(runId)) {
      throw new ProtocolError(`Cannot use ${JSON.stringify(runId)} as the id of a run`);
    }
    if (cwd !== "") checkName(cwd);
    await Deno.mkdir(parent, { recursive: true });
    const folder = new RunFolder(`${parent}/${runId}`);
    await Deno.mkdir(folder.path);
    await Deno.mkdir(`${folder.path}/${inProject(cwd)}`, { recursive: true });
    return folder;
  }

  /**
   * Places a file that the program does not write to: without copying the contents, if the file
   * system supports that.
   *
   * @returns Its path.
   */
  async link(file: PresentFile, name: string): Promise<string> {
    const path = await this.#place(name);
    await linkOrCopy(file.path, path);
    return path;
  }

  /** Places a copy in the project, which the program may change. @returns Its path. */
  async copy(file: PresentFile, name: string, options: { executable: boolean }): Promise<string> {
    checkName(name);
    const path = await this.#place(inProject(name));
    await Deno.copyFile(file.path, path);
    await Deno.chmod(path, options.executable ? 0o755 : 0o644);
    return path;
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
