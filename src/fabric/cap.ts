/** What programs may do at most on a node, as its operator says with `fabric --allow-net=… --deny-run …`. */

import {
  missingOnNodes,
  NO_SETTINGS,
  problemOfSettings,
  whenCompiled,
} from "../core/runtime_settings.ts";
import { flagsOf, type Permissions, permissionsOf } from "../core/permissions.ts";
import { UsageError } from "../core/usage_error.ts";

/** How a fabric runs programs. */
export interface CapRuntime {
  /** Whether it is an executable made by `deno compile`. */
  readonly standalone: boolean;
  /** Runs this Deno with flags and an empty program; returns what it says about them, or `undefined`. */
  readonly problemOf: (flags: readonly string[]) => Promise<string | undefined>;
}

/**
 * The cap; `undefined` if there are no flags: programs may do everything.
 *
 * @throws {UsageError} If Deno does not understand a flag, or a fabric that is an executable cannot limit that.
 */
export async function capOf(
  flags: readonly string[],
  { standalone, problemOf }: CapRuntime,
): Promise<Permissions | undefined> {
  if (flags.length === 0) return undefined;
  const wrong = problemOfSettings({ ...NO_SETTINGS, permissions: flags });
  if (wrong !== undefined) throw new UsageError(`invalid limits for programs: ${wrong}`);
  const cap = permissionsOf(flags);
  if (standalone) {
    const problem = problemWhenCompiled(flags);
    if (problem !== undefined) throw new UsageError(problem);
    return cap;
  }
  const problem = await problemOf(flagsOf(cap));
  if (problem === undefined) return cap;
  throw new UsageError(`invalid limits for programs: ${problem}; expected what deno run takes`);
}

/** An executable can only give up whole permissions, and what the runtime needs of the others cannot be told apart. */
function problemWhenCompiled(flags: readonly string[]): string | undefined {
  const settings = { ...NO_SETTINGS, permissions: flags };
  const fixed = flags.find((flag) => /^--[a-z]+-import\b/.test(flag)) ??
    whenCompiled(settings, () => true).fixed;
  if (fixed !== undefined) {
    return `${fixed} cannot be a limit for programs here, since this fabric is an executable; ` +
      "name run, ffi or sys without a list, or run fabric with deno";
  }
  const missing = missingOnNodes(settings);
  if (missing.length === 0) return undefined;
  return `the limits for programs leave out ${
    missing.join(", ")
  }, which every program needs here, since this ` +
    `fabric is an executable; add ${
      missing.map((name) => `--allow-${name}`).join(" ")
    }, or run fabric with deno`;
}

/** As {@linkcode CapRuntime.problemOf}, of the Deno that runs this process. */
export async function problemOfFlags(flags: readonly string[]): Promise<string | undefined> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-lock", "--no-prompt", ...flags, "-"],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return undefined;
  const [line = ""] = new TextDecoder().decode(stderr).trim().split("\n");
  return line.replace(/^error: /, "");
}
