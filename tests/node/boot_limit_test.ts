/** Processes that do not become ready. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertRejects } from "@std/assert";
import { NodeFaultError } from "../../src/core/node_fault.ts";
import { NotStartedError } from "../../src/host/not_started.ts";
import { startNode } from "./node_harness.ts";

/** A node whose program is this shell script. */
async function withScript(
  script: string,
  test: (node: ReturnType<typeof startNode>) => Promise<void>,
  bootLimitMs?: number,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/program`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    await using node = startNode({
      command: `${folder}/program`,
      ...(bootLimitMs !== undefined && { bootLimitMs }),
    });
    await test(node);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a process that is not ready in time is ended, and its spawn says so", async () => {
  await withScript("exec sleep 600", async (node) => {
    const error = await assertRejects(() => node.launch("work"), NotStartedError);
    assertEquals(
      error.message,
      "Cannot start work(): its process was killed after 0.3 s before it ran work(); " +
        "it wrote nothing to stderr",
    );
  }, 300);
});

Deno.test("a process that ends since the machine lacks something is the machine's fault", async () => {
  const said = "Deno could not start: unable to create worker threads.";
  await withScript(`echo '${said}' >&2; exit 1`, async (node) => {
    const error = await assertRejects(() => node.launch("work"), NodeFaultError);
    assertEquals([error.name, error.reason], ["SpawnError", "not-started"]);
    assertEquals(error.message, `Cannot start work() on node node 1: ${error.why}`);
  });
});
