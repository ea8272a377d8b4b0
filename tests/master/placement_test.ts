// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { GiB, MiB, type Resources } from "../../src/core/resources.ts";
import { Placement } from "../../src/master/placement.ts";
import { OVERTAKES } from "../../src/master/reservations.ts";
import type { Ticket } from "../../src/master/ticket.ts";

const SIXTEENTH: Resources = { mem: 100 * MiB, cpu: 1 / 16 };

function gib(mem: number, cpu = 0): Resources {
  return { mem: mem * GiB, cpu };
}

/** A cluster of nodes `a`, `b`, … with those sizes. */
function cluster(...capacities: readonly Resources[]): Placement<string> {
  const placement = new Placement<string>();
  for (const [index, capacity] of capacities.entries()) {
    placement.addNode(String.fromCharCode(97 + index), capacity);
  }
  return placement;
}

/** The node, or the reason why there is none, in one word. */
function shown(ticket: Ticket<string> | "no-capacity" | "unsatisfiable"): string {
  return typeof ticket === "string" ? ticket : ticket.nodeId ?? ticket.state;
}

function owners(tickets: Iterable<Ticket<string>>): string[] {
  return Array.from(tickets, (ticket) => `${ticket.owner} ${shown(ticket)}`);
}

/** How many requests are granted, and not released. */
function granted(placement: Placement<string>): number {
  return placement.usage().reduce((sum, { count }) => sum + count, 0);
}

/** Makes a request, and expects a ticket. */
function take(placement: Placement<string>, owner: string, need: Resources): Ticket<string> {
  const ticket = placement.request(owner, need);
  if (ticket === "unsatisfiable") throw new Error(`${owner} is unsatisfiable`);
  return ticket;
}

Deno.test("request() fits memory and CPU, waits for room, and refuses what no node can hold", () => {
  const tables: [Resources[], Resources[], string[]][] = [
    [[gib(4, 2)], [gib(4, 2), gib(0, 0)], ["a", "a"]],
    [[gib(4, 2)], [gib(5, 1), gib(1, 3)], ["unsatisfiable", "unsatisfiable"]],
    [[gib(4, 1), gib(1, 4)], [gib(4, 4)], ["unsatisfiable"]],
    [[gib(4, 1), gib(1, 4)], [gib(4, 1), gib(1, 4), gib(1, 1)], ["a", "b", "waits"]],
    [[gib(4, 2)], [gib(3, 1), gib(2, 1), gib(1, 1)], ["a", "waits", "a"]],
    [[], [gib(0, 0)], ["unsatisfiable"]],
    [[gib(0, 0)], [gib(0, 0), gib(0, 0), gib(0, 1 / 16)], ["a", "a", "unsatisfiable"]],
    [[gib(1, 1)], [{ mem: 1e300, cpu: 0 }, { mem: 0, cpu: 1e308 }], [
      "unsatisfiable",
      "unsatisfiable",
    ]],
  ];
  for (const [nodes, needs, expected] of tables) {
    const placement = cluster(...nodes);
    assertEquals(needs.map((need) => shown(placement.request("x", need))), expected);
  }
});

Deno.test("request() counts exactly: parts of a core fit as often as they should", () => {
  for (const parts of [1, 2, 3, 6, 7, 10, 16, 49, 1000]) {
    const placement = cluster(gib(1, 1), gib(1, 1));
    const need = gib(0, 1 / parts);
    const tickets = Array.from({ length: 2 * parts }, () => placement.request("x", need));
    assertEquals(tickets.filter((ticket) => shown(ticket) === "a").length, parts, `1/${parts}`);
    assertEquals(tickets.filter((ticket) => shown(ticket) === "b").length, parts, `1/${parts}`);
    assertEquals(shown(placement.tryRequest("x", gib(0, 1 / 16))), "no-capacity", `1/${parts}`);
    for (const ticket of tickets) if (ticket !== "unsatisfiable") placement.release(ticket);
    assertEquals(placement.usage().map(({ inUse, count }) => ({ inUse, count })), [
      { inUse: gib(0, 0), count: 0 },
      { inUse: gib(0, 0), count: 0 },
    ]);
  }
});

