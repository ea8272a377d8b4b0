// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { missingPermissions, type PermissionStates } from "../../src/host/permissions.ts";

const ALL: PermissionStates = {
  run: "granted",
  net: "granted",
  env: "granted",
  read: "granted",
  write: "granted",
};

Deno.test("missingPermissions() names in one line what is missing", () => {
  const table: [states: Partial<PermissionStates>, missing: string | undefined][] = [
    [{}, undefined],
    [{ read: "denied", write: "denied" }, undefined],
    [{ run: "prompt" }, "--allow-run"],
    [{ run: "denied", net: "prompt" }, "--allow-run and --allow-net"],
    [
      { run: "prompt", net: "prompt", env: "prompt", read: "prompt", write: "prompt" },
      "--allow-run, --allow-net and --allow-env",
    ],
    // Processes that may write leave files behind, which the launcher has to read.
    [{ read: "prompt" }, "--allow-read"],
  ];
  for (const [states, missing] of table) {
    const program = { standalone: false, script: "main.ts" };
    assertEquals(
      missingPermissions({ ...ALL, ...states }, program),
      missing &&
        `Cannot start: this program needs ${missing}; run it with: deno run -A main.ts`,
    );
  }
});

Deno.test("missingPermissions() tells an executable's author to compile it again", () => {
  assertEquals(
    missingPermissions({ ...ALL, net: "denied" }, { standalone: true, script: "main.ts" }),
    "Cannot start: this program needs --allow-net; compile it with: deno compile -A main.ts",
  );
});
