/** How the runtime of a program is set: what `deno run` is told by flags and `deno.json`, besides what to run. */

import { ProtocolError } from "./errors.ts";

/** The settings that concern a running program, and not how it is built. */
export interface RuntimeSettings {
  /** Names of unstable features, as in `--unstable-kv` and `"unstable": ["kv"]`. */
  readonly unstable: readonly string[];
  /** Flags such as `--allow-net=example.com` and `--deny-read`; none: everything is allowed. */
  readonly permissions: readonly string[];
  /** Flags of V8, such as `--expose-gc`. */
  readonly v8Flags: readonly string[];
  /** `globalThis.location`. */
  readonly location?: string;
  /** Certificates to trust besides those of the system, as PEM. */
  readonly certificates?: string;
}

/** Those of a program that is given none. */
export const NO_SETTINGS: RuntimeSettings = { unstable: [], permissions: [], v8Flags: [] };

/** The most characters of a certificate file. */
export const MAX_CERTIFICATES = 1024 * 1024;

/** The most entries of each list. */
const MAX_SETTINGS = 256;

const UNSTABLE = /^[a-z][a-z0-9-]{0,63}$/;
/**
 * No entry is empty: two commas are one in a name for some versions of Deno, and `--deny-read=a,` followed by what
 * a node denies would deny something else.
 */
const PERMISSION =
  /^--(?:allow-all|(?:allow|deny|ignore)-(?:env|ffi|import|net|read|run|sys|write)(?:=(?:[^\0,]+(?:,[^\0,]+)*)?)?)$/;
const V8_FLAG = /^--?[A-Za-z0-9][\w-]*(?:=[^\0,]*)?$/;

/** Why the settings cannot be used, in a few words; `undefined` if they can. */
export function problemOfSettings(settings: RuntimeSettings): string | undefined {
  const { unstable, permissions, v8Flags, location } = settings;
  const feature = unstable.find((name) => !UNSTABLE.test(name));
  if (feature !== undefined) return `${JSON.stringify(feature)} is no name of an unstable feature`;
  const permission = permissions.find((flag) => !PERMISSION.test(flag));
  if (permission !== undefined) return `${JSON.stringify(permission)} is not a permission`;
  const flag = v8Flags.find((flag) => !V8_FLAG.test(flag));
  if (flag !== undefined) return `${JSON.stringify(flag)} is no flag of V8`;
  const protocol = location === undefined || !URL.canParse(location)
    ? undefined
    : new URL(location).protocol;
  if (location !== undefined && protocol !== "http:" && protocol !== "https:") {
    return `the location ${JSON.stringify(location)} is not an http or https URL`;
  }
  return undefined;
}

/**
 * Reads settings from another machine.
 *
 * @throws {ProtocolError} If they are invalid.
 */
export function readSettings(value: unknown): RuntimeSettings {
  const { unstable, permissions, v8Flags, location, certificates } = value as RuntimeSettings;
  const isText = (text: unknown, most: number): boolean =>
    text === undefined || (typeof text === "string" && text.length <= most);
  const areLists = [unstable, permissions, v8Flags].every((list: unknown) =>
    Array.isArray(list) && list.length <= MAX_SETTINGS &&
    list.every((text) => typeof text === "string")
  );
  if (!areLists || !isText(location, MAX_CERTIFICATES) || !isText(certificates, MAX_CERTIFICATES)) {
    throw new ProtocolError("Cannot read the settings of a program: they are malformed");
  }
  const settings: RuntimeSettings = {
    unstable,
    permissions,
    v8Flags,
    ...(location === undefined ? {} : { location }),
    ...(certificates === undefined ? {} : { certificates }),
  };
  const problem = problemOfSettings(settings);
  if (problem === undefined) return settings;
  throw new ProtocolError(`Cannot read the settings of a program: ${problem}`);
}

