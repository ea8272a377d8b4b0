/** Starts a shipped program in its folder. */

import { inProject } from "../core/run_layout.ts";
import type { RunSpec } from "../wire/run_spec.ts";
import type { Program } from "./program.ts";

/**
 * Tells a compiled `fabric` to run only the bundle at this path. See fabric.ts.
 */
export const BUNDLE_VARIABLE = "DEPLOY_BUNDLE";

/**
 * The variables of the machine's environment that a program sees besides those given with `--env`, which
 * take precedence. A runtime and the commands that a program starts need them to find files and to format
 * text and times.
 */
const PASSED_VARIABLES = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "TMPDIR",
  "LANG",
  "LC_ALL",
  "TZ",
  "DENO_DIR",
  "XDG_CACHE_HOME",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "LD_LIBRARY_PATH",
] as const;

/** The runtime that a node runs on. */
export interface Runtime {
  readonly execPath: string;
  /** Whether it is an executable made by `deno compile`: a compiled `fabric`. */
  readonly standalone: boolean;
  readonly variable: (name: string) => string | undefined;
}

/** The runtime of this process. */
export function thisRuntime(): Runtime {
  return {
    execPath: Deno.execPath(),
    standalone: Deno.build.standalone,
    variable: (name) => Deno.env.get(name),
  };
}

/**
 * The command for a program that lies in `folder`, the folder of the run (see `run_layout.ts`). It is not restricted: anyone who
 * may deploy may do everything that the node's user may.
 */
export function runProgram(spec: RunSpec, folder: string, runtime: Runtime): Program {
  const path = `${folder}/${spec.main}`;
  const cwd = `${folder}/${inProject(spec.cwd)}`;
  const env: Record<string, string> = {};
  for (const name of PASSED_VARIABLES) {
    const value = runtime.variable(name);
    if (value !== undefined) env[name] = value;
  }
  Object.assign(env, spec.env);
  const setting = { cwd, env, ...(spec.oneOutput === true && { oneOutput: true }) };
  if (spec.kind === "executable") return { command: path, args: spec.args, ...setting };
  if (runtime.standalone) {
    env[BUNDLE_VARIABLE] = path;
    return { command: runtime.execPath, args: spec.args, ...setting };
  }
  // Configuration and lock files outside the folder do not belong to the program.
  const args = ["run", "-A", "--no-config", "--no-lock", "--no-prompt", path, ...spec.args];
  return { command: runtime.execPath, args, ...setting };
}
