/** Collects what the modules of a program name, and builds those that it loads at run time. */

import { BuildError } from "../build/build_error.ts";
import type { Collector } from "../build/collect.ts";
import type { Loose } from "../build/executable.ts";
import { findDeno } from "../build/find_deno.ts";
import {
  buildLoaded,
  findLoaded,
  type LoadedModule,
  urlOf,
  warningOfTwins,
} from "../build/loaded_modules.ts";
import { findNamed } from "../build/named_files.ts";
import { packageFiles } from "../build/package_files.ts";

/** What is collected, and how it is built. */
export interface NamedOptions {
  /** It already has what the user includes. */
  readonly collector: Collector;
  /** The absolute path of the root of the project. */
  readonly root: string;
  /** The program as the user wrote it. */
  readonly program: string;
  /** An existing folder for the output of builds. */
  readonly folder: string;
  /** As in `BuildOptions`. */
  readonly config?: string | undefined;
  readonly flags?: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Adds to the collector what modules name, the files of packages that may read them, and the built modules in place of their sources. What these name in turn
 * is added, too.
 *
 * @returns One line for each thing that is not as it is here.
 * @throws {BuildError} If a module cannot be built, or the program imports something that is only known at run time and
 * includes no module.
 * @throws {UsageError} If something cannot be shipped.
 */
export async function collectNamed(loose: Loose, options: NamedOptions): Promise<string[]> {
  const { collector, root, folder } = options;
  const warnings: string[] = [];
  /** The outputs of builds, by the paths of the modules below the root. */
  const done = new Map<string, string>();
  const packages = new Set<string>();
  for (let next: Loose | undefined = loose; next !== undefined;) {
    const named = await findNamed(next.files, root);
    for (const path of named.paths) await collector.add(path);
    for (const { source, path } of named.packaged) collector.addFrom(source, path);
    for (const path of named.folders) collector.addFolder(path);
    warnings.push(...named.warnings);
    for (const href of next.packages.filter((href) => !packages.has(href))) {
      packages.add(href);
      const { files, warning } = packageFiles(href, root);
      for (const { source, path } of files) collector.addFrom(source, path);
      if (warning !== undefined) warnings.push(warning);
    }
    // What has been built may have been named again, by itself or with its folder.
    for (const [path, output] of done) collector.addFrom(output, path);
    const { files } = collector.collected();
    const modules = findLoaded(files, next).filter(({ path }) => !done.has(path));
    const found: Loose[] = [];
    for (const module of modules) {
      const output = `${folder}/loaded-${done.size + 1}.js`;
      done.set(module.path, output);
      const built = await buildLoaded(module, { ...options, deno: await findDeno() });
      await Deno.writeTextFile(output, built.text);
      collector.addFrom(output, module.path);
      const twins = mayImport(module, next) && warningOfTwins(module, built, loose.modules);
      warnings.push(...built.missing, ...built.absent, ...(twins ? [twins] : []));
      found.push(built);
    }
    const computed = next.computedImports.find(({ mayBeOfCode }) => !mayBeOfCode);
    if (computed !== undefined && done.size === 0 && files.every(({ path }) => !isScript(path))) {
      throw new BuildError(
        `Cannot build ${options.program}: ${computed.from}: the module of this ${computed.by}() is only known at run ` +
          "time, so it is not in the bundle; add --include for the files or folders that it may import",
      );
    }
    next = found.length === 0 ? undefined : {
      files: found.flatMap(({ files }) => files),
      modules: [],
      packages: found.flatMap(({ packages }) => packages),
      computedImports: found.flatMap(({ computedImports }) => computedImports),
    };
  }
  return warnings;
}

/** Whether it may be an `import()` that loads a module, and not a worker, which shares no state in any case. */
function mayImport({ source }: LoadedModule, { computedImports, files }: Loose): boolean {
  return computedImports.length > 0 ||
    files.some(({ href, isImported }) => isImported && urlOf(source).startsWith(href));
}

function isScript(path: string): boolean {
  return /\.[cm]?js$/.test(path);
}
