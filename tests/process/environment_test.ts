/** How differences between environments are found, checked and applied. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import {
  applyChange,
  changeBetween,
  checkChange,
  type Environment,
  type EnvironmentChange,
} from "../../src/process/environment.ts";

Deno.test("changeBetween() finds new, changed and deleted variables", () => {
  const table: [Environment, Environment, EnvironmentChange | undefined][] = [
    [{}, {}, undefined],
    [{ a: "1" }, { a: "1" }, undefined],
    [{}, { a: "1" }, { a: "1" }],
    [{ a: "1" }, { a: "2" }, { a: "2" }],
    [{ a: "1" }, {}, { a: null }],
    [{ a: "1", b: "2" }, { b: "", c: "3" }, { a: null, b: "", c: "3" }],
    [{}, { toString: "own" }, { toString: "own" }],
    [{ toString: "own" }, {}, { toString: null }],
  ];
  for (const [from, to, change] of table) assertEquals(changeBetween(from, to), change);
});

Deno.test("checkChange() accepts only variables and values", () => {
  const good = { A: "1", B: null };
  assertEquals(checkChange(good), good);
  for (const bad of [null, undefined, 3, "text", { A: 1 }, { A: undefined }]) {
    assertThrows(() => checkChange(bad), TypeError, "Cannot use the environment");
  }
});

Deno.test("applyChange() makes one environment the other", () => {
  const before = Deno.env.toObject();
  const change = { DEPLOY_TEST_NEW: "ü=x", DEPLOY_TEST_GONE: null };
  Deno.env.set("DEPLOY_TEST_GONE", "still here");
  try {
    applyChange(change);
    assertEquals(changeBetween(before, Deno.env.toObject()), { DEPLOY_TEST_NEW: "ü=x" });
  } finally {
    Deno.env.delete("DEPLOY_TEST_NEW");
    Deno.env.delete("DEPLOY_TEST_GONE");
  }
});