Deno.test("request() rejects invalid amounts", () => {
  const placement = cluster(gib(1, 1));
  for (const need of [gib(-1, 0), gib(0, NaN), gib(Infinity, 0)]) {
    assertThrows(() => placement.request("x", need), RangeError, "Cannot place a request");
    assertThrows(() => placement.addNode("z", need), RangeError, "Cannot use a node");
  }
  assertThrows(() => placement.addNode("z", gib(1, 1e300)), RangeError, "too large");
  assertThrows(() => placement.addNode("a", gib(1, 1)), Error, "already present");
});

Deno.test("request() spreads: each goes to the node that is then the least full", () => {
  const tables: [Resources[], Resources[], string][] = [
    // Equal nodes, in turn.
    [[gib(4, 4), gib(4, 4), gib(4, 4)], Array(6).fill(gib(1, 1)), "abcabc"],
    // By share, not by amount.
    [[gib(8, 8), gib(2, 2)], Array(6).fill(gib(1, 1)), "aaabaa"],
    // By the fuller dimension: a request for memory goes where CPU is in use.
    [[gib(4, 4), gib(4, 4)], [gib(0, 2), gib(2, 0), gib(2, 0), gib(0, 2)], "abab"],
    // The same for a request that needs nothing.
    [[gib(4, 4), gib(4, 4)], Array(4).fill(gib(0, 0)), "abab"],
  ];
  for (const [nodes, needs, expected] of tables) {
    const placement = cluster(...nodes);
    assertEquals(needs.map((need) => shown(placement.request("x", need))).join(""), expected);
  }
});

Deno.test("tryRequest() and probe() never wait, and change nothing if nothing is granted", () => {
  const placement = cluster(gib(2, 2));
  assertEquals(placement.probe(gib(2, 2)), { node: "a" });
  assertEquals(placement.probe(gib(3, 2)), "unsatisfiable");
  assertEquals(granted(placement), 0);
  assertEquals(shown(placement.tryRequest("x", gib(2, 1))), "a");
  assertEquals(shown(placement.tryRequest("y", gib(1, 1))), "no-capacity");
  assertEquals(placement.probe(gib(1, 1)), "no-capacity");
  assertEquals([granted(placement), [...placement.waiting()]], [1, []]);
});

Deno.test("release() gives room to the oldest that fit, and gives nothing back twice", () => {
  const placement = cluster(gib(8, 8));
  const [a, b] = [take(placement, "a", gib(5)), take(placement, "b", gib(3))];
  const c = take(placement, "c", gib(6));
  const d = take(placement, "d", gib(2));
  take(placement, "e", gib(1));
  take(placement, "f", gib(1));
  assertEquals(owners(placement.release(b)), ["d a", "e a"]);
  assertEquals(owners(placement.release(b)), []);
  assertEquals(b.state, "ended");
  assertEquals(placement.usage()[0]?.inUse, gib(8));
  assertEquals(Array.from(placement.waiting(), ({ owner, overtaken }) => [owner, overtaken]), [
    ["c", 2],
    ["f", 0],
  ]);
  assertEquals(owners(placement.release(c)), []);
  assertEquals(owners(placement.release(d)), ["f a"]);
  assertEquals(owners(placement.release(a)), []);
  assertEquals(placement.usage()[0]?.inUse, gib(2));
});

Deno.test("addNode() serves waiting requests, oldest first", () => {
  const placement = cluster(gib(1, 1));
  take(placement, "x", gib(1, 1));
  for (const owner of ["a", "b", "c"]) take(placement, owner, gib(0.5, 0.5));
  assertEquals(owners(placement.addNode("b", gib(1, 1))), ["a b", "b b"]);
  assertEquals(owners(placement.addNode("c", gib(4, 4))), ["c c"]);
});

Deno.test("loseNode() ends what was granted there, and its release frees nothing later", () => {
  const placement = cluster(gib(2, 2), gib(2, 2));
  const tickets = ["p", "q", "r", "s"].map((owner) => take(placement, owner, gib(1, 1)));
  const waits = take(placement, "t", gib(2, 2));
  assertEquals(placement.loseNode("a"), []);
  assertEquals(owners(tickets), ["p ended", "q b", "r ended", "s b"]);
  assertEquals(placement.loseNode("a"), []);
  assertEquals(granted(placement), 2);
  for (const ticket of tickets.slice(0, 1)) assertEquals(placement.release(ticket), []);
  assertEquals(placement.usage().map(({ present, count }) => [present, count]), [
    [false, 0],
    [true, 2],
  ]);
  assertEquals(owners(placement.addNode("a", gib(2, 2))), ["t a"]);
  assertEquals(waits.state, "granted");
});

