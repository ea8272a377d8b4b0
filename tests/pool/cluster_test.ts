/** Pools on a cluster, where room for processes is limited. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { TestCluster } from "deploy/testing";
import { withoutNotices } from "../system/helpers.ts";

Deno.test("a pool grows no further than there is room, and goes on when there is more", async () => {
  await using cluster = await TestCluster.start({ nodes: 1, mem: "1GiB", cpu: 1 });
  await using run = await cluster.deploy(new URL("./programs/crowded.ts", import.meta.url));
  const { code, said, stdout } = await run.ended;
  assertEquals({ code, said: withoutNotices(said) }, { code: 0, said: "" });
  assertEquals(stdout, "1 process beside the hog\n2 processes\n");
});
