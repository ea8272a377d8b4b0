/** The nodes of a cluster as a table. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { nodeLines } from "../../src/terminal/node_lines.ts";

const GIB = 1024 ** 3;

Deno.test("nodeLines() shows what is in use of what there is, and why a node is not up", () => {
  const nothing = { mem: 0, cpu: 0 };
  const lines = nodeLines([
    {
      ...{ node: "10.0.0.1:9999", state: "up", why: "", processes: 3 },
      ...{ capacity: { mem: 15.2 * GIB, cpu: 8 }, inUse: { mem: 3 * GIB, cpu: 2.5 } },
    },
    {
      ...{ node: "10.0.0.2:9999", state: "away", why: "nothing listens there", processes: 0 },
      ...{ capacity: null, inUse: nothing },
    },
  ], undefined);
  assertEquals(lines, [
    "NODE           STATE  PROCESSES  MEM-USED  MEM      CPU-USED  CPU  WHY",
    "10.0.0.1:9999  up     3          3GiB      15.2GiB  2.5       8",
    "10.0.0.2:9999  away   0          0B        -        0         -    nothing listens there",
  ]);
});
