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

Deno.test("largestFiles() says which packages have their files shipped", () => {
  const lines = largestFiles(spec({
    "node_modules/.deno/a@1.0.0/node_modules/a/x.txt": 1_024,
    "node_modules/@scope/b/y.txt": 1_024,
    "node_modules/@scope/b/node_modules.txt": 1_024,
    "x/node_modules/c/node_modules/d/z.txt": 1,
    "data/node_modules": 1,
  }));
  assertEquals(
    lines.at(-1),
    "files of packages: @scope/b 2 KiB in 2 files, a 1 KiB in 1 file, d 1 B in 1 file",
  );
});

Deno.test("largestFiles() says 1 file, where there is one", () => {
  assertEquals(largestFiles(spec({})), ["1 file:", "  2 KiB  main.ts (built)"]);
});
