/** The settings of a program, for its build and for its runtime, from options and its configuration. */

// @ts-types="../../types/std_jsonc.d.ts"
import { parse } from "@std/jsonc";
// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { configFiles, foreignOf, nearestConfig } from "../build/find_config.ts";
import { type IgnoreRule, parseExclude } from "../build/ignore_rules.ts";
import { messageOf } from "../core/errors.ts";
import {
  MAX_CERTIFICATES,
  missingOnNodes,
  NEEDED_ON_NODES,
  problemOfSettings,
  runtimeFeatures,
  type RuntimeSettings,
  UNSTABLE_FEATURES,
} from "../core/runtime_settings.ts";
import { UsageError } from "../core/usage_error.ts";
import { needsLine } from "../host/permissions.ts";
import { ProgramError } from "../host/program.ts";
import type { DenoChoices } from "./deno_options.ts";
import { nearWord } from "./near.ts";
import { permissionsOfSet, type ProgramConfig } from "./permission_sets.ts";

/** Settings of a program. */
export interface ProgramSettings {
  /** The configuration file that was named; `undefined`: the nearest. */
  readonly config?: string;
  /** Flags of deno for the build. */
  readonly flags: readonly string[];
  readonly settings: RuntimeSettings;
  /** The rules of `"exclude"` in the configuration. */
  readonly configured: readonly IgnoreRule[];
  /** One line for each setting in the configuration that has no effect. */
  readonly warnings: readonly string[];
  /** One line for each configuration file that is not read, since it is of another user. */
  readonly foreign: readonly string[];
  /** The path of the file with the certificates. */
  readonly certificates?: string;
}

/**
 * The settings of the program at this path.
 *
 * @throws {UsageError} If a file that they name cannot be read, or a setting is invalid.
 * @throws {ProgramError} If they lack a permission that every program needs.
 */
export async function programSettings(
  { config, importMap, cert, permissionSet, unstable, settings }: DenoChoices,
  program: string,
): Promise<ProgramSettings> {
  const files = config === undefined
    ? configFiles(await Deno.realPath(dirname(program)))
    : [{ path: config }];
  const configured = await readConfig(config ?? nearestConfig(files));
  const { features, warnings } = configuredFeatures(configured.value, configured.path);
  const flags = [
    ...(importMap === undefined ? [] : ["--import-map", await readable(importMap, "--import-map")]),
    ...(cert === undefined ? [] : ["--cert", await readable(cert, "--cert")]),
    ...new Set([...unstable].map((name) => `--unstable-${name}`)),
  ];
  const set = permissionSet === undefined
    ? []
    : permissionsOfSet(permissionSet, configured, Deno.cwd());
  const all: RuntimeSettings = {
    ...settings,
    // It is the default here, and deno refuses it beside others.
    permissions: [...set.filter((flag) => flag !== "--allow-all"), ...settings.permissions],
    unstable: runtimeFeatures([...features, ...settings.unstable]),
    ...(cert === undefined ? {} : { certificates: await readCertificates(cert) }),
  };
  const problem = problemOfSettings(all);
  if (problem !== undefined) throw new UsageError(problem);
  const isClosed = permissionSet !== undefined && !all.permissions.concat(set).some(isAllowing);
  const missing = isClosed ? NEEDED_ON_NODES : missingOnNodes(all);
  if (missing.length > 0) {
    throw new ProgramError(needsLine(missing, `deploy it with: deploy -A ${program}`));
  }
  return {
    ...(config === undefined ? {} : { config: await readable(config, "--config") }),
    flags,
    settings: all,
    configured: parseExclude(configured.value.exclude, dirname(configured.path)),
    warnings,
    foreign: foreignOf(files),
    ...(cert === undefined ? {} : { certificates: await readable(cert, "--cert") }),
  };
}

function isAllowing(flag: string): boolean {
  return flag.startsWith("--allow-");
}

/** The configuration of a program. */
async function readConfig(path: string | undefined): Promise<ProgramConfig> {
  try {
    if (path === undefined) return { path: "deno.json", value: {} };
    const value: unknown = parse(await Deno.readTextFile(path));
    if (typeof value !== "object" || value === null) return { path, value: {} };
    return { path: await Deno.realPath(path), value: { ...value } };
  } catch {
    // deno reads the file, too, and reports what is wrong with it.
    return { path: "deno.json", value: {} };
  }
}

/** `"unstable": ["kv"]` of the configuration. As in deno, names that do not exist have no effect, and a warning. */
function configuredFeatures(
  { unstable }: ProgramConfig["value"],
  path: string,
): { features: string[]; warnings: string[] } {
  if (!Array.isArray(unstable)) return { features: [], warnings: [] };
  const names = unstable.filter((name) => typeof name === "string");
  const features = names.filter((name) => UNSTABLE_FEATURES.includes(name));
  const warnings = names.filter((name) => !features.includes(name)).map((name) => {
    const near = nearWord(name, UNSTABLE_FEATURES);
    const hint = near === undefined ? "it has no effect" : `did you mean "${near}"?`;
    return `"unstable" in ${path}: there is no feature ${JSON.stringify(name)}; ${hint}`;
  });
  return { features, warnings };
}

async function readCertificates(path: string): Promise<string> {
  const text = await Deno.readTextFile(await readable(path, "--cert"));
  if (text.length <= MAX_CERTIFICATES) return text;
  throw new UsageError(`--cert ${path} has more than ${MAX_CERTIFICATES} characters`);
}

/** The absolute path of a file that an option names. */
async function readable(path: string, option: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound ? "there is no such file" : messageOf(error);
    throw new UsageError(`${option} ${path}: ${why}`);
  }
}