/** All unstable features of Deno that are known, by their names in flags and configurations. */
export const UNSTABLE_FEATURES: readonly string[] = [
  "bare-node-builtins",
  "broadcast-channel",
  "bundle",
  "byonm",
  "cron",
  "detect-cjs",
  "ffi",
  "fs",
  "http",
  "kv",
  "lazy-dynamic-imports",
  "lockfile-v5",
  "net",
  "no-legacy-abort",
  "node-globals",
  "npm-lazy-caching",
  "npm-patch",
  "otel",
  "process",
  "raw-imports",
  "sloppy-imports",
  "subdomain-wildcards",
  "temporal",
  "tsgo",
  "unsafe-proto",
  "vsock",
  "webgpu",
  "worker-options",
];

/** Features of Deno that only matter while a program is loaded: a bundle does not need them. */
const BUILD_FEATURES = new Set([
  "bare-node-builtins",
  "byonm",
  "bundle",
  "detect-cjs",
  "lazy-dynamic-imports",
  "lockfile-v5",
  "npm-lazy-caching",
  "npm-patch",
  "raw-imports",
  "sloppy-imports",
  "subdomain-wildcards",
  "tsgo",
]);

/** The unstable features among `names` that a running program needs, each once. */
export function runtimeFeatures(names: readonly string[]): string[] {
  return [...new Set(names)].filter((name) => !BUILD_FEATURES.has(name));
}

/**
 * The arguments of `deno run` or `deno compile` for the settings.
 *
 * @param certificates The path of a file with the certificates, if there are any.
 */
export function settingFlags(settings: RuntimeSettings, certificates?: string): string[] {
  const { unstable, permissions, v8Flags, location } = settings;
  return [
    // Nothing that is allowed by name: everything is, except for what is denied.
    ...(permissions.some((flag) => flag.startsWith("--allow-")) ? [] : ["--allow-all"]),
    ...permissions,
    ...unstable.map((name) => `--unstable-${name}`),
    ...(v8Flags.length === 0 ? [] : [`--v8-flags=${v8Flags.join(",")}`]),
    ...(location === undefined ? [] : [`--location=${location}`]),
    ...(certificates === undefined ? [] : [`--cert=${certificates}`]),
  ];
}

/** What the processes of a program need on a node: to know what they are for, and to reach their node and each other. */
export const NEEDED_ON_NODES: readonly string[] = ["net", "env", "read", "write"];

/** The permissions that processes on a node need and the settings do not give as a whole, such as `net`. */
export function missingOnNodes({ permissions }: RuntimeSettings): string[] {
  return NEEDED_ON_NODES.filter((name) => !isAllowed(permissions, name));
}

/** Whether a permission is given without a list. */
function isAllowed(permissions: readonly string[], name: string): boolean {
  if (permissions.includes(`--deny-${name}`)) return false;
  const allowed = permissions.filter((flag) => flag.startsWith("--allow-"));
  return allowed.length === 0 || allowed.includes("--allow-all") ||
    allowed.includes(`--allow-${name}`);
}

/** How an executable takes on settings when it runs a bundle. */
export interface SettingsWhenCompiled {
  /** The permissions that it gives up, by name. */
  readonly revoked: readonly string[];
  /** The first setting that is fixed when it is compiled: a flag, for people. */
  readonly fixed: string | undefined;
}

/** Those that can be given up. What may be imported only matters to a build. */
const REVOCABLE = ["net", "env", "read", "write", "run", "ffi", "sys"];

/**
 * How an executable takes on these settings.
 *
 * @param hasFeature Whether it was compiled with an unstable feature, by its name.
 */
export function whenCompiled(
  settings: RuntimeSettings,
  hasFeature: (name: string) => boolean,
): SettingsWhenCompiled {
  const { permissions, unstable } = settings;
  const fixed = [
    ...permissions.filter((flag) => flag.includes("=") || flag.startsWith("--ignore-")),
    ...unstable.filter((name) => !hasFeature(name)).map((name) => `--unstable-${name}`),
    ...settingFlags({ ...settings, permissions: [], unstable: [] })
      .filter((flag) => flag !== "--allow-all"),
  ];
  return {
    revoked: REVOCABLE.filter((name) => !isAllowed(permissions, name)),
    fixed: fixed[0],
  };
}
