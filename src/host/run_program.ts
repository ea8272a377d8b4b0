/** Starts a shipped program in its folder. */

import { CERTIFICATES_FILE, DENO_FOLDER, inProject, TEMPORARY_FOLDER } from "../core/run_layout.ts";
import {
  missingOnNodes,
  NO_SETTINGS,
  settingFlags,
  whenCompiled,
} from "../core/runtime_settings.ts";
import {
  flagsOf,
  limitedNames,
  meet,
  type Permissions,
  permissionsOf,
} from "../core/permissions.ts";
import { visibleLine } from "../core/visible.ts";
import type { RunSpec } from "../wire/run_spec.ts";
import { BUNDLE_VARIABLE, REVOKED_VARIABLE } from "./bundle_variable.ts";
import { liftsLimits } from "./limit_escapes.ts";
import { needsLine } from "./permissions.ts";
import { type Program, ProgramError, UnfitError } from "./program.ts";
import { type ProgramUser, variablesOf } from "./program_user.ts";

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

/** Those of them that name what is of the user of the node, and perhaps out of reach for another one. */
const OF_USER: ReadonlySet<string> = new Set([
  ...["HOME", "USER", "LOGNAME", "TMPDIR", "DENO_DIR", "XDG_CACHE_HOME"],
]);

/** How a node has programs run. */
export interface NodeLimits {
  /** What they may do at most. @default everything */
  readonly cap?: Permissions | undefined;
  /** The user that they run as. @default that of the node */
  readonly user?: ProgramUser | undefined;
  /** Whether temporary files are in the folder of the run, where they are counted. @default only with `user` */
  readonly countsFiles?: boolean;
}

/** The runtime that a node runs on. */
export interface Runtime {
  readonly execPath: string;
  /** Whether it is an executable made by `deno compile`: a compiled `fabric`. */
  readonly standalone: boolean;
  readonly variable: (name: string) => string | undefined;
  /** Whether it has an unstable feature of Deno, by its name. */
  readonly hasFeature: (name: string) => boolean;
}

/** Whether this process has an unstable feature, for those that can be seen. */
const FEATURES: Readonly<Record<string, () => boolean>> = {
  "broadcast-channel": () => "BroadcastChannel" in globalThis,
  "cron": () => "cron" in Deno,
  "kv": () => "openKv" in Deno,
  "net": () => "connectQuic" in Deno,
  "temporal": () => "Temporal" in globalThis,
};

/** The runtime of this process. */
export function thisRuntime(): Runtime {
  return {
    execPath: Deno.execPath(),
    standalone: Deno.build.standalone,
    variable: (name) => Deno.env.get(name),
    hasFeature: (name) => FEATURES[name]?.() ?? false,
  };
}

/** Writes the files for the settings of a program to `folder`, the folder of the run. */
export async function writeSettings({ settings }: RunSpec, folder: string): Promise<void> {
  if (settings?.certificates === undefined) return;
  await Deno.writeTextFile(`${folder}/${CERTIFICATES_FILE}`, settings.certificates);
}

/**
 * The command for a program that lies in `folder`, the folder of the run (see `run_layout.ts`). Besides its settings
 * and the cap of the node, it is not restricted: without a cap, anyone who may deploy may do everything that the
 * node's user may.
 *
 * @throws {ProgramError} If this runtime cannot be set as the program wants, or as the node does ({@linkcode UnfitError}).
 */
export function runProgram(
  spec: RunSpec,
  folder: string,
  runtime: Runtime,
  { cap, user, countsFiles = false }: NodeLimits = {},
): Program {
  const path = `${folder}/${spec.main}`;
  const cwd = `${folder}/${inProject(spec.cwd)}`;
  const env: Record<string, string> = {};
  for (const name of PASSED_VARIABLES) {
    const value = runtime.variable(name);
    if (value !== undefined && !(user !== undefined && OF_USER.has(name))) env[name] = value;
  }
  if (user !== undefined || countsFiles) env["TMPDIR"] = `${folder}/${TEMPORARY_FOLDER}`;
  if (user !== undefined) Object.assign(env, variablesOf(user));
  // A program writes there without any permission: localStorage, caches, Deno.openKv().
  if (user !== undefined || cap !== undefined) env["DENO_DIR"] = `${folder}/${DENO_FOLDER}`;
  Object.assign(env, spec.env);
  const setting = {
    cwd,
    env,
    ...(spec.oneOutput === true && { oneOutput: true }),
    ...user && { user },
  };
  checkLimits(spec, cap);
  if (spec.kind === "executable") return { command: path, args: spec.args, ...setting };
  const { settings = NO_SETTINGS } = spec;
  const missing = missingOnNodes(settings);
  if (missing.length > 0) {
    throw new ProgramError(needsLine(missing, `deploy it with: deploy -A ${spec.name}`));
  }
  const certificates = settings.certificates === undefined
    ? undefined
    : `${folder}/${CERTIFICATES_FILE}`;
  const permissions = cap && meet(permissionsOf(settings.permissions), cap, cwd);
  const capped = cap && { capped: limitedNames(cap) };
  if (runtime.standalone) {
    const allowed = permissions && flagsOf(permissions).filter((flag) => flag !== "--allow-all");
    const { fixed, revoked } = whenCompiled(
      { ...settings, permissions: allowed ?? settings.permissions },
      runtime.hasFeature,
    );
    if (fixed !== undefined) {
      throw new ProgramError(
        `Cannot run ${spec.name} with ${fixed}: this fabric is an executable, in which that is fixed; ` +
          "deploy the program with --release",
      );
    }
    env[BUNDLE_VARIABLE] = path;
    if (revoked.length > 0) env[REVOKED_VARIABLE] = revoked.join(",");
    if (certificates !== undefined) env["DENO_CERT"] = certificates;
    return { command: runtime.execPath, args: spec.args, ...setting, ...capped };
  }
  // Configuration and lock files outside the folder do not belong to the program.
  const flags = ["--no-config", "--no-lock", "--no-prompt"];
  const runFlags = ["run", ...settingFlags(settings, certificates), ...flags];
  const args = [...runFlags, path, ...spec.args];
  return {
    ...{ command: runtime.execPath, args, flagsAt: runFlags.length, ...setting },
    ...{ isBundle: true },
    ...permissions && { permissions },
    ...capped,
  };
}

/**
 * Checks that a node with this cap can hold the program to it.
 *
 * @throws {UnfitError} If not; the message is one line, which says what to do.
 */
export function checkLimits(
  { kind, name, env, settings = NO_SETTINGS }: RunSpec,
  cap: Permissions | undefined,
): void {
  if (cap === undefined) return;
  const limits = "this node limits what programs may do, and";
  if (kind === "executable") {
    throw new UnfitError(
      `Cannot run ${
        visibleLine(name)
      }: ${limits} an executable has the permissions that it was compiled with; ` +
        "deploy the program without --release",
    );
  }
  const { allow } = cap.run;
  const lifts = liftsLimits(env, settings, allow !== true && allow.length > 0);
  if (lifts === undefined) return;
  throw new UnfitError(
    `Cannot run ${visibleLine(name)} with ${
      visibleLine(lifts)
    }: ${limits} that could lift the limits; ` +
      "deploy it without",
  );
}
