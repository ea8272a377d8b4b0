/** Collects what the user wants to ship: `--include`, `--exclude`, and `"exclude"` of the configuration. */

import { UsageError } from "../core/usage_error.ts";
import { Collector } from "../build/collect.ts";
import { type IgnoreRule, parseIgnorePattern } from "../build/ignore_rules.ts";
import type { RunCommand } from "./deploy_arguments.ts";

/**
 * Collects it, for a project with that root. `configured` are the rules of its configuration.
 *
 * @throws {UsageError} If something is not there, or cannot be shipped.
 */
export async function collectIncluded(
  { include, exclude }: RunCommand,
  { root, configured, signal }: {
    readonly root: string;
    readonly configured: readonly IgnoreRule[];
    readonly signal: AbortSignal;
  },
): Promise<Collector> {
  const excludes = exclude.flatMap((pattern) => {
    const rule = parseIgnorePattern(pattern, Deno.cwd());
    // A pattern without a slash applies to the whole project, also above the working directory.
    return rule === undefined ? [] : [rule.isAnchored ? rule : { ...rule, base: "/" }];
  });
  const collector = new Collector(root, { excludes, configured, signal });
  for (const shown of include) {
    if (!await collector.add(absolutePath(shown))) throw notIncluded(shown);
  }
  return collector;
}

/** The error for something that is to be shipped and is not there. */
export function notIncluded(shown: string): UsageError {
  return new UsageError(`--include ${shown}: there is no such file or folder`);
}

/**
 * The absolute path of something, without links in the folders that it names, and without `.` and `..`. That
 * it does not exist is not reported here.
 */
export function absolutePath(path: string): string {
  const whole = path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  const [, folder = "", name = ""] = /^(.*)\/([^/]+)\/*$/.exec(whole) ?? [];
  try {
    if (["", ".", ".."].includes(name)) return Deno.realPathSync(whole);
    const real = Deno.realPathSync(folder === "" ? "/" : folder);
    return `${real === "/" ? "" : real}/${name}`;
  } catch {
    // The folder does not exist, so nothing can be found there.
    return whole;
  }
}
