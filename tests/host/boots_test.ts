/** The first processes of a node that have booted and wait to be launched. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { BootGate } from "../../src/host/boot_gate.ts";
import { Boots } from "../../src/host/boots.ts";

Deno.test("tried() ends the oldest of those that wait when there are too many", () => {
  const boots = new Boots(new BootGate(), 2);
  const dropped: string[] = [];
  const wait = (name: string) => boots.tried(() => dropped.push(name));
  const [launched] = [wait("a"), wait("b")];
  assertEquals(dropped, []);
  launched();
  wait("c");
  assertEquals(dropped, []);
  wait("d");
  wait("e");
  assertEquals(dropped, ["b", "c"]);
});
