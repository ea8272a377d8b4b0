/** A run's working directory on this machine, and the files that are put there for it. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { ProtocolError } from "../core/protocol_error.ts";
import { checkName, checkNameBeside } from "../wire/file_names.ts";
import { removeIfThere } from "./owner.ts";

const RUN_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** A file that is there. */
interface PresentFile {
  readonly path: string;
}

/** A folder that one run has for itself. What the program is not to see of its files lies beside it. */
export class RunFolder implements AsyncDisposable {
  /** The working directory of the run. */
  readonly path: string;
  readonly #whole: string;

  private constructor(whole: string) {
    this.#whole = whole;
    this.path = `${whole}/work`;
  }

  /**
   * Makes the folder, below `parent`, empty.
   *
   * @throws {ProtocolError} If the id is not one that a folder can be named after.
   */
  static async make(parent: string, runId: string): Promise<RunFolder> {
    if (!RUN_ID.test(runId)) {
      throw new ProtocolError(`Cannot use ${JSON.stringify(runId)} as the id of a run`);
    }
    await Deno.mkdir(parent, { recursive: true });
    const folder = new RunFolder(`${parent}/${runId}`);
    await Deno.mkdir(folder.#whole);
    await Deno.mkdir(folder.path);
    return folder;
  }

  /**
   * Puts a file there that the program does not write to: without a copy of the contents, if the file
   * system can do that.
   *
   * @returns Its path.
   */
  async link(file: PresentFile, name: string): Promise<string> {
    const path = await this.#place(name);
    await linkOrCopy(file.path, path);
    return path;
  }

  /** As {@linkcode link}, for a module that the program imports as `../<name>`. */
  async linkBeside(file: PresentFile, name: string): Promise<void> {
    checkNameBeside(name);
    await linkOrCopy(file.path, `${this.#whole}/${name}`);
  }

  /** Puts a file there that is the program's own, to change as it likes. @returns Its path. */
  async copy(file: PresentFile, name: string, options: { executable: boolean }): Promise<string> {
    const path = await this.#place(name);
    await Deno.copyFile(file.path, path);
    await Deno.chmod(path, options.executable ? 0o755 : 0o644);
    return path;
  }

  /** Removes the folder, with all that the run has left in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await removeIfThere(this.#whole);
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
