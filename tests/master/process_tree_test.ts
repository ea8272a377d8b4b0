/** Who descends from whom. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { makePid, type Pid, randomId } from "../../src/core/pid.ts";
import { ProcessTree } from "../../src/master/process_tree.ts";

Deno.test("ProcessTree tells what descends from a process, in whichever order they came", () => {
  const [first, a, b, deep, other]: Pid[] = Array.from(
    { length: 5 },
    () => makePid(randomId(), "127.0.0.1", 4100),
  ) as [Pid, Pid, Pid, Pid, Pid];
  const parents: [Pid, Pid | null][] = [
    [first!, null],
    [a!, first!],
    [b!, first!],
    [deep!, a!],
    [other!, null],
  ];
  for (const order of [parents, parents.toReversed()]) {
    const tree = new ProcessTree();
    for (const [pid, parent] of order) tree.add(pid, parent);
    assertEquals(new Set(tree.from(first!)), new Set([first, a, b, deep]));
    assertEquals(tree.from(a!), [a, deep]);
    assertEquals(tree.from(other!), [other]);
    const roots = new Set([a!, other!]);
    const descend = [first, a, b, deep, other].filter((pid) => tree.descends(pid!, roots));
    assertEquals(descend, [a, deep, other]);
    assertEquals(tree.descends(null, roots), false);
  }
});
