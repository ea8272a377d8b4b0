/** Runs `deno bundle`, and explains its errors. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";
import { BuildError } from "./build_error.ts";
import type { Entry } from "./entry.ts";
import { runDeno } from "./run_deno.ts";
import { alignLines, type MappedCode, splitMap } from "./source_map.ts";

/**
 * The modules that `init()` imports only in the process that a user starts: a third of the runtime,
 * never needed on a node.
 */
export const LAUNCHER = "../local/launcher.ts";
const LAUNCHER_IMPORT = `{ launch } = await import("${LAUNCHER}")`;

/** How often a bundle is made again without what packages lack. */
const MAX_ATTEMPTS = 20;

/**
 * Bundles a module. The modules named by `externals` are not bundled but imported: specifiers as written
 * in the modules, or absolute paths, which become the specifiers.
 *
 * What a package requires and is not there is left to the package, as in deno: it throws when it is required.
 *
 * @throws {BuildError} If deno fails.
 */
export async function denoBundle(
  deno: string,
  entry: Entry,
  externals: readonly string[],
  signal: AbortSignal | undefined,
): Promise<MappedCode> {
  const all = new Set(externals);
  for (let attempt = 1;; attempt++) {
    try {
      return await bundleOnce(deno, entry, [...all], signal);
    } catch (error) {
      const lacking = error instanceof BuildError ? lackingOfPackages(error.details) : [];
      const before = all.size;
      for (const name of lacking) all.add(name);
      if (all.size === before || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** A module that could not be found, and where it is imported. */
const LACKING =
  /(?:Could not resolve "([^"]+)"|Could not convert path to URL\.\s+Path: (\S+))\s+at (file:\S+)/g;

/** The modules that packages import and that are not there. A package may do without them. */
export function lackingOfPackages(details: string): string[] {
  return Array.from(details.matchAll(LACKING)).flatMap(([, first, second, place = ""]) =>
    /\/(?:npm|node_modules)\//.test(place) ? [first ?? second ?? ""] : []
  );
}

async function bundleOnce(
  deno: string,
  entry: Entry,
  externals: readonly string[],
  signal: AbortSignal | undefined,
): Promise<MappedCode> {
  // Deno 2.6 takes names like "fs" in CommonJS modules only with that flag.
  const always = ["bundle", "--quiet", "--sourcemap=inline", "--allow-import"];
  always.push("--unstable-bare-node-builtins");
  const output = await runDeno({
    deno,
    entry,
    args: [
      ...always,
      ...entry.flags,
      ...externals.map((name) => `--external=${name}`),
      `./${entry.name}`,
    ],
    explain,
    ...(signal === undefined ? {} : { signal }),
  });
  const parts = splitMap(new TextDecoder().decode(output));
  if (parts !== undefined) return alignLines(parts);
  throw new BuildError(`Cannot build ${entry.shown}: deno bundle made no source map`);
}

/** Whether a bundle uses the external of that name, if at all, only in an import. */
export function mentionsOnly(code: string, external: string): boolean {
  const quoted = JSON.stringify(external);
  const imports = external === LAUNCHER
    ? [LAUNCHER_IMPORT]
    : [` from ${quoted};\n`, `\nimport ${quoted};\n`, `import(${quoted})`];
  const found = imports.reduce((sum, text) => sum + count(code, text), 0);
  return count(code, quoted) === found;
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

function explain(output: string): string | undefined {
  const addOn = /No loader is configured for "\.node" files: (\S+)/.exec(output)?.[1];
  if (addOn !== undefined) return addOnMessage(basename(addOn));
  if (!/failed to download esbuild|failed loading \S+\/@esbuild/i.test(output)) return undefined;
  const certificate = output.includes("invalid peer certificate")
    ? "; where the network has an authority of its own, set DENO_TLS_CA_STORE=system"
    : "";
  return "deno bundle needs the npm package esbuild, which could not be downloaded; " +
    `once is enough, so run deno bundle where there is a network${certificate}`;
}

/** The message about a native add-on. */
export function addOnMessage(name: string): string {
  return `${name} is a native add-on, which no bundle can have in it; use --release, ` +
    "and --include for the file";
}
