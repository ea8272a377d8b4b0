/** A cluster whose programs run as another user. */

import { Fabric } from "../fabric/cluster.ts";
import { Deployed } from "../fabric/deployed.ts";
import { ownCache } from "../own_cache.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Whether this process may start others as another user. */
export const CAN_CHANGE_USER: boolean = Deno.build.os === "linux" && Deno.uid() === 0;

/** A cluster of one node in a folder that everybody may enter, with a runtime that everybody may execute. */
export class UserCluster implements AsyncDisposable {
  readonly folder: string;
  readonly bridge: string;
  readonly fabric: Fabric;
  readonly env: Record<string, string>;

  private constructor(folder: string, fabric: Fabric, bridge: string, env: Record<string, string>) {
    this.folder = folder;
    this.fabric = fabric;
    this.bridge = bridge;
    this.env = env;
  }

  /** @param compiled The path of a compiled fabric. @default it runs from source */
  static async start(
    options: readonly string[] = [],
    compiled?: string,
  ): Promise<UserCluster> {
    // Not below TMPDIR, so that the paths of sockets are short enough.
    const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "usr-" });
    await Deno.chmod(folder, 0o755);
    await Deno.mkdir(`${folder}/tmp`);
    await Deno.chmod(`${folder}/tmp`, 0o1777);
    await Deno.copyFile(compiled ?? Deno.execPath(), `${folder}/runtime`);
    await Deno.chmod(`${folder}/runtime`, 0o755);
    const env = {
      TMPDIR: `${folder}/tmp`,
      ...ownCache(`${folder}/cache`),
      MARKED: "of the fabric",
    };
    const fabric = new Fabric(
      [
        ...compiled === undefined ? ["run", "-A", `${ROOT}fabric.ts`] : [],
        ...["dev", "--user", "nobody", "--bridge", "127.0.0.1:0"],
        ...[
          "--store",
          `${folder}/store`,
          "--nodes",
          "1",
          "--mem",
          "4GiB",
          "--cpu",
          "4",
          ...options,
        ],
      ],
      { compiled: `${folder}/runtime`, env },
    );
    return new UserCluster(folder, fabric, await fabric.ready("bridge"), env);
  }

  async deploy(source: string, args: readonly string[] = []): Promise<Deployed> {
    return await Deployed.start(this.bridge, source, { env: this.env, args });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fabric[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}
