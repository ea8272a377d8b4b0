/** Starts a shipped program in its folder. */

import { CERTIFICATES_FILE, inProject } from "../core/run_layout.ts";
import { fixedWhenCompiled, NO_SETTINGS, settingFlags } from "../core/runtime_settings.ts";
import type { RunSpec } from "../wire/run_spec.ts";
import { BUNDLE_VARIABLE } from "./bundle_variable.ts";
import { type Program, ProgramError } from "./program.ts";

/**
 * The variables of the machine's environment that a program sees besides those given with `--env`, which
 * and those that describe the terminal of who deployed it, which take precedence. A runtime and the commands that a program starts need them to find files, to format
 * text and times, and to reach the network as the machine does.
 */
const PASSED_VARIABLES = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "TMPDIR",
  "TZ",
  "DENO_DIR",
  "XDG_CACHE_HOME",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "NODE_EXTRA_CA_CERTS",
  ...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"].flatMap((name) => [
    name,
    name.toLowerCase(),
  ]),
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

/** Writes the files for the settings of a program to `folder`, the folder of the run. */
export async function writeSettings({ settings }: RunSpec, folder: string): Promise<void> {
  if (settings?.certificates === undefined) return;
  await Deno.writeTextFile(`${folder}/${CERTIFICATES_FILE}`, settings.certificates);
}

/**
 * The command for a program that lies in `folder`, the folder of the run (see `run_layout.ts`). Besides its settings, it is not restricted:
 * anyone who may deploy may do everything that the node's user may.
 *
 * @throws {ProgramError} If this runtime cannot be set as the program wants.
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
  const { settings = NO_SETTINGS } = spec;
  if (runtime.standalone) {
    const fixed = fixedWhenCompiled(settings);
    if (fixed !== undefined) {
      throw new ProgramError(
        `Cannot run ${spec.name} with ${fixed}: this fabric is an executable, whose runtime cannot be set; ` +
          "deploy the program with --release",
      );
    }
    env[BUNDLE_VARIABLE] = path;
    return { command: runtime.execPath, args: spec.args, ...setting };
  }
  const certificates = settings.certificates === undefined
    ? undefined
    : `${folder}/${CERTIFICATES_FILE}`;
  // Configuration and lock files outside the folder do not belong to the program.
  const flags = ["--no-config", "--no-lock", "--no-prompt"];
  const args = ["run", ...settingFlags(settings, certificates), ...flags, path, ...spec.args];
  return { command: runtime.execPath, args, ...setting };
}