Deno.test("a closed node keeps what it has, and gets nothing, also after a loss, until it is opened", () => {
  const placement = cluster(gib(2, 2), gib(1, 1));
  const kept = take(placement, "kept", gib(1, 1));
  assertEquals([shown(kept), placement.usage()[0]?.closed], ["a", false]);
  placement.closeNode("a");
  placement.closeNode("a");
  assertEquals([kept.state, placement.usage()[0]?.closed], ["granted", true]);
  assertEquals(shown(take(placement, "x", gib(1, 1))), "b");
  assertEquals(shown(placement.tryRequest("y", gib(0))), "b");
  assertEquals(shown(placement.tryRequest("y", gib(1, 1))), "no-capacity");
  const waits = take(placement, "large", gib(2, 2));
  assertEquals([...placement.waiting()].map(({ waitsFor }) => waitsFor), ["node"]);
  assertEquals(placement.why(waits)?.closest, undefined);
  assertEquals(placement.usage().map(({ present, closed, count }) => [present, closed, count]), [
    [true, true, 1],
    [true, false, 2],
  ]);
  assertEquals(placement.release(kept), []);
  assertEquals(placement.loseNode("a"), []);
  assertEquals(placement.addNode("a", gib(2, 2)), []);
  assertEquals(owners(placement.openNode("a")), ["large a"]);
  assertEquals([placement.openNode("a"), placement.usage()[0]?.closed], [[], false]);
});

Deno.test("a node that is closed while it is away is closed when it comes", () => {
  const placement = new Placement<string>();
  placement.expectNode("a", gib(1, 1));
  placement.closeNode("a");
  placement.closeNode("unknown");
  take(placement, "x", gib(1, 1));
  assertEquals(placement.addNode("a", gib(1, 1)), []);
  placement.loseNode("a");
  assertEquals(placement.openNode("a"), []);
  assertEquals(owners(placement.addNode("a", gib(1, 1))), ["x a"]);
});

Deno.test("a node that is away still counts as one that could hold a request", () => {
  const placement = new Placement<string>();
  placement.expectNode("big", gib(8, 8));
  const waits = take(placement, "x", gib(8, 8));
  assertEquals(shown(placement.tryRequest("y", gib(1, 1))), "no-capacity");
  assertEquals([...placement.waiting()].map(({ waitsFor }) => waitsFor), ["node"]);
  placement.addNode("small", gib(1, 1));
  assertEquals(owners(placement.addNode("big", gib(8, 8))), ["x big"]);
  assertEquals(placement.loseNode("big"), []);
  assertEquals(waits.state, "ended");
  assertEquals(waits.nodeId, undefined);
  take(placement, "z", gib(8, 8));
  placement.removeNode("big");
  assertEquals(placement.request("w", gib(8, 8)), "unsatisfiable");
  assertEquals([...placement.waiting()].map(({ owner }) => owner), ["z"]);
  // It returns smaller, and then with its former size.
  placement.addNode("big", gib(4, 4));
  assertEquals(placement.request("w", gib(8, 8)), "unsatisfiable");
  placement.loseNode("big");
  assertEquals(owners(placement.addNode("big", gib(8, 8))), ["z big"]);
});

Deno.test("small requests overtake a large one a bounded number of times", () => {
  const placement = cluster(gib(4, 4));
  const fill = Array.from({ length: 4 }, () => take(placement, "fill", gib(1, 1)));
  const large = take(placement, "large", gib(3, 3));
  let overtaken = 0;
  for (let round = 0; round < 2 * OVERTAKES; round++) {
    const [next] = fill.splice(0, 1);
    if (next !== undefined) placement.release(next);
    if (large.state !== "waits") break;
    const small = placement.request("small", gib(1, 1));
    if (small === "unsatisfiable") throw new Error("unsatisfiable");
    if (small.state === "granted") overtaken++;
    fill.push(small);
  }
  assertEquals(large.nodeId, "a");
  assertEquals(overtaken, OVERTAKES);
});

