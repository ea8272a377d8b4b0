/** Bundles a program into one JavaScript file, or two: the program, and the runtime that it imports. */

import { inProject } from "../core/run_layout.ts";
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

/** A bundle, and warnings about what it may lack at run time. */
export interface Bundle {
  readonly text: string;
  /** The file beside its own that the text imports, if the runtime is separate. */
  readonly runtime?: RuntimeFile;
  readonly warnings: readonly string[];
}

/** A node may import the program, which must not see a difference. */
const MAIN = "import.meta.main = true;";

/**
 * Statements that give the bundle the place of the program's module in its project. `place` is its path below
 * the root, or `undefined` for the bundle's own place. An executable has a folder of its own
 * for its modules: the place is found from that of the executable, or else is the working directory.
 */
function placing(place: string | undefined, forExecutable: boolean): string {
  if (place === undefined && !forExecutable) return "";
  const path = place === undefined ? "main.js" : inProject(place);
  const folder = place === undefined
    ? 'Deno.cwd() + "/"'
    : forExecutable
    ? 'Deno.execPath().slice(0, Deno.execPath().lastIndexOf("/") + 1)'
    : 'import.meta.dirname + "/"';
  return [
    `import.meta.filename = ${folder} + ${JSON.stringify(path)};`,
    'import.meta.dirname = import.meta.filename.slice(0, import.meta.filename.lastIndexOf("/"));',
    'import.meta.url = "file://" + encodeURI(import.meta.filename).replace(/[?#]/g, encodeURIComponent);',
  ].join(" ");
}

/** Options for bundling. */
export interface BundleOptions {
  /** The bundle is to be compiled to an executable. @default false */
  readonly forExecutable?: boolean;
  /** As in `BuildOptions`. */
  readonly place?: string;
  /**
   * The runtime may be a separate file, which is bundled only when it has changed. It is separate if the
   * program imports it from the source that this process runs from. @default false
   */
  readonly runtimeApart?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Bundles a program. Types are not checked: that would take longer than everything else.
 *
 * @throws {BuildError} If deno fails, or if the bundle could not run on another machine.
 */
export async function bundle(
  deno: string,
  entry: Entry,
  options: BundleOptions = {},
): Promise<Bundle> {
  const { forExecutable = false, runtimeApart = false, place, signal } = options;
  const local = runtimeApart ? localRuntime() : undefined;
  const apart = local === undefined ? undefined : await bundleApart(deno, entry, local, signal);
  const { code, map } = apart?.program ?? await bundleWhole(deno, entry, signal);
  const named = { code, map: nameSources(map, entry) };
  const { addOns, warnings } = noteMissing(named.code, named.map.sources);
  const [addOn] = addOns;
  if (addOn !== undefined) {
    throw new BuildError(`Cannot build ${entry.shown}: ${addOnMessage(addOn)}`);
  }
  const first = `${MAIN} ${placing(place, forExecutable)}`.trimEnd();
  const text = joinMap(prependLine(first, named));
  return { text, warnings, ...(apart?.runtime && { runtime: apart.runtime }) };
}

async function bundleWhole(
  deno: string,
  entry: Entry,
  signal: AbortSignal | undefined,
): Promise<MappedCode> {
  const bundled = await denoBundle(deno, entry, [LAUNCHER], signal);
  // The user may have a module with the same import name.
  return mentionsOnly(bundled.code, LAUNCHER) ? bundled : await denoBundle(deno, entry, [], signal);
}

/** `undefined` if the runtime cannot be separate. There is no `runtime` if the program does not import it. */
async function bundleApart(
  deno: string,
  entry: Entry,
  local: LocalRuntime,
  signal: AbortSignal | undefined,
): Promise<{ program: MappedCode; runtime: RuntimeFile | undefined } | undefined> {
  const looking = lookUpRuntime(local);
  looking.catch(() => {}); // reported if it is needed
  const program = await denoBundle(deno, entry, [LAUNCHER, local.module], signal);
  const use = useOf(local, program, entry);
  if (use !== "apart") return use === "none" ? { program, runtime: undefined } : undefined;
  // One after the other: if two processes install esbuild at the same time, Deno may let one fail.
  const runtime = await bundleRuntime(deno, await looking, signal);
  const path = JSON.stringify(`./${runtime.name}`);
  const code = program.code.replaceAll(JSON.stringify(local.module), path);
  return { program: { code, map: program.map }, runtime };
}

/** How a bundle uses the external runtime: not at all, by an import, or including parts of it. */
function useOf(
  { module, root }: LocalRuntime,
  { code, map }: MappedCode,
  entry: Entry,
): "none" | "apart" | "whole" {
  if (!mentionsOnly(code, LAUNCHER) || !mentionsOnly(code, module)) return "whole";
  if (!code.includes(JSON.stringify(module))) return "none";
  // Modules that it imports from inside the runtime would be loaded twice.
  const inside = new URL(`file://${encodePath(root)}/src/`).href;
  const base = `file://${encodePath(entry.folder)}/`;
  // The pool is a library on top of the runtime: it is bundled with the program.
  const pool = `${inside}pool/`;
  const isInside = (source: string) => {
    const { href } = new URL(encodePath(source), base);
    return href.startsWith(inside) && !href.startsWith(pool);
  };
  return map.sources.some(isInside) ? "whole" : "apart";
}
