/** Options of programs: unknown names, and suggestions for them. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { checkOptions, nearest } from "../../src/core/options.ts";

Deno.test("nearest() finds the word that was meant", () => {
  const known = ["mem", "cpu", "name", "signal", "permissions", "graceMs", "descendants"];
  const table: Record<string, string> = {
    memory: "mem",
    Mem: "mem",
    meme: "mem",
    cpus: "cpu",
    c: "cpu",
    nmae: "name",
    names: "name",
    signals: "signal",
    singal: "signal",
    permission: "permissions",
    grace: "graceMs",
    grace_ms: "graceMs",
    descendents: "descendants",
  };
  for (const [word, meant] of Object.entries(table)) {
    assertEquals([word, nearest(word, known)], [word, meant]);
  }
});

Deno.test("checkOptions() takes objects, and refuses other values and unknown properties", () => {
  checkOptions("act", {}, ["one"]);
  checkOptions("act", { one: undefined }, ["one"]);
  checkOptions("act", { two: 1 });
  const table: [unknown, string][] = [
    [null, "Cannot act: options is null, not an object"],
    [undefined, "Cannot act: options is undefined, not an object"],
    [[], "not an object"],
    [() => {}, "not an object"],
    [{ one: 1, on: undefined }, 'Cannot act: options has no "on"; did you mean "one"?'],
  ];
  for (const [options, message] of table) {
    assertThrows(() => checkOptions("act", options, ["one"]), TypeError, message);
  }
});
