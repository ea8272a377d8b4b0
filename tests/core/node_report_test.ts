/** The state of a node, from its connection. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { type NodeLinkState, type NodeState, nodeState } from "../../src/core/node_report.ts";

Deno.test("nodeState() tells a node that answers from one that does not, and from none", () => {
  const up = {
    ...{ connected: true, silentMs: 2_999, why: "", wasSilent: false },
    ...{ closed: undefined, fault: null },
  };
  const gone = { connected: false, silentMs: 0, why: "nothing listens there" };
  const table: [Partial<NodeLinkState>, NodeState, string][] = [
    [{}, "up", ""],
    [{ closed: "draining" }, "draining", ""],
    [{ closed: "leaving" }, "leaving", ""],
    [{ fault: "no space left" }, "failing", "no space left"],
    [{ fault: "no space left", closed: "draining" }, "draining", ""],
    [{ fault: "no space left", silentMs: 3_000 }, "frozen", "has not answered for 3 s"],
    [{ silentMs: 3_000 }, "frozen", "has not answered for 3 s"],
    [{ silentMs: 7_400, closed: "draining" }, "frozen", "has not answered for 7 s"],
    [{ ...gone, closed: "draining" }, "away", "nothing listens there"],
    [gone, "away", "nothing listens there"],
    [{ ...gone, wasSilent: true }, "frozen", "nothing listens there"],
    // What was before this connection does not matter.
    [{ wasSilent: true, why: "it did not answer for 10 s" }, "up", ""],
  ];
  for (const [change, state, why] of table) {
    assertEquals(nodeState({ ...up, ...change }, 1_000), { state, why });
  }
});
