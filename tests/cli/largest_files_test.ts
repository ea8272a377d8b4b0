// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { largestFiles } from "../../src/cli/largest_files.ts";
import { EMPTY_TREE, type PackedFile } from "../../src/core/tree.ts";
import type { RunSpec } from "../../src/wire/run_spec.ts";

function spec(sizes: Record<string, number>, runtime?: number): RunSpec {
  const files = Object.entries(sizes).map(([path, size]): PackedFile => ({ path, size, mode: 0 }));
  const manifest = (size: number) => ({ size, pieces: [] });
  return {
    ...{ kind: "bundle", name: "main.ts", main: "main.js", cwd: "", args: [], env: {} },
    manifest: manifest(2_048),
    ...(runtime === undefined ? {} : { runtime: { name: "r.js", manifest: manifest(runtime) } }),
    tree: {
      ...EMPTY_TREE,
      packs: files.map((file) => ({ manifest: manifest(file.size), files: [file] })),
    },
  };
}

Deno.test("largestFiles() lists the program, its runtime and what is included, the largest first", () => {
  assertEquals(largestFiles(spec({ "data/a": 5, "b\nc": 3 * 1024 ** 2 }, 400 * 1024)), [
    "4 files:",
    '    3 MiB  "b\\nc"',
    "  400 KiB  the runtime",
    "    2 KiB  main.ts (built)",
    "      5 B  data/a",
  ]);
});

Deno.test("largestFiles() lists ten of many", () => {
  const sizes = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`f${index}`, index]));
  const lines = largestFiles(spec(sizes));
  assertEquals(lines.length, 11);
  assertEquals(lines[0], "the largest of 41 files:");
  assertEquals(lines.at(-1), "   31 B  f31");
});
