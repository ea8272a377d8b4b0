/** Placement under random operations, compared with a slow and simple model. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import type { Resources } from "../../src/core/resources.ts";
import { Placement } from "../../src/master/placement.ts";
import type { Ticket } from "../../src/master/ticket.ts";
import { randomFrom } from "../../scripts/bench/placement.ts";
import { fullnessWith } from "./fullness.ts";

interface ModelNode {
  capacity: Resources;
  present: boolean;
  closed: boolean;
  avoided: boolean;
  tickets: Set<Ticket<number>>;
}

interface Shape {
  readonly nodes: number;
  readonly operations: number;
  readonly overtakes: number;
  readonly capacity: (random: () => number) => Resources;
  readonly need: (random: () => number) => Resources;
}

const units = ({ mem, cpu }: Resources): Resources => ({ mem, cpu: Math.floor(cpu * 1e6 + 1e-3) });
const fits = (need: Resources, room: Resources): boolean =>
  need.mem <= room.mem && need.cpu <= room.cpu;

class Model {
  readonly placement: Placement<number>;
  readonly nodes = new Map<string, ModelNode>();
  readonly needs = new Map<Ticket<number>, Resources>();
  readonly granted = new Set<Ticket<number>>();
  /** Oldest first, with the number of times that each was overtaken. */
  readonly waiting = new Map<Ticket<number>, number>();
  readonly #overtakes: number;
  #mostGranted = 0;
  #head: Ticket<number> | undefined;
  /** How many nodes were reserved for the oldest one, and how often it had been overtaken. */
  #headCount = 0;
  #headAt = 0;
  #count = 0;

  constructor(overtakes: number) {
    this.#overtakes = overtakes;
    this.placement = new Placement({ overtakes });
  }

  used(node: ModelNode): Resources {
    const sum = { mem: 0, cpu: 0 };
    for (const ticket of node.tickets) {
      const need = this.needs.get(ticket)!;
      sum.mem += need.mem;
      sum.cpu += need.cpu;
    }
    return sum;
  }

  free(node: ModelNode): Resources {
    const used = this.used(node);
    return { mem: node.capacity.mem - used.mem, cpu: node.capacity.cpu - used.cpu };
  }

  #reservations(): Map<string, number> {
    return new Map(
      this.placement.usage().flatMap(({ node, reservedFor }) =>
        reservedFor === undefined ? [] : [[node, reservedFor]]
      ),
    );
  }

  request(need: Resources, wait: boolean): void {
    const reserved = this.#reservations();
    const amount = units(need);
    const isForOthers = this.#isForOthers(amount);
    const open = [...this.nodes].filter(([id, node]) =>
      node.present && !node.closed && !(node.avoided && isForOthers) && !reserved.has(id) &&
      fits(amount, this.free(node))
    );
    const fullness = ([, node]: [string, ModelNode]): number =>
      fullnessWith({ ...node, free: this.free(node) }, amount);
    const least = Math.min(...open.map(fullness));
    const satisfiable = [...this.nodes.values()].some((node) => fits(amount, node.capacity));
    const owner = this.#count++;
    const probed = this.placement.probe(need);
    const ticket = wait
      ? this.placement.request(owner, need)
      : this.placement.tryRequest(owner, need);
    if (typeof ticket === "string") {
      assertEquals(ticket, satisfiable ? "no-capacity" : "unsatisfiable");
      assertEquals(probed, ticket);
      assertEquals(open.length, 0);
      return;
    }
    assert(satisfiable);
    this.needs.set(ticket, amount);
    if (ticket.state === "granted") {
      assertEquals(probed, { node: ticket.nodeId ?? "" });
      const place = open.find(([id]) => id === ticket.nodeId);
      assert(place !== undefined && fullness(place) === least, "not where it fits best");
      place[1].tickets.add(ticket);
      this.granted.add(ticket);
      for (const [other, overtaken] of this.waiting) this.waiting.set(other, overtaken + 1);
    } else {
      assertEquals(ticket.state, "waits");
      assertEquals(open.length, 0);
      this.waiting.set(ticket, 0);
    }
  }

  release(ticket: Ticket<number>): void {
    const node = this.nodes.get(ticket.nodeId ?? "");
    const reservedBefore = this.#reservations().size;
    node?.tickets.delete(ticket);
    this.granted.delete(ticket);
    this.waiting.delete(ticket);
    const obvious: number[] = [];
    if (node !== undefined && !node.closed) {
      const free = this.free(node);
      for (const other of this.waiting.keys()) {
        const need = this.needs.get(other)!;
        if (!fits(need, free) || (node.avoided && this.#isForOthers(need))) continue;
        obvious.push(other.owner);
        free.mem -= need.mem;
        free.cpu -= need.cpu;
      }
    }
    const grants = this.placement.release(ticket);
    assertEquals(ticket.state, "ended");
    this.#take(grants);
    if (reservedBefore + this.#reservations().size === 0) {
      assertEquals(grants.map(({ owner }) => owner), obvious);
    }
    assertEquals(this.placement.release(ticket), []);
  }

  add(id: string, capacity: Resources): void {
    const closed = this.nodes.get(id)?.closed ?? false;
    const facts = { present: true, closed, avoided: false, tickets: new Set<Ticket<number>>() };
    this.nodes.set(id, { capacity: units(capacity), ...facts });
    this.#take(this.placement.addNode(id, capacity));
  }

  avoid(id: string): void {
    this.nodes.get(id)!.avoided = true;
    this.#take(this.placement.avoidNode(id));
  }

  prefer(id: string): void {
    this.nodes.get(id)!.avoided = false;
    this.#take(this.placement.preferNode(id));
  }

  /** Whether a node that is neither closed nor avoided is large enough. */
  #isForOthers(need: Resources): boolean {
    return this.nodes.values().some(({ present, closed, avoided, capacity }) =>
      present && !closed && !avoided && fits(need, capacity)
    );
  }

  close(id: string): void {
    this.nodes.get(id)!.closed = true;
    this.#take(this.placement.closeNode(id));
  }

  open(id: string): void {
    this.nodes.get(id)!.closed = false;
    this.#take(this.placement.openNode(id));
  }

  lose(id: string, forGood: boolean): void {
    const node = this.nodes.get(id)!;
    const lost = [...node.tickets];
    node.tickets.clear();
    node.present = node.avoided = false;
    if (forGood) this.nodes.delete(id);
    for (const ticket of lost) this.granted.delete(ticket);
    this.#take(forGood ? this.placement.removeNode(id) : this.placement.loseNode(id));
    for (const ticket of lost) {
      assertEquals(ticket.state, "ended");
      assertEquals(this.placement.release(ticket), []);
    }
  }

  #take(grants: readonly Ticket<number>[]): void {
    for (const ticket of grants) {
      assert(this.waiting.delete(ticket), `${ticket.owner} did not wait`);
      const node = this.nodes.get(ticket.nodeId ?? "");
      const need = this.needs.get(ticket)!;
      assert(node?.present === true && !node.closed && fits(need, this.free(node)));
      assert(!node.avoided || !this.#isForOthers(need), `${ticket.nodeId} is avoided`);
      node.tickets.add(ticket);
      this.granted.add(ticket);
      for (const [other, overtaken] of this.waiting) {
        if (other.owner < ticket.owner) this.waiting.set(other, overtaken + 1);
      }
    }
  }

  check(): void {
    const usage = this.placement.usage();
    assertEquals(new Set(usage.map(({ node }) => node)), new Set(this.nodes.keys()));
    const reserved = this.#reservations();
    this.#mostGranted = Math.max(this.#mostGranted, this.granted.size);
    assertEquals(
      Array.from(this.placement.waiting(), ({ owner, overtaken }) => [owner, overtaken]),
      Array.from(this.waiting, ([{ owner }, overtaken]) => [owner, overtaken]),
    );
    for (
      const { node: id, present, closed, avoided, capacity, inUse, count, reservedFor } of usage
    ) {
      const node = this.nodes.get(id)!;
      assertEquals(units(inUse), this.used(node));
      assertEquals([present, closed, count], [node.present, node.closed, node.tickets.size]);
      assert(!closed || reservedFor === undefined, `${id} is closed, and reserved`);
      assertEquals(avoided, node.avoided);
      assert(!avoided || reservedFor === undefined, `${id} is avoided, and reserved`);
      assert(fits(inUse, capacity), `${id} has given more than it has`);
      for (const ticket of this.waiting.keys()) {
        const need = this.needs.get(ticket)!;
        if (
          !present || closed || (avoided && this.#isForOthers(need)) ||
          (reservedFor !== undefined && reservedFor !== ticket.owner)
        ) {
          continue;
        }
        assert(!fits(need, this.free(node)), `${ticket.owner} fits on ${id}`);
      }
    }
    const owners = new Set(Array.from(this.waiting.keys(), ({ owner }) => owner));
    for (const owner of reserved.values()) assert(owners.has(owner), `${owner} does not wait`);
    this.#checkHead(reserved);
  }

  /** The oldest one gets a node soon if one is large enough, and the others later. */
  #checkHead(reserved: ReadonlyMap<string, number>): void {
    const [[head, overtaken] = []] = this.waiting;
    if (head === undefined || overtaken === undefined) return;
    const need = this.needs.get(head)!;
    const open = [...this.nodes].filter(([id, node]) =>
      node.present && !node.closed && !node.avoided && fits(need, node.capacity) &&
      !reserved.has(id)
    );
    const count = [...reserved.values()].filter((owner) => owner === head.owner).length;
    if (head !== this.#head || count !== this.#headCount || open.length === 0) {
      this.#head = head;
      this.#headCount = count;
      this.#headAt = Math.max(overtaken, this.#overtakes);
    }
    const most = Math.max(this.#overtakes, this.#mostGranted);
    assert(
      overtaken - this.#headAt <= most,
      `${head.owner} has been overtaken ${overtaken - this.#headAt} times with ${count} nodes`,
    );
  }
}

function run(shape: Shape, seed: number): void {
  const random = randomFrom(seed);
  const model = new Model(shape.overtakes);
  let made = 0;
  const add = (): void => model.add(`node ${made++}`, shape.capacity(random));
  const any = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  for (let index = 0; index < shape.nodes; index++) add();
  for (let step = 0; step < shape.operations; step++) {
    const choice = random();
    if (choice < 0.45) {
      model.request(shape.need(random), random() < 0.8);
    } else if (choice < 0.9) {
      const ticket = any([...model.granted]);
      if (ticket !== undefined) model.release(ticket);
    } else if (choice < 0.94) {
      const ticket = any([...model.waiting.keys()]);
      if (ticket !== undefined) model.release(ticket);
    } else if (choice < 0.95) {
      const well = any([...model.nodes].filter(([, node]) => node.present && !node.avoided));
      if (well !== undefined) model.avoid(well[0]);
    } else if (choice < 0.96) {
      const avoided = any([...model.nodes].filter(([, node]) => node.avoided));
      if (avoided !== undefined) model.prefer(avoided[0]);
    } else if (choice < 0.97) {
      const away = any([...model.nodes].filter(([, node]) => !node.present));
      if (away !== undefined) model.add(away[0], shape.capacity(random));
      else if (model.nodes.size < 2 * shape.nodes) add();
    } else if (choice < 0.985) {
      const node = any([...model.nodes]);
      if (node?.[1].closed === true) model.open(node[0]);
      else if (node !== undefined) model.close(node[0]);
    } else {
      const here = any([...model.nodes].filter(([, node]) => node.present));
      if (here !== undefined) model.lose(here[0], random() < 0.3);
    }
    model.check();
  }
  for (const [id, { closed }] of model.nodes) if (closed) model.open(id);
  // Once each waiting request fits some node, all of them are granted as the running processes end.
  model.add("large", { mem: 1000, cpu: 100 });
  for (let ticket = any([...model.granted]); ticket !== undefined;) {
    model.release(ticket);
    model.check();
    ticket = any([...model.granted]);
  }
  assertEquals(model.waiting.size, 0);
}

const SHAPES: Record<string, Shape> = {
  "a few nodes, a few sizes": {
    nodes: 3,
    operations: 400,
    overtakes: 3,
    capacity: (random) => ({ mem: 4 + Math.floor(random() * 3) * 4, cpu: 4 }),
    need: (random) => ({ mem: Math.floor(random() ** 2 * 9), cpu: Math.floor(random() * 5) / 2 }),
  },
  "many nodes, a size for each request": {
    nodes: 40,
    operations: 600,
    overtakes: 4,
    capacity: (random) => ({ mem: 50 + Math.floor(random() * 200), cpu: 1 + random() * 20 }),
    need: (random) => ({ mem: Math.floor(random() ** 3 * 250), cpu: random() ** 3 * 21 }),
  },
};

for (const [name, shape] of Object.entries(SHAPES)) {
  Deno.test(`Placement keeps its promises under random operations: ${name}`, () => {
    for (let seed = 1; seed <= 20; seed++) {
      try {
        run(shape, seed);
      } catch (cause) {
        throw new Error(`with seed ${seed}`, { cause });
      }
    }
  });
}
