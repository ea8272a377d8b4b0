// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { randomFrom } from "../../scripts/bench/placement.ts";
import { type Amount, fits } from "../../src/master/amount.ts";
import { ENOUGH, PlacementNodes } from "../../src/master/placement_nodes.ts";
import { type PlacementNode, Ticket } from "../../src/master/ticket.ts";
import { fullnessWith } from "./fullness.ts";

type Node = PlacementNode<null>;

/** Opens, closes and fills nodes at random; yields those that are open, and a need to search for. */
function* changes(
  nodes: PlacementNodes<null>,
  count: number,
  steps: number,
  seed: number,
): Generator<[() => readonly Node[], Amount]> {
  const random = randomFrom(seed);
  const whole = (limit: number): number => Math.floor(random() * limit);
  const all = Array.from({ length: count }, (_, at) => nodes.set(`n${at}`, true, NOTHING));
  for (let step = 0; step < steps; step++) {
    const node = all[whole(count)]!;
    node.closed = random() < 0.1;
    for (const ticket of [...node.tickets]) nodes.takeBack(node, ticket);
    nodes.set(node.id, true, { mem: 1 + whole(4) * 100, cpu: whole(3) * 100 });
    const need = { mem: whole(node.free.mem + 1), cpu: whole(node.free.cpu + 1) };
    for (const grant of [need, NOTHING, NOTHING].slice(0, whole(4))) {
      nodes.give(node, new Ticket(null, grant));
    }
    yield [() => all.filter(({ isOpen }) => isOpen), {
      mem: whole(200),
      cpu: whole(5) && whole(200),
    }];
  }
}

const NOTHING: Amount = { mem: 0, cpu: 0 };

Deno.test("findRoom() and findLargeEnough() find a best node among a few", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const nodes = new PlacementNodes<null>();
    for (const [open, need] of changes(nodes, 1 + seed * 3, 400, seed)) {
      const check = (found: Node | undefined, can: (node: Node) => boolean): void => {
        const able = open().filter(can);
        if (found === undefined) return assertEquals(able.length, 0, `seed ${seed}`);
        assert(able.includes(found), `seed ${seed}: not a node that can`);
        const least = Math.min(...able.map((node) => fullnessWith(node, need)));
        assertEquals(fullnessWith(found, need), least, `seed ${seed}`);
      };
      check(nodes.findRoom(need), (node) => fits(need, node.free));
      check(nodes.findLargeEnough(need), (node) => fits(need, node.capacity));
    }
  }
});

Deno.test("findRoom() finds a node among thousands if there is one, nearly the best", () => {
  for (let seed = 1; seed <= 2; seed++) {
    const nodes = new PlacementNodes<null>();
    let [searches, excess, step] = [0, 0, 0];
    for (const [open, need] of changes(nodes, 3000, 40_000, seed)) {
      if (step++ % 20 !== 0) continue;
      const able = open().filter((node) => fits(need, node.free));
      const found = nodes.findRoom(need);
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

Deno.test("findRoom() finds the only node that has room, wherever it is, among any number", () => {
  for (const count of [1, 2, ENOUGH, ENOUGH + 1, 1000, 5000]) {
    const nodes = new PlacementNodes<null>();
    for (let at = 0; at < count; at++) nodes.set(`n${at}`, true, NOTHING);
    for (const at of [0, count >> 1, count - 1]) {
      const node = nodes.set(`n${at}`, true, { mem: 1, cpu: 1 });
      assertEquals(nodes.findRoom({ mem: 1, cpu: 1 }), node, `${at} of ${count}`);
      nodes.set(`n${at}`, true, NOTHING);
      assertEquals(nodes.findRoom({ mem: 1, cpu: 1 }), undefined, `${at} of ${count}`);
    }
  }
});

Deno.test("findRoom() finds the empty half of a large cluster, also if it came last", () => {
  const nodes = new PlacementNodes<null>();
  for (let at = 0; at < 4 * ENOUGH; at++) {
    const node = nodes.set(`n${at}`, true, { mem: 4, cpu: 4 });
    if (at < 2 * ENOUGH) nodes.give(node, new Ticket(null, { mem: 2, cpu: 2 }));
  }
  for (let search = 0; search < 8; search++) {
    assertEquals(nodes.findRoom({ mem: 1, cpu: 1 })?.tickets.size, 0);
  }
});
