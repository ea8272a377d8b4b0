/** Deployments of many files, as the bridge sees them: what they ask for, and what they leave. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import type { Tree } from "../../src/core/tree.ts";
import { type BridgeLink, bridgeLink } from "../../src/cli/attached_run.ts";
import { sha256 } from "../../src/store/sha256.ts";
import { encodeRunSpec } from "../../src/wire/run_spec.ts";
import { type Cluster, dialBridge, startCluster } from "./cluster.ts";

/** The contents of a file that no other test ships. */
function contents(index: number): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`file ${index} of many_files_test.ts`);
}

/** The spec of a program that cannot run, with so many files, each in a pack of its own. */
async function specOf(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
  const packs: Tree["packs"][number][] = [];
  for (let index = from; index < to; index++) {
    const bytes = contents(index);
    const size = bytes.length;
    packs.push({
      manifest: { size, pieces: [await sha256(bytes)] },
      files: [{ path: `f/${index}`, mode: 0o644, size }],
    });
  }
  return encodeRunSpec({
    ...{ kind: "bundle", name: "main.ts", main: "main.js", cwd: "", args: [], env: {} },

    manifest: packs[0]!.manifest,
    tree: { folders: [], links: [], packs },
  });
}

/** Offers it, and gives the pieces that the bridge lacks. */
async function offer(
  cluster: Cluster,
  spec: Uint8Array<ArrayBuffer>,
): Promise<{ link: BridgeLink; lacking: readonly string[] }> {
  const link = bridgeLink(await dialBridge(cluster.bridge));
  void link.send({ type: "offer", spec });
  const lacking: string[] = [];
  for await (const message of link.messages()) {
    assert(message.type === "need");
    lacking.push(...message.pieces);
    if (message.last) break;
  }
  return { link, lacking };
}

/** What the bridge has begun to receive. */
async function drafts(store: string): Promise<string[]> {
  const found: string[] = [];
  for await (const owner of Deno.readDir(`${store}/live`)) {
    for await (const { name } of Deno.readDir(`${store}/live/${owner.name}`)) {
      if (name.startsWith("incoming-")) found.push(name);
    }
  }
  return found;
}

/** How many files the store has. */
async function keptFiles(store: string): Promise<number> {
  return (await Array.fromAsync(Deno.readDir(`${store}/files`))).length;
}

Deno.test("a deployment that goes away leaves nothing half done, and holds up no other meanwhile", async () => {
  await using cluster = await startCluster({ nodes: [{ mem: "1GiB", cpu: 1 }] });
  const [store] = cluster.stores;
  const large = await specOf(0, 3_000);
  const { link, lacking } = await offer(cluster, large);
  assertEquals(lacking.length, 3_000);
  for (const [index, hash] of lacking.slice(0, 100).entries()) {
    await link.send({ type: "piece", hash, bytes: contents(index) });
  }
  await until(async () => (await drafts(store!)).length === 1);
  await until(async () => await keptFiles(store!) > 0);
  const kept = await keptFiles(store!);

  const small = await offer(cluster, await specOf(3_000, 3_010));
  assertEquals(small.lacking.length, 10);
  small.link.drop();
  link.drop();
  await until(async () => (await drafts(store!)).length === 0);

  // What was complete is there, and is not sent again.
  const again = await offer(cluster, large);
  assert(again.lacking.length <= 3_000 - kept, `${again.lacking.length} and ${kept}`);
  again.link.drop();
});

/** Resolves when the condition holds. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
