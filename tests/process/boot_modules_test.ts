/** What a spawned process loads until `init()` resolves: its half of the system, and nothing else. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url).href;
const MAIN = `${ROOT}mod.ts`;

/** The layers that are loaded by a user's program, which pays for each of them at every spawn. */
const ALLOWED = /^(mod\.ts$|src\/(core|codec|wire|net|channel|process)\/)/;

/** The one import that only the process takes which a user started, since only that is the launcher. */
const LAUNCHER = { from: `${ROOT}src/process/init.ts`, to: `${ROOT}src/local/launcher.ts` };

/** Part of what `deno info --json` prints. */
interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly isDynamic?: boolean;
      /** What is loaded; an import of types only has none. */
      readonly code?: { readonly specifier?: string };
    }[];
  }[];
}

/** An import, as it is written in the graph. */
interface Edge {
  readonly from: string;
  readonly to: string;
  readonly dynamic: boolean;
}

async function readEdges(): Promise<Edge[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", new URL(MAIN).pathname],
    stdin: "null",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as Graph;
  return modules.flatMap(({ specifier: from, error, dependencies = [] }) => {
    assertEquals(error, undefined, from);
    return dependencies.flatMap(({ code, isDynamic = false }) =>
      code?.specifier === undefined ? [] : [{ from, to: code.specifier, dynamic: isDynamic }]
    );
  });
}

/** All modules that are loaded from `mod.ts` on, if the imports that `follow` refuses are not made. */
function reached(edges: readonly Edge[], follow: (edge: Edge) => boolean): Set<string> {
  const found = new Set([MAIN]);
  for (const from of found) {
    for (const edge of edges) {
      if (edge.from === from && follow(edge)) found.add(edge.to);
    }
  }
  return found;
}

/** Those that a spawned process is not to load. */
function strangers(modules: Iterable<string>): string[] {
  return [...modules].filter((specifier) =>
    !(specifier.startsWith(ROOT) && ALLOWED.test(specifier.slice(ROOT.length)))
  );
}

const edges = await readEdges();
const isLauncher = ({ from, to, dynamic }: Edge): boolean =>
  dynamic && from === LAUNCHER.from && to === LAUNCHER.to;

Deno.test("a spawned process loads core, codec, wire, net, channel and process only, before init() resolves", () => {
  assertEquals(strangers(reached(edges, ({ dynamic }) => !dynamic)), []);
});

Deno.test("what it imports later is of these layers, too", () => {
  assertEquals(strangers(reached(edges, (edge) => !isLauncher(edge))), []);
});

Deno.test("the launcher's half is found where it is loaded: by one import, of init()", () => {
  assertEquals(edges.filter(isLauncher).length, 1);
  const found = strangers(reached(edges, () => true));
  assert(found.includes(LAUNCHER.to), found.join("\n"));
  assert(found.some((specifier) => specifier.startsWith(`${ROOT}src/host/`)), found.join("\n"));
});
