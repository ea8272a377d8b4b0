/** A cluster of two nodes whose parts say what they use without their garbage. */

import type { TestCluster } from "deploy/testing";
import { FabricProcess } from "../../src/testing/fabric_process.ts";
import { writeNewSecret } from "../../src/fabric/secret_file.ts";
import { partsOf } from "../chaos/holdings.ts";
import type { Asked } from "../soak/asked.ts";

/** What each of its nodes lends: more than any load asks for. */
const SIZE = ["100GiB", "1000"];

/** A master with a node of its own, another node, and a bridge. */
export class AskedCluster implements AsyncDisposable {
  readonly bridge: string;
  /** Of the cluster; `partsOf()` finds its parts by this path. */
  readonly secretFile: string;
  readonly #parts: AsyncDisposableStack;

  private constructor(bridge: string, secretFile: string, parts: AsyncDisposableStack) {
    this.bridge = bridge;
    this.secretFile = secretFile;
    this.#parts = parts;
  }

  /**
   * Starts it. Resolves when its bridge can be deployed to, and the master has both nodes.
   *
   * @param asked Whom its parts answer.
   */
  static async start(asked: Asked): Promise<AskedCluster> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-load-" }));
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const secretFile = `${folder}/secret`;
    await writeNewSecret(secretFile);
    const start = (index: number, ...args: string[]): FabricProcess =>
      stack.use(
        new FabricProcess(
          [...args, "--store", `${folder}/store-${index}`, "--secret-file", secretFile],
          { flags: asked.flags, env: asked.env },
        ),
      );
    const node = await start(1, "127.0.0.1:0").ready("node");
    const master = start(
      0,
      ...["master", "127.0.0.1:0", ...SIZE, "bridge", "127.0.0.1:0", node, ...SIZE],
    );
    const bridge = await master.ready("bridge");
    await master.line(new RegExp(`node ${node.replaceAll(".", "\\.")} is there`));
    return new AskedCluster(bridge, secretFile, stack.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** The OS processes of the parts of a cluster, by their names. */
export async function partIds(
  cluster: Pick<TestCluster, "secretFile">,
): Promise<Map<string, number>> {
  return new Map([...await partsOf(cluster)].map(([name, { id }]) => [name, id]));
}
