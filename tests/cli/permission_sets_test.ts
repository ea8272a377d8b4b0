/** Sets of permissions in deno.json. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { permissionsOfSet } from "../../src/cli/permission_sets.ts";
import { UsageError } from "../../src/core/usage_error.ts";

function flags(set: unknown, cwd = "/p/src"): string[] {
  return permissionsOfSet("", {
    path: "/p/deno.json",
    value: { permissions: { default: set, other: { net: true } } },
  }, cwd);
}

Deno.test("permissionsOfSet() makes flags of a set", () => {
  const table: [set: unknown, flags: string[]][] = [
    [{}, []],
    [{ all: true, net: false }, ["--allow-all"]],
    [{ all: false, net: true, ffi: false }, ["--allow-net"]],
    [{ env: ["A", "B"], run: [] }, ["--allow-env=A,B"]],
    [{ env: { allow: true, deny: ["A"], ignore: ["B"] } }, [
      "--allow-env",
      "--deny-env=A",
      "--ignore-env=B",
    ]],
    [{ read: ["./data", "src/x", "/etc", ".."], net: ["./a:1"] }, [
      "--allow-read=../data,x,/etc,../..",
      "--allow-net=./a:1",
    ]],
  ];
  for (const [set, expected] of table) assertEquals(flags(set), expected, JSON.stringify(set));
});

Deno.test("permissionsOfSet() refuses what is not there or invalid", () => {
  const config = { path: "/p/deno.json", value: { permissions: { other: { net: true } } } };
  assertEquals(permissionsOfSet("other", config, "/p"), ["--allow-net"]);
  assertThrows(
    () => permissionsOfSet("", config, "/p"),
    UsageError,
    'there is no set default in "permissions" of /p/deno.json',
  );
  for (
    const set of [true, [], { nets: true }, { net: 1 }, { net: [1] }, { net: { allows: true } }]
  ) {
    assertThrows(() => flags(set), UsageError, "in /p/deno.json is invalid; expected");
  }
});
