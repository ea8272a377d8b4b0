/** The settings of a deployment, from arguments, environment and deno.json. */

// @ts-types="../../types/std_jsonc.d.ts"
import { parse } from "@std/jsonc";
// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { configFiles, foreignOf, nearestConfig, trustedOwners } from "../build/find_config.ts";
import { messageOf } from "../core/errors.ts";
import { type Address, DEFAULT_BRIDGE } from "../core/address.ts";
import { UsageError } from "../core/usage_error.ts";
import { bridgeArgument } from "./address_argument.ts";
import { type RunCommand, variables } from "./deploy_arguments.ts";
import { listed, nearWord } from "./near.ts";
import { cpuArgument, memArgument } from "./values.ts";

/** What `"deploy"` in deno.json says where an argument does not. Paths can be opened from here. */
export interface ProjectDefaults {
  readonly bridge?: string;
  readonly main?: string;
  readonly secretFile?: string;
  readonly include?: readonly string[];
  /** As given with `--env`. */
  readonly env?: ReadonlyMap<string, string | undefined>;
  readonly mem?: number;
  readonly cpu?: number;
}

/** Parses the value of one setting; `what` names it. @throws {UsageError} */
type Parse<Value> = (value: unknown, what: string) => Value;

const SETTINGS: { [Name in keyof ProjectDefaults]-?: Parse<NonNullable<ProjectDefaults[Name]>> } = {
  bridge: textOf,
  main: textOf,
  secretFile: textOf,
  include: (value, what) => listOf(value, what).map((path) => textOf(path, what)),
  env: (value, what) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return variables(listOf(value, what).map((each) => textOf(each, what)), what);
    }
    return new Map(
      Object.entries(value).map(([name, text]) => {
        if (typeof text !== "string") throw invalid(what, "strings by the names of variables");
        return [name, text];
      }),
    );
  },
  mem: (value, what) =>
    memArgument(typeof value === "number" ? `${value}` : textOf(value, what), what),
  cpu: (value, what) => {
    if (typeof value !== "number") throw invalid(what, "a number of cores");
    return cpuArgument(`${value}`, what);
  },
};

function textOf(value: unknown, what: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw invalid(what, "a string that is not empty");
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(what, "a list of strings");
}

function invalid(what: string, expected: string): UsageError {
  return new UsageError(`${what} is invalid; expected ${expected}`);
}

/**
 * Reads `"deploy": { … }` from the text of a deno.json.
 *
 * @param path The file's name in errors.
 * @throws {UsageError} If it is present and invalid, or has an unknown key.
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
  if (typeof deploy !== "object" || deploy === null || Array.isArray(deploy)) {
    throw new UsageError(
      `"deploy" in ${path} is not an object; expected { "bridge": …, "main": … }`,
    );
  }
  const names = Object.keys(SETTINGS) as (keyof ProjectDefaults)[];
  return Object.fromEntries(
    Object.entries(deploy).map(([key, value]) => {
      const name = names.find((known) => known === key);
      if (name === undefined) {
        const near = nearWord(key, names);
        const hint = near === undefined ? `expected ${listed(names)}` : `did you mean "${near}"?`;
        throw new UsageError(`"deploy"."${key}" in ${path} is unknown; ${hint}`);
      }
      return [name, SETTINGS[name](value, `"deploy"."${name}" in ${path}`)];
    }),
  );
}

/** Where the settings of a project are. */
export interface ProjectSource {
  /** The path of the configuration file, if it is not to be the nearest. */
  readonly config?: string | undefined;
  /** The folder of the program: its owner chose what runs, and so may say where. @default none */
  readonly program?: string | undefined;
  /** Takes a line about a file that is not read, since it is of another user. */
  readonly warn: (line: string) => void;
}

/**
 * The deploy settings of the nearest deno.json, from `folder` upwards. Its paths can be opened from
 * `folder`.
 *
 * @throws {UsageError} If a setting is invalid.
 */
export async function projectDefaults(
  folder: string,
  { config, program, warn }: ProjectSource,
): Promise<ProjectDefaults> {
  let path: string | undefined;
  let text: string;
  try {
    if (config === undefined) {
      const files = configFiles(folder, trustedOwners(program));
      path = nearestConfig(files);
      for (const line of foreignOf(files)) warn(line);
    } else path = await Deno.realPath(config);
    if (path === undefined) return {};
    text = await Deno.readTextFile(path);
  } catch (error) {
    throw new UsageError(`${path ?? `deno.json of ${folder}`} cannot be read: ${messageOf(error)}`);
  }
  const root = dirname(path);
  const openable = (path: string) =>
    root === folder || path.startsWith("/") ? path : `${root}/${path}`;
  const { main, secretFile, include, ...others } = readDefaults(text, path);
  return {
    ...others,
    ...(main !== undefined && { main: openable(main) }),
    ...(secretFile !== undefined && { secretFile: openable(secretFile) }),
    ...(include !== undefined && { include: include.map(openable) }),
  };
}

/**
 * The command with the defaults of the project: what it says itself comes first; variables and included
 * files of both are sent.
 */
export function withDefaults(
  command: RunCommand,
  { main, mem, cpu, env = new Map(), include = [] }: ProjectDefaults,
): RunCommand {
  return {
    ...command,
    program: command.program ?? main,
    resources: {
      ...(mem !== undefined && { mem }),
      ...(cpu !== undefined && { cpu }),
      ...command.resources,
    },
    env: new Map([...env, ...command.env]),
    include: [...include, ...command.include],
  };
}

/** The address of the bridge, from the first of these sources that has one; else the default. */
export function bridgeAddress(
  command: Pick<RunCommand, "bridge">,
  variable: string | undefined,
  defaults: ProjectDefaults,
): Address {
  if (command.bridge !== undefined) return command.bridge;
  const [text, source] = variable
    ? [variable, "DEPLOY_BRIDGE"]
    : [defaults.bridge, `"deploy"."bridge" in deno.json`];
  if (text === undefined) return DEFAULT_BRIDGE;
  return bridgeArgument(text, source);
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

/** The file with the secret: from the argument, else `DEPLOY_SECRET_FILE` (`undefined`), else deno.json. */
export function secretFileFrom(
  argument: string | undefined,
  { secretFile }: ProjectDefaults,
): string | undefined {
  return argument ?? (Deno.env.get("DEPLOY_SECRET_FILE") ? undefined : secretFile);
}
