/** The names of functions: which ones are registered, refused, and found. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { SpawnError } from "../../src/core/errors.ts";
import { Registry, spawnable, type SpawnFunction } from "../../src/process/registry.ts";

function work(): void {}
function other(): void {}

Deno.test("Registry finds a function by its name and its name by identity", () => {
  const registry = new Registry();
  registry.add("work", work);
  registry.add("lib/other", other);
  assertStrictEquals(registry.find("work"), work);
  assertStrictEquals(registry.find("lib/other"), other);
  assertStrictEquals(registry.find("missing"), undefined);
  assertEquals(registry.nameOf(work), "work");
  assertEquals(registry.nameOf(other), "lib/other");
});

Deno.test("Registry.add() takes the same function again, also under another name", () => {
  const registry = new Registry();
  registry.add("work", work);
  registry.add("work", work);
  registry.add("again", work);
  assertEquals(registry.nameOf(work), "work");
  assertStrictEquals(registry.find("again"), work);
});

Deno.test("Registry.add() throws for a name that cannot be shown within a line", () => {
  for (const name of ["a\nb", "\x1b[31m", "a\u2028", "\u202e", "\ud800"]) {
    assertThrows(() => new Registry().add(name, work), TypeError, "contains a control character");
  }
});

Deno.test("Registry.add() throws for a name of two functions, and keeps the first", () => {
  const registry = new Registry();
  registry.add("work", work);
  assertThrows(
    () => registry.add("work", other),
    Error,
    'Cannot register two functions as "work": use a different name for each',
  );
  assertStrictEquals(registry.find("work"), work);
  assertThrows(() => registry.nameOf(other), SpawnError);
});

Deno.test("Registry.add() throws TypeError for anything that is not a function or a name", () => {
  const registry = new Registry();
  const table: [unknown, unknown, string][] = [
    ["work", 3, 'Cannot register "work": it is 3, not a function'],
    ["work", undefined, 'Cannot register "work": it is undefined, not a function'],
    ["work", "work", 'Cannot register "work": it is "work", not a function'],
    ["", work, 'Cannot register a function as "": a name is a non-empty string'],
    [7, work, "Cannot register a function as 7: a name is a non-empty string"],
  ];
  for (const [name, fn, message] of table) {
    assertThrows(() => registry.add(name as string, fn as SpawnFunction), TypeError, message);
  }
});

Deno.test("Registry.nameOf() names both ways to register a function", () => {
  const registry = new Registry();
  const error = assertThrows(() => registry.nameOf(work), SpawnError);
  assertEquals(error.reason, "unregistered");
  assertEquals(
    error.message,
    "Cannot spawn work(): it is not registered; name it in init({ functions: { work } }), " +
      'or register it at module scope with spawnable("package/work", work)',
  );
  const anonymous = assertThrows(() => registry.nameOf((() => () => {})()), SpawnError);
  assertEquals(anonymous.message.startsWith("Cannot spawn an anonymous function: "), true);
  assertThrows(
    () => registry.nameOf(5 as unknown as SpawnFunction),
    TypeError,
    "Cannot spawn 5: it is not a function",
  );
});

Deno.test("spawnable() gives back the function, and refuses a second one of that name", () => {
  assertStrictEquals(spawnable("registry/work", work), work);
  assertStrictEquals(spawnable("registry/work", work), work);
  assertThrows(() => spawnable("registry/work", other), Error, "Cannot register two functions");
});
