/** How a map takes arguments and gives results, without processes. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { type MapCalls, mapCalls } from "../../src/pool/map.ts";

/** Calls that the test completes. */
function scripted(room: number): {
  calls: MapCalls<number, number>;
  made: Map<number, PromiseWithResolvers<number>>;
  stopped: () => boolean;
} {
  const made = new Map<number, PromiseWithResolvers<number>>();
  let stopped = false;
  return {
    made,
    stopped: () => stopped,
    calls: {
      room: () => room,
      call: (arg) => {
        const settlers = Promise.withResolvers<number>();
        made.set(arg, settlers);
        return settlers.promise;
      },
      failure: (error) => error,
      stop: () => stopped = true,
    },
  };
}

/** Resolves when everything that was ready has run. */
const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

function* upTo(end: number): Generator<number> {
  for (let n = 0; n < end; n++) yield n;
}

Deno.test("map: no more calls than there is room for are under way or have a result not taken", async () => {
  const { calls, made } = scripted(3);
  const results = mapCalls(upTo(10), true, calls);
  const first = results.next();
  await turn();
  assertEquals([...made.keys()], [0, 1, 2]);
  for (const n of [1, 2]) made.get(n)!.resolve(n);
  await turn();
  assertEquals(made.size, 3, "results that wait for an earlier one count");
  made.get(0)!.resolve(0);
  assertEquals(await first, { done: false, value: 0 });
  await turn();
  assertEquals(made.size, 4);
  assertEquals(await results.next(), { done: false, value: 1 });
  await results.return();
});

Deno.test("map: unordered results come as they are ready", async () => {
  const { calls, made } = scripted(3);
  const results = mapCalls(upTo(3), false, calls);
  const first = results.next();
  await turn();
  for (const n of [2, 0, 1]) {
    made.get(n)!.resolve(n);
    await turn();
  }
  const got = [(await first).value];
  for await (const n of results) got.push(n);
  assertEquals(got, [2, 0, 1]);
});

for (const ordered of [true, false]) {
  Deno.test(`map: a slow source holds back no result (ordered: ${ordered})`, async () => {
    const { calls, made } = scripted(3);
    const more = Promise.withResolvers<void>();
    async function* source() {
      yield 7;
      await more.promise;
    }
    const results = mapCalls(source(), ordered, calls);
    const first = results.next();
    await turn();
    made.get(7)!.resolve(7);
    assertEquals(await first, { done: false, value: 7 });
    const last = results.next();
    more.resolve();
    assertEquals(await last, { done: true, value: undefined });
  });

  Deno.test(`map: what the source throws comes behind its results (ordered: ${ordered})`, async () => {
    const { calls, made } = scripted(3);
    function* source() {
      yield 7;
      throw new Error("no more");
    }
    const results = mapCalls(source(), ordered, calls);
    const first = results.next();
    await turn();
    made.get(7)!.resolve(7);
    assertEquals(await first, { done: false, value: 7 });
    const error = await results.next().catch((error) => error);
    assertEquals(error.message, "no more");
  });

  Deno.test(`map: leaving the loop ends the source, and the calls (ordered: ${ordered})`, async () => {
    const { calls, made, stopped } = scripted(3);
    let ended = false;
    function* source() {
      try {
        yield* upTo(10);
      } finally {
        ended = true;
      }
    }
    const results = mapCalls(source(), ordered, calls);
    const first = results.next();
    await turn();
    made.get(0)!.resolve(0);
    await first;
    await results.return();
    assert(stopped());
    await turn();
    assert(ended);
    assertEquals(made.size <= 4, true);
  });
}
