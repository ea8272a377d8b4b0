/** How a shipped program is started, in the folder that it was put into. */

import type { RunSpec } from "../wire/run_spec.ts";
import type { Program } from "./program.ts";

/**
 * Tells a compiled `fabric` that it is to run the bundle of that path, and nothing else. See fabric.ts.
 */
export const BUNDLE_VARIABLE = "DEPLOY_BUNDLE";

/**
 * What a program sees of its machine's environment besides what it was given with `--env`, which
 * comes first. It is what a runtime and the commands that a program starts need to find their files and
 * to write texts and times.
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

/** What is known of the runtime that a node runs on. */
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
 * The command for a program whose file lies in `folder`, as `spec.main`. It is not restricted: whoever
 * may deploy may do all that the node's user may.
 */
export function runProgram(spec: RunSpec, folder: string, runtime: Runtime): Program {
  const path = `${folder}/${spec.main}`;
  const env: Record<string, string> = {};
  for (const name of PASSED_VARIABLES) {
    const value = runtime.variable(name);
    if (value !== undefined) env[name] = value;
  }
  Object.assign(env, spec.env);
  if (spec.kind === "executable") return { command: path, args: spec.args, cwd: folder, env };
  if (runtime.standalone) {
    env[BUNDLE_VARIABLE] = path;
    return { command: runtime.execPath, args: spec.args, cwd: folder, env };
  }
  // What lies around the folder is not the program's: neither configuration nor lock file.
  const args = ["run", "-A", "--no-config", "--no-lock", "--no-prompt", path, ...spec.args];
  return { command: runtime.execPath, args, cwd: folder, env };
}
