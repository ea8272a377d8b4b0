// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { randomFrom } from "../../scripts/bench/placement.ts";
import { type Amount, fits } from "../../src/master/amount.ts";
import { Ticket } from "../../src/master/ticket.ts";
import { WaitingQueue } from "../../src/master/waiting_queue.ts";

/** Pushes and removes at random; after each step, yields what should wait, oldest first. */
function* changes(
  queue: WaitingQueue<number>,
  options: { seed: number; steps: number; most: number; need: (random: () => number) => Amount },
): Generator<[Map<Ticket<number>, number>, Amount]> {
  const random = randomFrom(options.seed);
  const waiting = new Map<Ticket<number>, number>();
  for (let step = 0; step < options.steps; step++) {
    if (waiting.size < options.most * random()) {
      const ticket = new Ticket(step, options.need(random));
      queue.push(ticket);
      waiting.set(ticket, 0);
    } else if (waiting.size > 0) {
      const granted = random() < 0.7;
      // Often the oldest ones, as in a cluster with much room.
      const at = Math.floor(random() ** 2 * waiting.size);
      const ticket = [...waiting.keys()][at]!;
      queue.remove(ticket, granted);
      waiting.delete(ticket);
      for (const [other, count] of waiting) {
        if (granted && other.owner < ticket.owner) waiting.set(other, count + 1);
      }
    }
    if (random() < 0.2) {
      queue.overtakeAll();
      for (const [other, count] of waiting) waiting.set(other, count + 1);
    }
    yield [waiting, options.need(random)];
  }
}

/** Each waiting request, and how often it was overtaken. */
function overtakenIn(queue: WaitingQueue<number>): [Ticket<number>, number][] {
  let overtaken = queue.headOvertaken;
  return Array.from(queue, (ticket) => {
    const entry: [Ticket<number>, number] = [ticket, overtaken];
    overtaken -= ticket.overtakes;
    return entry;
  });
}

Deno.test("WaitingQueue keeps order and counts, and finds the oldest of a few sizes", () => {
  const need = (random: () => number): Amount => ({
    mem: Math.floor(random() * 5),
    cpu: Math.floor(random() * 3) * 1000,
  });
  for (let seed = 1; seed <= 10; seed++) {
    const queue = new WaitingQueue<number>();
    const tried = new Set<Ticket<number>>();
    for (const [waiting, room] of changes(queue, { seed, steps: 600, most: 60, need })) {
      for (const ticket of tried) if (!waiting.has(ticket)) tried.delete(ticket);
      assertEquals(overtakenIn(queue), [...waiting], `seed ${seed}`);
      const tickets = [...waiting.keys()];
      const untried = tickets.find((ticket) => !tried.has(ticket));
      assertEquals([queue.head, queue.untried], [tickets[0], untried]);
      if (untried !== undefined) {
        assertEquals(queue.untriedOvertaken, waiting.get(untried), `seed ${seed}`);
        // Now and then, so that many of those that wait have been tried, and as many have not.
        if (tried.size < waiting.size / 2) {
          tried.add(untried);
          queue.tried(untried);
        }
      }
      const oldest = tickets.find((ticket) => fits(ticket, room));
      assertEquals(queue.oldestThatFits(room), oldest, `seed ${seed}`);
    }
  }
});

Deno.test("WaitingQueue finds the last of many sizes, in any position", () => {
  for (let count = 1; count <= 40; count++) {
    for (let last = 0; last < count; last++) {
      const sizes = Array.from({ length: count }, (_, at) => ({ mem: 2 ** at, cpu: 100 - at }));
      const [size] = sizes.splice(last, 1);
      const queue = new WaitingQueue<number>();
      for (const other of sizes) queue.push(new Ticket(0, other));
      assertEquals(queue.oldestThatFits(size!), undefined);
      const ticket = new Ticket(1, size!);
      queue.push(ticket);
      assertEquals(queue.oldestThatFits(size!), ticket, `size ${last} of ${count}`);
      queue.remove(ticket, true);
      assertEquals(queue.oldestThatFits(size!), undefined);
    }
  }
});

Deno.test("WaitingQueue finds what fits among a thousand sizes, and an old one of them", () => {
  const need = (random: () => number): Amount => ({
    mem: Math.floor(random() ** 4 * 2 ** 40),
    cpu: Math.floor(random() ** 4 * 2 ** 26),
  });
  for (let seed = 1; seed <= 3; seed++) {
    const queue = new WaitingQueue<number>();
    let [found, younger] = [0, 0];
    for (const [waiting, room] of changes(queue, { seed, steps: 4000, most: 4000, need })) {
      const fitting = [...waiting.keys()].filter((ticket) => fits(ticket, room));
      const ticket = queue.oldestThatFits(room);
      assertEquals(ticket !== undefined, fitting.length > 0, `seed ${seed}`);
      if (ticket === undefined) continue;
      const at = fitting.indexOf(ticket);
      assert(at >= 0, `seed ${seed}: it does not fit`);
      found++;
      younger += at / fitting.length;
    }
    assert(found > 500 && younger / found < 0.1, `seed ${seed}: ${younger / found}`);
  }
});

Deno.test("WaitingQueue distinguishes sizes that differ by a byte or a millionth of a core", () => {
  const need = (random: () => number): Amount => ({
    mem: 2 ** 40 + Math.floor(random() * 20),
    cpu: 2 ** 30 + Math.floor(random() * 20),
  });
  for (let seed = 1; seed <= 3; seed++) {
    const queue = new WaitingQueue<number>();
    for (const [waiting, room] of changes(queue, { seed, steps: 2000, most: 400, need })) {
      const fitting = [...waiting.keys()].filter((ticket) => fits(ticket, room));
      const ticket = queue.oldestThatFits(room);
      assertEquals(ticket !== undefined, fitting.length > 0, `seed ${seed}`);
      assert(ticket === undefined || fitting.includes(ticket), `seed ${seed}: it does not fit`);
    }
  }
});
