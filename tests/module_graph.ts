/** The imports of the project's own code, as Deno reads them: static and dynamic, of values and of types. */

// @ts-types="../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);

/** An import that is written in a module. */
export interface Edge {
  /** The importing module, as a path from the project's root: `src/core/pid.ts`. */
  readonly from: string;
  /** What is imported: a path from the project's root, or the specifier of a module from elsewhere. */
  readonly to: string;
  /** Whether it happens when its line runs, rather than when the module is loaded. */
  readonly dynamic: boolean;
  /** Whether only types are imported, so that nothing is loaded. */
  readonly typeOnly: boolean;
}

/** Part of the output of `deno info --json`. */
interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly isDynamic?: boolean;
      readonly code?: { readonly specifier?: string };
      readonly type?: { readonly specifier?: string };
    }[];
  }[];
}

/** All imports in the modules that are reached from these, which are paths from the project's root. */
export async function readEdges(modules: readonly string[]): Promise<Edge[]> {
  const folder = await Deno.makeTempDir({ prefix: "deploy-graph-" });
  try {
    const entry = `${folder}/entry.ts`;
    const lines = modules.map((path) => `import ${JSON.stringify(new URL(path, ROOT).href)};\n`);
    await Deno.writeTextFile(entry, lines.join(""));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--config", new URL("deno.json", ROOT).pathname, entry],
      stdin: "null",
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    return edgesOf(JSON.parse(new TextDecoder().decode(stdout)) as Graph);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function edgesOf({ modules }: Graph): Edge[] {
  return modules.flatMap(({ specifier, error, dependencies = [] }) => {
    assertEquals(error, undefined, specifier);
    if (!specifier.startsWith(ROOT.href)) return []; // the entry, or a package
    return dependencies.map(({ specifier: written, code, type, isDynamic = false }) => ({
      from: fromRoot(specifier),
      to: fromRoot(code?.specifier ?? type?.specifier ?? written),
      dynamic: isDynamic,
      typeOnly: code?.specifier === undefined,
    }));
  });
}

function fromRoot(specifier: string): string {
  return specifier.startsWith(ROOT.href) ? specifier.slice(ROOT.href.length) : specifier;
}

/** All modules that one reaches by the imports that `follow` accepts. */
export function reached(
  from: string,
  edges: readonly Edge[],
  follow: (edge: Edge) => boolean,
): Set<string> {
  const found = new Set([from]);
  for (const module of found) {
    for (const edge of edges) {
      if (edge.from === module && follow(edge)) found.add(edge.to);
    }
  }
  return found;
}
