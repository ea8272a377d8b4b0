// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { Strangers } from "../../src/net/admission.ts";

Deno.test("of too many, the oldest that has not begun goes, then the oldest that has", () => {
  const strangers = new Strangers<string>({ max: 3, maxOfHost: 3 });
  for (const name of ["a", "b", "c"]) assertEquals(strangers.add(name, "h"), undefined);
  strangers.begin("a");
  strangers.begin("b");
  assertEquals(strangers.add("d", "h"), "c");
  assertEquals(strangers.add("e", "h"), "d");
  strangers.begin("e");
  assertEquals(strangers.add("f", "h"), "a");
  assertEquals(strangers.size, 3);
});

Deno.test("a host that has all its places gives up one of its own, and others keep theirs", () => {
  const strangers = new Strangers<string>({ max: 10, maxOfHost: 2 });
  strangers.add("peer", "far");
  for (let count = 0; count < 100; count++) {
    const gone = strangers.add(`s${count}`, "near");
    assertEquals(gone, count < 2 ? undefined : `s${count - 2}`);
  }
  assertEquals(strangers.size, 3);
});

Deno.test("the number of places may change", () => {
  let max = 3;
  const strangers = new Strangers<string>({ max: () => max, maxOfHost: Infinity });
  for (const name of ["a", "b", "c"]) assertEquals(strangers.add(name, "h"), undefined);
  max = 4;
  assertEquals(strangers.add("d", "h"), undefined);
  assertEquals(strangers.add("e", "h"), "a");
});

Deno.test("one that is removed, or was given up, has no place", () => {
  const strangers = new Strangers<string>({ max: 2, maxOfHost: 1 });
  strangers.add("a", "h");
  assertEquals(strangers.add("b", "h"), "a");
  strangers.begin("a");
  strangers.delete("a");
  assertEquals([strangers.size, strangers.shift(), strangers.shift()], [1, "b", undefined]);
  assertEquals(strangers.add("c", "h"), undefined);
  strangers.delete("c");
  assertEquals(strangers.size, 0);
});

Deno.test("a peer whose proof takes 250 ms gets in while 16,000 strangers a second come from its host", () => {
  const strangers = new Strangers<number | "peer">({ max: 4_096 });
  strangers.add("peer", "h");
  strangers.begin("peer");
  for (let count = 0; count < 4_000; count++) {
    strangers.add(count, "h");
    // Every second one knows the protocol.
    if (count % 2 === 0) strangers.begin(count);
  }
  const size = strangers.size;
  strangers.delete("peer");
  assertEquals([size, strangers.size], [2_048, 2_047]);
});
