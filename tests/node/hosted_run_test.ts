/** A run on a node: what it gets from its bridge, how often, and which files are left. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import { SpawnError } from "../../src/core/errors.ts";
import type { Logger } from "../../src/core/logger.ts";
import { formatAddress } from "../../src/core/pid.ts";
import { EMPTY_TREE } from "../../src/core/tree.ts";
import type { SpawnRequest } from "../../src/core/roles.ts";
import { HeldArgs } from "../../src/node/held_args.ts";
import { HostedRun } from "../../src/node/hosted_run.ts";
import { type Manifest, PIECE_BYTES } from "../../src/core/manifest.ts";
import { manifestOf } from "../../src/store/manifest_of.ts";
import { encodeRunSpec } from "../../src/wire/run_spec.ts";
import { Store } from "../../src/store/store.ts";
import { loadCredential, PartServer } from "../../src/net/connect.ts";
import { Purpose } from "../../src/net/handshake.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import {
  type BridgeToNode,
  NODE_TO_BRIDGE,
  type NodeToBridge,
} from "../../src/wire/run_messages.ts";

const QUIET: Logger = { error() {}, warn() {}, info() {}, debug() {} };

/** A bridge with the files of one run. */
class FakeBridge implements AsyncDisposable {
  /** The requested hashes, in order. */
  readonly asked: string[] = [];
  links = 0;
  readonly #server: PartServer;

  readonly #spec: Uint8Array<ArrayBuffer>;

  private constructor(spec: Uint8Array<ArrayBuffer>, server: (bridge: FakeBridge) => PartServer) {
    this.#spec = spec;
    this.#server = server(this);
  }

  static async start(
    spec: Uint8Array<ArrayBuffer>,
    pieces: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  ): Promise<FakeBridge> {
    const credential = await loadCredential({ logger: QUIET });
    return new FakeBridge(spec, (bridge) =>
      new PartServer({
        address: { host: "127.0.0.1", port: 0 },
        credential,
        logger: QUIET,
        handlers: { [Purpose.run]: (conn) => void bridge.#serve(conn, pieces) },
      }));
  }

  get address(): string {
    return formatAddress(this.#server.address.host, this.#server.address.port);
  }

  async #serve(
    conn: Deno.Conn,
    pieces: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    this.links++;
    const link = new MessageLink<BridgeToNode, NodeToBridge>(conn, {
      schema: NODE_TO_BRIDGE,
    });
    for await (const message of link.messages()) {
      if (message.type === "host") void link.send({ type: "run", spec: this.#spec });
      if (message.type === "done") return await link.close();
      if (message.type !== "need") continue;
      for (const hash of message.pieces) {
        this.asked.push(hash);
        await link.send({ type: "piece", hash, bytes: pieces.get(hash)! });
      }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.close();
  }
}

/** A program of at least two pieces, which exits with 3. */
async function writeProgram(
  path: string,
): Promise<{ manifest: Manifest; pieces: Map<string, Uint8Array<ArrayBuffer>> }> {
  const padding = Array.from({ length: 5_000 }, () => crypto.randomUUID()).join("\n# ");
  await Deno.writeTextFile(path, `#!/bin/sh\nexit 3\n# ${padding}\n`);
  const manifest = await manifestOf(path);
  const bytes = await Deno.readFile(path);
  const pieces = manifest.pieces.map((hash, index): [string, Uint8Array<ArrayBuffer>] => [
    hash,
    bytes.slice(index * PIECE_BYTES, (index + 1) * PIECE_BYTES),
  ]);
  return { manifest, pieces: new Map(pieces) };
}

const FIRST: SpawnRequest = {
  parent: null,
  function: null,
  name: "main.ts",
  arg: new Uint8Array(),
  resources: { mem: 1, cpu: 0 },
  cwd: null,
  env: null,
};

/** The paths of all working directories of runs. */
async function* runFolders(store: string): AsyncGenerator<string> {
  for await (const { name } of Deno.readDir(`${store}/live`)) {
    for await (const run of Deno.readDir(`${store}/live/${name}/runs`)) yield run.name;
  }
}

Deno.test("20 launches at once get the program once, and the next run of it does not get it at all", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { manifest, pieces } = await writeProgram(`${folder}/main`);
    assert(manifest.pieces.length > 1);
    await using store = await Store.open(`${folder}/store`);
    const credential = await loadCredential({ logger: QUIET });
    const context = {
      host: "127.0.0.1",
      address: "127.0.0.1:9",
      port: 9,
      machine: { mem: 1024 ** 3, cpu: 1 },
      credential,
      store,
      logger: QUIET,
      maxSpares: 0,
    };
    const spec = encodeRunSpec({
      kind: "executable",
      name: "main",
      main: "main",
      cwd: "",
      manifest,
      args: [],
      env: {},
      tree: EMPTY_TREE,
    });
    await using bridge = await FakeBridge.start(spec, pieces);
    const unexpected = () => Promise.reject(new Error("nobody is to ask the master"));
    const master = { spawn: unexpected, wait: unexpected, kill: unexpected };
    for (const id of ["one", "two"]) {
      const key = new Uint8Array(32);
      const run = new HostedRun({ run: id, key, bridge: bridge.address }, context, {
        master,
        held: new HeldArgs(context.address),
      });
      const launches = Array.from({ length: 20 }, () => run.launch(FIRST));
      for (const launch of launches) launch.catch(() => {}); // each is checked below
      for (const launch of launches) {
        await assertRejects(() => launch, SpawnError, "exited with 3");
      }
      assertEquals(await Array.fromAsync(runFolders(`${folder}/store`)), [`${id}-9`]);
      await run.close();
    }
    assertEquals(bridge.asked.toSorted(), manifest.pieces.toSorted());
    assertEquals(bridge.links, 2);
    assertEquals(await Array.fromAsync(runFolders(`${folder}/store`)), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
