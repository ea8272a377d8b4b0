/** Users check their programs with the settings of their own projects, and those also apply to what they import. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test("what a program imports has no type errors where a project has no settings for types", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["check", "--quiet", "--no-config", "--no-lock", "--import-map", "import_map.json"],
      ...["mod.ts", "src/testing/mod.ts", "src/pool/mod.ts"],
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
});