Deno.test("another node is reserved if the processes on the first one do not end", () => {
  const placement = cluster(gib(4, 4), gib(4, 4), gib(4, 4));
  // Without end, and so that those two nodes come closest to the need of the large request.
  for (const owner of ["a", "b"]) take(placement, owner, gib(1, 1));
  const running: Ticket<string>[] = [];
  while (placement.probe(gib(1, 1)) !== "no-capacity") {
    running.push(take(placement, "small", gib(1, 1)));
  }
  const onC = running.filter(({ nodeId }) => nodeId === "c");
  const others = running.filter(({ nodeId }) => nodeId !== "c");
  const large = take(placement, "large", gib(4, 4));
  let rounds = 0;
  // All processes of the third node but one end after the others, and keep it the fullest.
  for (; large.state === "waits" && rounds < 1000; rounds++) {
    const oldest = others.shift() ?? onC.shift();
    if (oldest === undefined) break;
    placement.release(oldest);
    const small = placement.tryRequest("small", gib(1, 1));
    if (typeof small !== "string") (small.nodeId === "c" ? onC : others).push(small);
  }
  assertEquals(large.nodeId, "c", `after ${rounds} rounds`);
});

Deno.test("of many nodes an eighth is reserved, for the oldest; lost ones are replaced", () => {
  const placement = cluster(...Array.from({ length: 24 }, () => gib(4, 4)));
  const fill = Array.from({ length: 96 }, () => take(placement, "fill", gib(1, 1)));
  for (let index = 0; index < 5; index++) take(placement, `large ${index}`, gib(4, 4));
  for (const ticket of fill.splice(0, 40)) {
    placement.release(ticket);
    fill.push(take(placement, "small", gib(1, 1)));
  }
  const reserved = () => placement.usage().flatMap(({ reservedFor }) => reservedFor ?? []).sort();
  assertEquals(reserved(), ["large 0", "large 1", "large 2"]);
  assertEquals([...placement.waiting()].map((waiting) => waiting.reserved.length).slice(0, 5), [
    1,
    1,
    1,
    0,
    0,
  ]);
  const [first] = [...placement.waiting()][0]?.reserved ?? [];
  placement.loseNode(first ?? "");
  assertEquals(reserved(), ["large 0", "large 1", "large 2"]);
});

Deno.test("a reserved node is next reserved for another request that was overtaken too often", () => {
  const placement = cluster(gib(4, 4));
  const fill = Array.from({ length: 4 }, () => take(placement, "fill", gib(1, 1)));
  const [first] = ["first", "second"].map((owner) => take(placement, owner, gib(4, 4)));
  for (let index = 0; index < OVERTAKES; index++) {
    placement.release(fill.shift()!);
    fill.push(take(placement, "small", gib(1, 1)));
  }
  placement.release(fill.pop()!);
  const small = take(placement, "small", gib(1, 1));
  assertEquals(owners(placement.release(first!)), []);
  assertEquals(small.state, "waits");
  assertEquals(placement.usage()[0]?.reservedFor, "second");
  for (const ticket of fill) placement.release(ticket);
  assertEquals(placement.usage()[0]?.inUse, gib(4, 4));
});

Deno.test("a reserved node is open to all when its request is withdrawn", () => {
  const placement = cluster(gib(4, 4));
  const fill = Array.from({ length: 4 }, () => take(placement, "fill", gib(1, 1)));
  const large = take(placement, "large", gib(4, 4));
  for (let index = 0; index < OVERTAKES; index++) {
    placement.release(fill.shift() ?? large);
    fill.push(take(placement, "small", gib(1, 1)));
  }
  for (const ticket of fill.splice(0, 2)) placement.release(ticket);
  take(placement, "waits", SIXTEENTH);
  assertEquals(placement.usage()[0]?.reservedFor, "large");
  assertEquals(owners(placement.release(large)), ["waits a"]);
  assertEquals(placement.usage()[0]?.reservedFor, undefined);
});

