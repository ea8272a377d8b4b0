/** The settings of a deployment, from arguments, environment and deno.json. */

// @ts-types="../../types/std_jsonc.d.ts"
import { parse } from "@std/jsonc";
// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { findConfig } from "../build/find_config.ts";
import { messageOf } from "../core/errors.ts";
import { type Address, DEFAULT_BRIDGE, parseAddress } from "../core/address.ts";
import { UsageError } from "../core/usage_error.ts";
import type { RunCommand } from "./deploy_arguments.ts";

/** The defaults for the bridge and the program. */
export interface ProjectDefaults {
  readonly bridge?: string;
  readonly main?: string;
}

/**
 * Reads `"deploy": { "bridge": …, "main": … }` from the text of a deno.json.
 *
 * @param path The file's name in errors.
 * @throws {UsageError} If it is present and invalid.
 */
export function readDefaults(text: string, path: string): ProjectDefaults {
  let config: unknown;
  try {
    config = parse(text);
  } catch {
    return {}; // deno reads the file too, and reports the error
  }
  if (typeof config !== "object" || config === null || !("deploy" in config)) return {};
  const { deploy } = config;
  if (typeof deploy !== "object" || deploy === null) {
    throw new UsageError(
      `"deploy" in ${path} is not an object; expected { "bridge": …, "main": … }`,
    );
  }
  const found: { bridge?: string; main?: string } = {};
  for (const name of ["bridge", "main"] as const) {
    const value: unknown = (deploy as Record<string, unknown>)[name];
    if (value === undefined) continue;
    if (typeof value !== "string" || value === "") {
      throw new UsageError(
        `"deploy"."${name}" in ${path} is invalid; expected a string that is not empty`,
      );
    }
    found[name] = value;
  }
  return found;
}

/**
 * The deploy settings of the nearest deno.json, from `folder` upwards. Its `main` is a path that can be
 * opened from `folder`.
 *
 * @throws {UsageError} If a setting is invalid.
 */
export async function projectDefaults(folder: string): Promise<ProjectDefaults> {
  let path: string | undefined;
  let text: string;
  try {
    path = findConfig(folder);
    if (path === undefined) return {};
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new UsageError(`${path ?? `deno.json of ${folder}`} cannot be read: ${messageOf(error)}`);
  }
  const { main, ...others } = readDefaults(text, path);
  if (main === undefined) return others;
  const root = dirname(path);
  return { ...others, main: root === folder || main.startsWith("/") ? main : `${root}/${main}` };
}

/** The address of the bridge, from the first of these sources that has one; else the default. */
export function bridgeAddress(
  command: RunCommand,
  variable: string | undefined,
  defaults: ProjectDefaults,
): Address {
  if (command.bridge !== undefined) return command.bridge;
  const [text, source] = variable
    ? [variable, "DEPLOY_BRIDGE"]
    : [defaults.bridge, `"deploy"."bridge" in deno.json`];
  if (text === undefined) return DEFAULT_BRIDGE;
  const address = parseAddress(text);
  if (address === undefined || address.port === 0) {
    throw new UsageError(`${source} is ${JSON.stringify(text)}; expected host:port`);
  }
  return address;
}

/**
 * The program's environment variables: those of `--env`, and no others.
 *
 * @throws {UsageError} If the value of one is to be taken from here, and it is not set here.
 */
export function programEnv(
  env: RunCommand["env"],
  variable: (name: string) => string | undefined,
): Record<string, string> {
  const found: [string, string][] = [];
  for (const [name, given] of env) {
    const value = given ?? variable(name);
    if (value === undefined) {
      throw new UsageError(`--env ${name} is not set here; set it, or write --env ${name}=VALUE`);
    }
    found.push([name, value]);
  }
  return Object.fromEntries(found);
}
