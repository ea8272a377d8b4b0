/** Makes one JavaScript file of a program, or two: the program, and the runtime that it imports. */

import { BuildError } from "./build_error.ts";
import { noteMissing } from "./bundle_notes.ts";
import { addOnMessage, denoBundle, LAUNCHER, mentionsOnly } from "./deno_bundle.ts";
import { encodePath, type Entry } from "./entry.ts";
import {
  bundleRuntime,
  type LocalRuntime,
  localRuntime,
  lookUpRuntime,
  type RuntimeFile,
} from "./runtime_bundle.ts";
import { joinMap, type MappedCode, nameSources, prependLine } from "./source_map.ts";

/** A program's text, and what it may miss where it will run. */
export interface Bundle {
  readonly text: string;
  /** What the text imports from the folder above its own, if the runtime is apart. */
  readonly runtime?: RuntimeFile;
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
  /**
   * The runtime may be a file of its own, which is bundled only when it has changed. It is if the program
   * imports it from the source that this very process is run from. @default false
   */
  readonly runtimeApart?: boolean;
  readonly signal?: AbortSignal;
}

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
  const { forExecutable = false, runtimeApart = false, signal } = options;
  const local = runtimeApart ? localRuntime() : undefined;
  const apart = local === undefined ? undefined : await bundleApart(deno, entry, local, signal);
  const { code, map } = apart?.program ?? await bundleWhole(deno, entry, signal);
  const named = { code, map: nameSources(map, entry) };
  const { addOns, warnings } = noteMissing(named.code, named.map.sources);
  const [addOn] = addOns;
  if (addOn !== undefined) {
    throw new BuildError(`Cannot build ${entry.shown}: ${addOnMessage(addOn)}`);
  }
  const first = forExecutable ? `${MAIN} ${PLACE}` : MAIN;
  const text = joinMap(prependLine(first, named));
  return { text, warnings, ...(apart?.runtime && { runtime: apart.runtime }) };
}

async function bundleWhole(
  deno: string,
  entry: Entry,
  signal: AbortSignal | undefined,
): Promise<MappedCode> {
  const bundled = await denoBundle(deno, entry, [LAUNCHER], signal);
  // The user may have a module that is imported by the same name.
  return mentionsOnly(bundled.code, LAUNCHER) ? bundled : await denoBundle(deno, entry, [], signal);
}

/** `undefined` if the program has to be whole. It has no `runtime` if it does not import that one. */
async function bundleApart(
  deno: string,
  entry: Entry,
  local: LocalRuntime,
  signal: AbortSignal | undefined,
): Promise<{ program: MappedCode; runtime: RuntimeFile | undefined } | undefined> {
  const looking = lookUpRuntime(local);
  looking.catch(() => {}); // told if it is needed
  const program = await denoBundle(deno, entry, [LAUNCHER, local.module], signal);
  const use = useOf(local, program, entry);
  if (use !== "apart") return use === "none" ? { program, runtime: undefined } : undefined;
  // Not at the same time: of two that find no esbuild, and install it, Deno may let one fail.
  const runtime = await bundleRuntime(deno, await looking, signal);
  const path = JSON.stringify(`../${runtime.name}`);
  const code = program.code.replaceAll(JSON.stringify(local.module), path);
  return { program: { code, map: program.map }, runtime };
}

/** What a bundle from which the runtime was left out has of it: nothing, an import, or too much for that. */
function useOf(
  { module, root }: LocalRuntime,
  { code, map }: MappedCode,
  entry: Entry,
): "none" | "apart" | "whole" {
  if (!mentionsOnly(code, LAUNCHER) || !mentionsOnly(code, module)) return "whole";
  if (!code.includes(JSON.stringify(module))) return "none";
  // What it imports from inside the runtime, there would be twice.
  const inside = new URL(`file://${encodePath(root)}/src/`).href;
  const base = `file://${encodePath(entry.folder)}/`;
  const isInside = (source: string) => new URL(encodePath(source), base).href.startsWith(inside);
  return map.sources.some(isInside) ? "whole" : "apart";
}