Deno.test("why() gives the number of older requests, and the node with the most free", () => {
  const placement = cluster(gib(4, 4), gib(8, 8), gib(8, 8), gib(1, 8));
  const fill = [gib(3, 4), gib(6, 2), gib(2, 6), gib(2, 4)].map((need, index) => {
    const ticket = take(placement, `fill ${index}`, need);
    return [ticket.nodeId, ticket] as const;
  });
  assertEquals(fill.map(([node]) => node), ["b", "c", "c", "a"]);
  const first = take(placement, "first", gib(8, 8));
  const second = take(placement, "second", gib(6, 0));
  // Both c, which has nothing free, and d, which is too small, are farther from the need than b.
  assertEquals(placement.why(first), { before: 0, closest: { node: "b", free: gib(5, 4) } });
  assertEquals(placement.why(second), { before: 1, closest: { node: "b", free: gib(5, 4) } });
  placement.loseNode("b");
  assertEquals(placement.why(second)?.closest, { node: "c", free: gib(0, 0) });
  placement.removeNode("c");
  assertEquals(placement.why(second), { before: 1, closest: undefined });
  placement.release(first);
  assertEquals(placement.why(first), undefined);
  assertEquals(placement.why(second)?.before, 0);
});

Deno.test("why() leaves out nodes reserved for another request", () => {
  const placement = cluster(gib(4, 4));
  const fill = Array.from({ length: 4 }, () => take(placement, "fill", gib(1, 1)));
  const large = take(placement, "large", gib(4, 4));
  for (let index = 0; index < OVERTAKES; index++) {
    placement.release(fill.shift()!);
    fill.push(take(placement, "small", gib(1, 1)));
  }
  placement.release(fill.pop()!);
  const small = take(placement, "small", gib(1, 1));
  assertEquals(placement.why(large), { before: 0, closest: { node: "a", free: gib(1, 1) } });
  assertEquals(placement.why(small), { before: 1, closest: undefined });
});

Deno.test("avoidNode() leaves a node to requests that no other node is large enough for", () => {
  const placement = cluster(gib(8, 8), gib(2, 2));
  take(placement, "a", gib(1, 1));
  assertEquals(owners(placement.avoidNode("a")), []);
  assertEquals(owners(placement.avoidNode("a")), []);
  // It would be the least full, but is not needed.
  assertEquals(placement.probe(gib(1, 1)), { node: "b" });
  take(placement, "b", gib(2, 2));
  const waits = take(placement, "c", gib(2, 2));
  assertEquals([shown(waits), placement.probe(gib(1, 1))], ["waits", "no-capacity"]);
  assertEquals(placement.why(waits)?.closest?.node, "b");
  // Nothing else has that much, so it is tried there rather than waiting for nothing.
  const large = take(placement, "d", gib(4, 4));
  assertEquals(shown(large), "a");
  const larger = take(placement, "e", gib(4, 4));
  assertEquals(shown(larger), "waits");
  assertEquals(owners(placement.release(large)), ["e a"]);
  assertEquals(owners(placement.preferNode("a")), ["c a"]);
  assertEquals(owners(placement.preferNode("a")), []);
  assertEquals(placement.usage()[0]?.inUse, gib(7, 7));
});

Deno.test("an avoided node is used when the others that are large enough are closed or lost", () => {
  for (const end of ["closeNode", "loseNode", "removeNode"] as const) {
    const placement = cluster(gib(4, 4), gib(4, 4));
    placement.avoidNode("a");
    const b = take(placement, "b", gib(2, 2));
    const waits = take(placement, "c", gib(4, 4));
    assertEquals([shown(b), shown(waits)], ["b", "waits"]);
    assertEquals(owners(placement[end]("b")), ["c a"], end);
  }
});

Deno.test("a cluster whose nodes are all avoided is used as if none was", () => {
  const placement = cluster(gib(2, 2), gib(2, 2));
  placement.avoidNode("a");
  const [b, waits] = [take(placement, "b", gib(2, 2)), take(placement, "c", gib(2, 2))];
  assertEquals([shown(b), shown(waits)], ["b", "waits"]);
  assertEquals(owners(placement.avoidNode("b")), ["c a"]);
  assertEquals(shown(placement.tryRequest("d", gib(1, 1))), "no-capacity");
  assertEquals(owners(placement.release(b)), []);
  assertEquals(shown(placement.tryRequest("d", gib(1, 1))), "b");
  // One that comes back, or another one, is not avoided.
  placement.loseNode("a");
  placement.addNode("a", gib(2, 2));
  assertEquals(placement.usage().map(({ avoided }) => avoided), [false, true]);
  assertEquals(shown(placement.tryRequest("e", gib(1, 1))), "a");
});
