/** The modules that a spawned process loads until `init()` resolves: only its half of the system. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { type Edge, reached, readEdges } from "../module_graph.ts";

/** The layers that a user's program loads, at every spawn. */
const ALLOWED = /^(mod\.ts$|src\/(core|codec|wire|net|channel|process)\/)/;

const ROOT = new URL("../../", import.meta.url);

/** The one import that runs only in the launcher, the process that a user started. */
const LAUNCHER = { from: "src/process/init.ts", to: "src/local/launcher.ts" };

/** The list of all modules that are loaded at once. */
const PRELOAD = "src/process/preload.ts";

const edges = (await readEdges(["mod.ts"])).filter(({ typeOnly }) => !typeOnly);
const isLauncher = ({ from, to, dynamic }: Edge): boolean =>
  dynamic && from === LAUNCHER.from && to === LAUNCHER.to;

/** The modules outside of these layers that `mod.ts` reaches by the imports that `follow` accepts. */
function foreign(follow: (edge: Edge) => boolean): string[] {
  return [...reached("mod.ts", edges, follow)].filter((path) => !ALLOWED.test(path));
}

Deno.test("a spawned process loads core, codec, wire, net, channel and process only, before init() resolves", () => {
  assertEquals(foreign(({ dynamic }) => !dynamic), []);
});

Deno.test("preload.ts imports all modules that are loaded then, in alphabetical order", () => {
  const loaded = reached("mod.ts", edges, ({ dynamic, from }) => !dynamic && from !== PRELOAD);
  const expected = [...loaded].filter((path) => path !== "mod.ts" && path !== PRELOAD).sort();
  assertEquals(edges.filter(({ from }) => from === PRELOAD).map(({ to }) => to), expected);
  assertEquals(edges.find(({ from }) => from === "mod.ts")?.to, PRELOAD, "mod.ts imports it first");
});

Deno.test("these modules are written in ASCII: V8 takes a third of a millisecond longer for each that is not", async () => {
  const loaded = reached("mod.ts", edges, ({ dynamic }) => !dynamic);
  const others: string[] = [];
  for (const path of loaded) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    if (/\P{ASCII}/u.test(text)) others.push(path);
  }
  assertEquals(others, []);
});

Deno.test("what only some processes need, they import in init(), and nothing later", () => {
  // A program may give up the permission to read files, and late imports need it (src/host/program.ts).
  assertEquals(foreign((edge) => !isLauncher(edge)), []);
  const late = edges.filter((edge) => edge.dynamic && ALLOWED.test(edge.from) && !isLauncher(edge));
  assertEquals(late.map(({ from, to }) => `${from} imports ${to}`).sort(), [
    "src/process/init.ts imports src/net/channel_protection.ts",
    "src/process/init.ts imports src/process/denials.ts",
    "src/process/init.ts imports src/process/far_rehearsal.ts",
    "src/process/init.ts imports src/process/inspector.ts",
    "src/process/init.ts imports src/process/rehearsal.ts",
    "src/process/init.ts imports src/process/traced.ts",
  ]);
});

Deno.test("the launcher's half is found where it is loaded: by one import, of init()", () => {
  assertEquals(edges.filter(isLauncher).length, 1);
  const found = foreign(() => true);
  assert(found.includes(LAUNCHER.to), found.join("\n"));
  assert(found.some((path) => path.startsWith("src/host/")), found.join("\n"));
});

Deno.test("what shows and judges a run is loaded while its first process boots", () => {
  const start = LAUNCHER.to;
  const before = [...reached(start, edges, ({ dynamic }) => !dynamic)];
  assertEquals(before.filter((path) => /^src\/(run|master)\//.test(path)), []);
  assert(
    edges.some(({ from, to, dynamic }) =>
      dynamic && from === start && to === "src/local/local_run.ts"
    ),
  );
});

Deno.test("a compiled fabric loads no modules for a process but those with the names of variables", async () => {
  const own = (await readEdges(["fabric.ts"])).filter(({ typeOnly }) => !typeOnly);
  const loaded = reached("fabric.ts", own, ({ dynamic }) => !dynamic);
  assertEquals([...loaded].sort(), [
    "fabric.ts",
    "src/fabric/bridge_config.ts",
    "src/host/bundle_variable.ts",
  ]);
});
