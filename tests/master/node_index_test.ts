// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { randomFrom } from "../../scripts/bench/placement.ts";
import { type Amount, fits } from "../../src/master/amount.ts";
import { fullnessWith, NodeIndex } from "../../src/master/node_index.ts";
import { PlacementNode, Ticket } from "../../src/master/ticket.ts";

type Node = PlacementNode<null>;

/** Sets and hides nodes at random; yields the nodes, and a need to search for. */
function* changes(
  index: NodeIndex<null>,
  count: number,
  steps: number,
  seed: number,
): Generator<[readonly Node[], Amount]> {
  const random = randomFrom(seed);
  const whole = (limit: number): number => Math.floor(random() * limit);
  const nodes = Array.from({ length: count }, (_, at) => new PlacementNode<null>(`n${at}`));
  const visible = new Set<Node>();
  for (let step = 0; step < steps; step++) {
    const node = nodes[whole(count)]!;
    if (random() < 0.1) {
      visible.delete(node);
      index.hide(node);
    } else {
      for (const ticket of [...node.tickets]) node.takeBack(ticket);
      node.become(true, { mem: 1 + whole(4) * 100, cpu: whole(3) * 100 });
      const need = { mem: whole(node.free.mem + 1), cpu: whole(node.free.cpu + 1) };
      for (const grant of [need, NOTHING, NOTHING].slice(0, whole(4))) {
        node.give(new Ticket(null, grant));
      }
      visible.add(node);
      index.set(node);
    }
    yield [[...visible], { mem: whole(200), cpu: random() < 0.2 ? 0 : whole(200) }];
  }
}

const NOTHING: Amount = { mem: 0, cpu: 0 };

Deno.test("findRoom() and findLargeEnough() find a best node among a few", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const index = new NodeIndex<null>();
    for (const [nodes, need] of changes(index, 1 + seed * 3, 400, seed)) {
      const check = (found: Node | undefined, can: (node: Node) => boolean): void => {
        const able = nodes.filter(can);
        if (found === undefined) return assertEquals(able.length, 0, `seed ${seed}`);
        assert(able.includes(found), `seed ${seed}: not a node that can`);
        const least = Math.min(...able.map((node) => fullnessWith(node, need)));
        assertEquals(fullnessWith(found, need), least, `seed ${seed}`);
      };
      check(index.findRoom(need), (node) => fits(need, node.free));
      check(index.findLargeEnough(need), (node) => fits(need, node.capacity));
    }
  }
});

Deno.test("findRoom() finds a node among thousands if there is one, nearly the best", () => {
  for (let seed = 1; seed <= 2; seed++) {
    const index = new NodeIndex<null>();
    let [searches, excess, step] = [0, 0, 0];
    for (const [nodes, need] of changes(index, 3000, 40_000, seed)) {
      if (step++ % 20 !== 0) continue;
      const able = nodes.filter((node) => fits(need, node.free));
      const found = index.findRoom(need);
      assertEquals(found !== undefined, able.length > 0, `seed ${seed}`);
      if (found === undefined) continue;
      assert(able.includes(found), `seed ${seed}`);
      searches++;
      const least = able.reduce((min, node) => Math.min(min, fullnessWith(node, need)), Infinity);
      excess += fullnessWith(found, need) - least;
    }
    assert(searches > 500 && excess / searches < 0.02, `seed ${seed}: ${excess / searches} fuller`);
  }
});
