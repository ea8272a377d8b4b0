// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { randomFrom } from "../../scripts/bench/placement.ts";
import { type Amount, fits } from "../../src/master/amount.ts";
import { fullnessWith, type Load, NodeIndex } from "../../src/master/node_index.ts";

type Node = Load & { readonly used: { mem: number; cpu: number } };

const free = ({ capacity, used }: Node): Amount => ({
  mem: capacity.mem - used.mem,
  cpu: capacity.cpu - used.cpu,
});

/** Sets and hides nodes at random; yields the nodes, and a need to search for. */
function* changes(
  index: NodeIndex,
  slots: number,
  steps: number,
  seed: number,
): Generator<[(Node | undefined)[], Amount]> {
  const random = randomFrom(seed);
  const whole = (limit: number): number => Math.floor(random() * limit);
  const nodes: (Node | undefined)[] = [];
  for (let step = 0; step < steps; step++) {
    const slot = whole(slots);
    if (random() < 0.1) {
      nodes[slot] = undefined;
      index.hide(slot);
    } else {
      const capacity = { mem: 1 + whole(4) * 100, cpu: whole(3) * 100 };
      const node = {
        capacity,
        used: { mem: whole(capacity.mem + 1), cpu: whole(capacity.cpu + 1) },
        count: whole(4),
      };
      nodes[slot] = node;
      index.set(slot, node);
    }
    yield [nodes, { mem: whole(200), cpu: random() < 0.2 ? 0 : whole(200) }];
  }
}

Deno.test("findRoom() and findLargeEnough() find a best node among a few", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const index = new NodeIndex();
    for (const [nodes, need] of changes(index, 1 + seed * 3, 400, seed)) {
      const check = (slot: number, can: (node: Node) => boolean): void => {
        const able = nodes.filter((node) => node !== undefined && can(node));
        if (slot < 0) return assertEquals(able.length, 0, `seed ${seed}`);
        const found = nodes[slot];
        assert(found !== undefined && can(found), `seed ${seed}: not a node that can`);
        const least = Math.min(...able.map((node) => fullnessWith(node!, need)));
        assertEquals(fullnessWith(found, need), least, `seed ${seed}`);
      };
      check(index.findRoom(need), (node) => fits(need, free(node)));
      check(index.findLargeEnough(need), (node) => fits(need, node.capacity));
    }
  }
});

Deno.test("findRoom() finds a node among thousands if there is one, nearly the best", () => {
  for (let seed = 1; seed <= 2; seed++) {
    const index = new NodeIndex();
    let [searches, excess, step] = [0, 0, 0];
    for (const [nodes, need] of changes(index, 3000, 40_000, seed)) {
      if (step++ % 20 !== 0) {
        index.findRoom(need);
        continue;
      }
      const able = nodes.filter((node) => node !== undefined && fits(need, free(node)));
      const found = nodes[index.findRoom(need)];
      assertEquals(found !== undefined, able.length > 0, `seed ${seed}`);
      if (found === undefined) continue;
      assert(fits(need, free(found)), `seed ${seed}`);
      searches++;
      const least = able.reduce((min, node) => Math.min(min, fullnessWith(node!, need)), Infinity);
      excess += fullnessWith(found, need) - least;
    }
    assert(searches > 500 && excess / searches < 0.02, `seed ${seed}: ${excess / searches} fuller`);
  }
});
