/**
 * The folders of `src` are layers, and import only from those in their row of the table in
 * `docs/architecture.md`. Type imports and dynamic imports count.
 */

// @ts-types="../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { type Edge, readEdges } from "./module_graph.ts";

const ROOT = new URL("../", import.meta.url);

/** The folders that a process of a program loads, at every spawn. */
const LOADED = ["core", "codec", "wire", "net", "channel", "process"];

/** The one import from these folders of another one. It runs only in the launcher. */
const LAUNCHER = "src/process/init.ts -> src/local/launcher.ts";

/** Known circles of files, which are to be removed; the files of each in order. */
const CIRCLES: readonly string[] = [];

/** What each folder may import, by the rows of the table: `| src/core | what is there | imports |`. */
async function readTable(): Promise<Map<string, readonly string[]>> {
  const text = await Deno.readTextFile(new URL("docs/architecture.md", ROOT));
  const table = new Map<string, readonly string[]>();
  for (const row of text.matchAll(/^\| `src\/(\w+)` +\|[^|]*\| ([^|]*?) +\|$/gm)) {
    const [, folder = "", imports = ""] = row;
    assert(!table.has(folder), `two rows of src/${folder}`);
    table.set(folder, imports === "–" ? [] : imports.split(", "));
  }
  return table;
}

/** Paths of all modules in `src`, from the project's root. */
async function modulesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    if (isDirectory) found.push(...await modulesOf(`${folder}${name}/`));
    else if (/\.tsx?$/.test(name)) found.push(`${folder}${name}`);
  }
  return found;
}

/** `core` for `src/core/pid.ts`; `undefined` for files outside of the folders of `src`. */
function folderOf(path: string): string | undefined {
  return /^src\/(\w+)\//.exec(path)?.[1];
}

/** Groups of modules that all import each other, directly or indirectly (Tarjan's algorithm). */
function circles(edges: readonly Edge[]): string[][] {
  const imports = Map.groupBy(edges, ({ from }) => from);
  const states = new Map<string, { index: number; lowest: number; open: boolean }>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (path: string) => {
    const state = { index: states.size, lowest: states.size, open: true };
    states.set(path, state);
    stack.push(path);
    for (const { to } of imports.get(path) ?? []) {
      const next = states.get(to) ?? visit(to);
      if (next.open) state.lowest = Math.min(state.lowest, next.lowest);
    }
    if (state.lowest === state.index) {
      const group = stack.splice(stack.indexOf(path));
      for (const member of group) states.get(member)!.open = false;
      if (group.length > 1) found.push(group.sort());
    }
    return state;
  };
  for (const path of imports.keys()) if (!states.has(path)) visit(path);
  return found.sort();
}

const modules = [...await modulesOf("src/"), "mod.ts", "cli.ts", "fabric.ts"];
const edges = await readEdges(modules);
const table = await readTable();

Deno.test("each folder of src has a row in docs/architecture.md, and each row a folder", () => {
  const folders = new Set(modules.flatMap((path) => folderOf(path) ?? []));
  assertEquals([...table.keys()].sort(), [...folders].sort());
});

Deno.test("the table points one way: a folder imports only from folders above it", () => {
  const above = new Set<string>();
  for (const [folder, imports] of table) {
    for (const name of imports) assert(above.has(name), `src/${folder} may import ${name}`);
    above.add(folder);
  }
});

Deno.test("each folder imports only from those in its row", () => {
  const against = edges.filter(({ from, to }) => {
    const [folder, imported] = [folderOf(from), folderOf(to)];
    if (folder === undefined || imported === undefined || folder === imported) return false;
    return !table.get(folder)?.includes(imported);
  });
  const launcher = against.filter((edge) => `${edge.from} -> ${edge.to}` === LAUNCHER);
  assertEquals(launcher.map(({ dynamic, typeOnly }) => ({ dynamic, typeOnly })), [
    { dynamic: true, typeOnly: false },
  ]);
  assertEquals(against.filter((edge) => !launcher.includes(edge)), []);
});

Deno.test("nothing in src imports the files at the root, but for deno.json, and the pool mod.ts", () => {
  const up = edges.filter(({ from, to }) =>
    from.startsWith("src/") && /^[^/:]+$/.test(to) && to !== "deno.json" &&
    !(folderOf(from) === "pool" && to === "mod.ts")
  );
  assertEquals(up, []);
});

Deno.test("no files import each other in a circle, types included", () => {
  assertEquals(circles(edges).map((group) => group.join(", ")), [...CIRCLES]);
});

Deno.test("what a process of a program loads imports no package, and nothing of node", () => {
  for (const folder of LOADED) {
    for (const name of table.get(folder) ?? []) assert(LOADED.includes(name), `${folder}: ${name}`);
  }
  const elsewhere = edges.filter(({ from, to }) =>
    LOADED.includes(folderOf(from) ?? "") && !to.startsWith("src/")
  );
  assertEquals(elsewhere, []);
});

Deno.test("circles() finds each group of modules that import each other, and no others", () => {
  const edge = (text: string): Edge => {
    const [from = "", to = ""] = text.split(">");
    return { from, to, dynamic: false, typeOnly: true };
  };
  const cases: [string, string[][]][] = [
    ["a>b b>c a>c", []],
    ["a>b b>a", [["a", "b"]]],
    ["a>b b>c c>a c>d", [["a", "b", "c"]]],
    ["a>b b>a c>d d>c b>c", [["a", "b"], ["c", "d"]]],
    ["a>b b>c c>b a>d d>a", [["a", "d"], ["b", "c"]]],
  ];
  for (const [text, expected] of cases) {
    assertEquals(circles(text.split(" ").map(edge)), expected, text);
  }
});
