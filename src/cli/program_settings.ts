/** The settings of a program, for its build and for its runtime, from options and its configuration. */

// @ts-types="../../types/std_jsonc.d.ts"
import { parse } from "@std/jsonc";
// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { findConfig } from "../build/find_config.ts";
import { messageOf } from "../core/errors.ts";
import {
  MAX_CERTIFICATES,
  problemOfSettings,
  runtimeFeatures,
  type RuntimeSettings,
} from "../core/runtime_settings.ts";
import { UsageError } from "../core/usage_error.ts";
import type { DenoChoices } from "./deno_options.ts";

/** Settings of a program. */
export interface ProgramSettings {
  /** The configuration file that was named; `undefined`: the nearest. */
  readonly config?: string;
  /** Flags of deno for the build. */
  readonly flags: readonly string[];
  readonly settings: RuntimeSettings;
  /** The path of the file with the certificates. */
  readonly certificates?: string;
}

/**
 * The settings of the program at this path.
 *
 * @throws {UsageError} If a file that they name cannot be read, or a setting is invalid.
 */
export async function programSettings(
  { config, importMap, cert, unstable, settings }: DenoChoices,
  program: string,
): Promise<ProgramSettings> {
  const configured = await configuredFeatures(config, program);
  const flags = [
    ...(importMap === undefined ? [] : ["--import-map", await readable(importMap, "--import-map")]),
    ...(cert === undefined ? [] : ["--cert", await readable(cert, "--cert")]),
    ...new Set([...unstable].map((name) => `--unstable-${name}`)),
  ];
  const all: RuntimeSettings = {
    ...settings,
    unstable: runtimeFeatures([...configured, ...settings.unstable]),
    ...(cert === undefined ? {} : { certificates: await readCertificates(cert) }),
  };
  const problem = problemOfSettings(all);
  if (problem !== undefined) throw new UsageError(problem);
  return {
    ...(config === undefined ? {} : { config: await readable(config, "--config") }),
    flags,
    settings: all,
    ...(cert === undefined ? {} : { certificates: await readable(cert, "--cert") }),
  };
}

/** `"unstable": ["kv"]` of the configuration. */
async function configuredFeatures(named: string | undefined, program: string): Promise<string[]> {
  try {
    const path = named ?? findConfig(await Deno.realPath(dirname(program)));
    const config: unknown = path === undefined ? {} : parse(await Deno.readTextFile(path));
    if (typeof config !== "object" || config === null || !("unstable" in config)) return [];
    const { unstable } = config;
    return Array.isArray(unstable) ? unstable.filter((name) => typeof name === "string") : [];
  } catch {
    // deno reads the file, too, and reports what is wrong with it.
    return [];
  }
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
