/** The files of a run on a node. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { MiB } from "../../src/core/resources.ts";
import { EMPTY_TREE } from "../../src/core/tree.ts";
import type { NodeContext } from "../../src/node/node_context.ts";
import { RunFiles } from "../../src/node/run_files.ts";
import { Store } from "../../src/store/store.ts";
import type { RunSpec } from "../../src/wire/run_spec.ts";

Deno.test("files that are more than a run may have on a node are not fetched", async () => {
  const folder = await Deno.makeTempDir();
  {
    await using store = await Store.open(`${folder}/store`);
    const size = 31 * MiB;
    const manifest = { size, pieces: Array.from({ length: 248 }, () => "0".repeat(64)) };
    const spec: RunSpec = {
      ...{ kind: "executable", name: "a", main: "a", cwd: "", manifest, args: [], env: {} },
      tree: EMPTY_TREE,
    };
    const context: Partial<NodeContext> = { store, port: 1, mostRunBytes: 30 * MiB };
    const files = new RunFiles("bafo-kine", context as NodeContext, undefined);
    let fetched = false;
    const fetch = () => Promise.resolve(void (fetched = true));
    await assertRejects(
      () => files.fetch({ spec, by: "anna" }, fetch, new AbortController().signal),
      Error,
      "its files have 31 MiB, and a run may have 30 MiB here (fabric --run-disk)",
    );
    assertEquals(fetched, false);
    await files.remove();
  }
  await Deno.remove(folder, { recursive: true });
});
