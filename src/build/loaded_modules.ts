/**
 * The modules that a program loads from files at run time: workers, and what an `import()` computes. Each is built
 * into a bundle of its own, which is shipped in its place, since a node has neither its imports nor a compiler.
 */

import { BuildError } from "./build_error.ts";
import { type Bundle, bundle } from "./bundle.ts";
import { encodePath, readProgram } from "./entry.ts";
import { packageFolder } from "./module_place.ts";
import { orWithRuntime } from "./own_runtime.ts";
import type { Loose } from "./executable.ts";

/** A module to build. */
export interface LoadedModule {
  /** Its absolute path here. */
  readonly source: string;
  /** Its path below the root of the project. */
  readonly path: string;
}

const MODULE = /\.[cm]?[jt]sx?$/;
/** What a node cannot run as it is. */
const TYPED_MODULE = /(?<!\.d)\.(?:[cm]?ts|[jt]sx)$/;

/**
 * Those of the files to ship that the program may load as modules: those that it names, except to read them, and
 * if it computes what it imports, all in TypeScript or with JSX in the folders that it names or includes. A file in JavaScript that it does not name may be
 * meant for a browser, and is shipped as it is.
 */
export function findLoaded<T extends LoadedModule>(files: readonly T[], loose: Loose): T[] {
  const named = new Set(
    loose.files.filter(({ mayBeLoaded }) => mayBeLoaded).map(({ href }) => href),
  );
  const folders = loose.files.filter(({ isImported }) => isImported)
    .map(({ href }) => href.replace(/\/?$/, "/"));
  const isComputed = loose.computedImports.length > 0;
  return files.filter(({ source }) => {
    const url = urlOf(source);
    if (named.has(url)) return MODULE.test(source);
    // Packages run without a build.
    if (packageFolder(url) !== undefined) return false;
    const mayBeImported = isComputed || folders.some((folder) => url.startsWith(folder));
    return mayBeImported && TYPED_MODULE.test(source);
  });
}

/** Options for building a module. */
export interface LoadOptions {
  readonly deno: string;
  /** The absolute path of the root of the project. */
  readonly root: string;
  /** An existing folder for files of the build. */
  readonly folder: string;
  /** As in `BuildOptions`. */
  readonly config?: string | undefined;
  readonly flags?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * Builds a module.
 *
 * @throws {BuildError} If it cannot be built.
 */
export async function buildLoaded(
  { source, path }: LoadedModule,
  { deno, root, folder, signal, ...options }: LoadOptions,
): Promise<Bundle> {
  const entry = readProgram(source, options);
  if (entry === undefined) throw new BuildError(`Cannot build ${source}: it is not a module`);
  return await orWithRuntime(entry, folder, (entry) =>
    bundle(deno, entry, {
      place: path,
      root,
      isLoaded: true,
      ...(signal === undefined ? {} : { signal }),
    }));
}

/**
 * One line about a module of which there will be two: one in the program, and one in the built module.
 *
 * @param contained The URLs here of the modules that the program contains.
 */
export function warningOfTwins(
  { source, path }: LoadedModule,
  built: Bundle,
  contained: readonly string[],
): string | undefined {
  const own = urlOf(source);
  const twin = built.modules.find((href) => href !== own && contained.includes(href));
  if (twin === undefined) return undefined;
  const shared = decodeURIComponent(new URL(twin).pathname);
  return `${path} is loaded at run time and imports ${shared}, as the program does: each has a ` +
    "copy of it, which share no state; import() with a string literal has one";
}

/** The URL of a path. */
export function urlOf(path: string): string {
  return `file://${encodePath(path)}`;
}
