/** The folder for what deploy builds, which is removed with it, or by a later one if it was killed. */

import { messageOf } from "../core/errors.ts";
import { createLogger, type Logger } from "../core/logger.ts";
import { removeTree } from "../core/remove_tree.ts";
import { listenAtOnce, SocketFolder } from "../host/socket_folder.ts";
import { temporaryFolder } from "../host/will_store.ts";

/** Without Unix sockets it is an ordinary folder, and nothing else changes. */
const NOTHING_TO_SAY = createLogger("error", () => {});

/**
 * A folder for temporary files. Where Unix sockets can be used, it is a {@linkcode SocketFolder}: this process listens
 * in it, so that others see whether its owner still runs.
 */
export class BuildFolder implements AsyncDisposable {
  readonly path: string;
  readonly #owned: SocketFolder | undefined;
  readonly #listener: { close(): void } | undefined;
  readonly #swept: Promise<void>;

  private constructor(path: string, owned: SocketFolder | undefined, logger: Logger) {
    this.path = path;
    this.#owned = owned;
    const listener = owned && listenAtOnce(owned.node);
    listener?.unref();
    this.#listener = listener;
    this.#swept = (owned?.sweep() ?? Promise.resolve()).catch((error) => {
      logger.debug(`cannot remove the folders of earlier runs: ${messageOf(error)}`);
    });
  }

  /**
   * Makes one, and begins to remove those whose owners were killed.
   *
   * @throws {Error} If none can be made, in one line that names where.
   */
  static async make(logger: Logger): Promise<BuildFolder> {
    try {
      const owned = SocketFolder.make(temporaryFolder(), NOTHING_TO_SAY);
      const path = owned?.path ?? await Deno.makeTempDir({ prefix: "deploy-" });
      return new BuildFolder(path, owned, logger);
    } catch (cause) {
      const where = Deno.env.get("TMPDIR") ?? "the system's folder for temporary files";
      throw new Error(
        `Cannot make a folder in ${where} (TMPDIR), for the built program: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  /** Removes it, if it is still there. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#swept;
    this.#listener?.close();
    await (this.#owned?.remove() ?? removeTree(this.path));
  }
}
