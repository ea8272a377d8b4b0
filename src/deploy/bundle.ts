/** Makes one JavaScript file of a program, with `deno bundle`. */

import { BuildError } from "./build_error.ts";
import { noteMissing } from "./bundle_notes.ts";
import type { Entry } from "./entry.ts";
import { runDeno } from "./run_deno.ts";
import { alignLines, joinMap, nameSources, prependLine, splitMap } from "./source_map.ts";

/** A program's text, and what it may miss where it will run. */
export interface Bundle {
  readonly text: string;
  readonly warnings: readonly string[];
}

/** A node may import the program, which is to see no difference. */
const MAIN = "import.meta.main = true;";

/**
 * In an executable, modules are in a place of its own. What the program finds beside itself is in its
 * working directory, as for a bundle, which lies there.
 */
const PLACE = [
  "import.meta.dirname = Deno.cwd();",
  'import.meta.filename = import.meta.dirname + "/main.js";',
  'import.meta.url = "file://" + encodeURI(import.meta.filename).replace(/[?#]/g, encodeURIComponent);',
].join(" ");

/** How to bundle. */
export interface BundleOptions {
  /** The bundle is to be compiled to an executable. @default false */
  readonly forExecutable?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * What `init()` imports in the process that a user starts, and in no other: a third of the runtime, and
 * never needed on a node.
 */
const LAUNCHER = "../launcher.ts";
const LAUNCHER_IMPORT = `{ launch } = await import("${LAUNCHER}")`;

/**
 * Bundles a program. Types are not checked: that takes longer than all the rest.
 *
 * @throws {BuildError} If deno fails, or if what it makes could not run elsewhere.
 */
export async function bundle(
  deno: string,
  entry: Entry,
  options: BundleOptions = {},
): Promise<Bundle> {
  const { forExecutable = false, signal } = options;
  let output = await denoBundle(deno, entry, [`--external=${LAUNCHER}`], signal);
  // The user may have a module that is imported by the same name.
  if (output.split(`"${LAUNCHER}"`).length !== output.split(LAUNCHER_IMPORT).length) {
    output = await denoBundle(deno, entry, [], signal);
  }
  const parts = splitMap(output);
  if (parts === undefined) {
    throw new BuildError(`Cannot build ${entry.shown}: deno bundle made no source map`);
  }
  const aligned = alignLines(parts);
  const named = { code: aligned.code, map: nameSources(aligned.map, entry) };
  const { addOns, warnings } = noteMissing(named.code, named.map.sources);
  const [addOn] = addOns;
  if (addOn !== undefined) {
    throw new BuildError(`Cannot build ${entry.shown}: ${addOnMessage(addOn)}`);
  }
  const first = forExecutable ? `${MAIN} ${PLACE}` : MAIN;
  return { text: joinMap(prependLine(first, named)), warnings };
}

async function denoBundle(
  deno: string,
  entry: Entry,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const always = ["bundle", "--quiet", "--sourcemap=inline", "--allow-import"];
  const output = await runDeno({
    deno,
    entry,
    args: [...always, ...args, `./${entry.name}`],
    explain,
    ...(signal === undefined ? {} : { signal }),
  });
  return new TextDecoder().decode(output);
}

function explain(output: string): string | undefined {
  const addOn = /No loader is configured for "\.node" files: (\S+)/.exec(output)?.[1];
  if (addOn !== undefined) return addOnMessage(addOn.slice(addOn.lastIndexOf("/") + 1));
  if (!/failed to download esbuild|@esbuild\//i.test(output)) return undefined;
  const certificate = output.includes("invalid peer certificate")
    ? "; where the network has an authority of its own, set DENO_TLS_CA_STORE=system"
    : "";
  return "deno bundle needs the npm package esbuild, which could not be downloaded; " +
    `once is enough, so run deno bundle where there is a network${certificate}`;
}

function addOnMessage(name: string): string {
  return `${name} is a native add-on, which no bundle can have in it; use --release, ` +
    "and --include for the file";
}
