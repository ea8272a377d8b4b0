/** The loads of `deno task load`, with little of each: nothing is lost, and each part can be sampled. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { LOADS } from "../../scripts/load/loads.ts";

const SMALL: readonly (readonly [name: string, count: number, sampled: string[]])[] = [
  ["messages", 20_000, ["reader"]],
  ["spawns-cluster-20", 6, ["bridge", "master", "node 1"]],
  ["output", 20_000, ["bridge", "deploy", "master", "node 1"]],
];

for (const [name, count, sampled] of SMALL) {
  Deno.test({
    name: `a little of the load "${name}" is carried`,
    // What a part uses is read from /proc.
    ignore: Deno.build.os !== "linux",
    async fn() {
      const { usages } = await LOADS[name]!.run(count);
      assertEquals(Object.keys(usages).sort(), sampled);
    },
  });
}
