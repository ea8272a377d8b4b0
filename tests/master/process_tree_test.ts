/** The tree of a run's processes. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { makePid, type Pid, randomId } from "../../src/core/pid.ts";
import { ProcessTree } from "../../src/master/process_tree.ts";

Deno.test("ProcessTree gives the descendants of a process, in whatever order they were added", () => {
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

function newPids(count: number): Pid[] {
  return Array.from({ length: count }, () => makePid(randomId(), "127.0.0.1", 4100));
}

Deno.test("ProcessTree keeps an ended process while a descendant of it is running", () => {
  const tree = new ProcessTree();
  const [first, a, deep] = newPids(3) as [Pid, Pid, Pid];
  for (const [pid, parent] of [[first, null], [a, first], [deep, a]] as const) {
    tree.add(pid, parent);
  }
  tree.end(first);
  tree.end(a);
  assertEquals(tree.from(first), [first, a, deep]);
  assert(tree.descends(deep, new Set([first])));
  tree.end(deep);
  assertEquals([tree.from(first), tree.size], [[first], 0]);
});

Deno.test("ProcessTree keeps nothing of a million ended processes", () => {
  const tree = new ProcessTree();
  const [first] = newPids(1) as [Pid];
  tree.add(first, null);
  for (let index = 0; index < 1_000_000; index++) {
    const pid = makePid(index.toString(16).padStart(32, "0"), "127.0.0.1", 4100);
    tree.add(pid, first);
    tree.end(pid);
  }
  assertEquals(tree.size, 1);
});

Deno.test("ProcessTree stays bounded for a long chain in which each spawns the next one and ends", () => {
  const MAX = 10;
  const tree = new ProcessTree(MAX);
  const chain = newPids(100);
  tree.add(chain[0]!, null);
  for (let at = 1; at < chain.length; at++) {
    tree.add(chain[at]!, chain[at - 1]!);
    tree.end(chain[at - 1]!);
    assert(tree.size <= MAX + 1, `${tree.size} are kept`);
  }
  // It leaves out those that ended first.
  assertEquals(tree.from(chain.at(-5)!), chain.slice(-5));
  assert(tree.descends(chain.at(-1)!, new Set([chain.at(-MAX)!])));
});

Deno.test("ProcessTree gives the children of a process that it drops to its parent", () => {
  const tree = new ProcessTree(1);
  const [first, a, b, underA, underB] = newPids(5) as [Pid, Pid, Pid, Pid, Pid];
  tree.add(first, null);
  for (const [pid, parent] of [[a, first], [b, first], [underA, a], [underB, b]] as const) {
    tree.add(pid, parent);
  }
  tree.end(a);
  tree.end(b);
  assertEquals(tree.has(a), false);
  assertEquals(new Set(tree.from(first)), new Set([first, b, underA, underB]));
  tree.end(underA);
  tree.end(underB);
  assertEquals(tree.from(first), [first]);
});
