/** Sets of permissions in the configuration of a program: `deploy -P`, as in `deno run`. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { relative } from "../build/project.ts";
import { isPermissionName, PERMISSION_NAMES } from "../core/permissions.ts";
import { UsageError } from "../core/usage_error.ts";

/** A configuration file. */
export interface ProgramConfig {
  /** Its path; absolute, if it is there. */
  readonly path: string;
  readonly value: {
    readonly unstable?: unknown;
    readonly permissions?: unknown;
    readonly [key: string]: unknown;
  };
}

/** Those whose lists have paths. */
const OF_PATHS = ["read", "write", "ffi"];

/**
 * The flags that are the same as a set: `{ "net": true, "read": ["./data"], "env": { "deny": ["HOME"] } }`.
 * Relative paths are relative to the configuration, and become relative to `cwd`, the program's working directory.
 *
 * @param name Empty for the set that is called `default`.
 * @throws {UsageError} If there is no such set, or it is invalid.
 */
export function permissionsOfSet(
  name: string,
  { path, value: { permissions } }: ProgramConfig,
  cwd: string,
): string[] {
  const key = name === "" ? "default" : name;
  const set = isObject(permissions) ? permissions[key] : undefined;
  if (set === undefined) throw new UsageError(`there is no set ${key} in "permissions" of ${path}`);
  const invalid = (what: string, expected: string) =>
    new UsageError(`"permissions"."${key}"${what} in ${path} is invalid; expected ${expected}`);
  if (!isObject(set)) throw invalid("", "an object with names of permissions");
  if (set["all"] === true) return ["--allow-all"];
  const flags: string[] = [];
  for (const [permission, given] of Object.entries(set)) {
    if (permission === "all" && given === false) continue;
    if (!isPermissionName(permission)) {
      throw invalid(`."${permission}"`, `one of all, ${PERMISSION_NAMES.join(", ")}`);
    }
    const kinds = isObject(given) ? given : { allow: given };
    for (const [kind, values] of Object.entries(kinds)) {
      const what = `."${permission}"`;
      if (!["allow", "deny", "ignore"].includes(kind)) {
        throw invalid(what, `"allow", "deny" or "ignore" in it`);
      }
      if (values === false) continue;
      const flag = `--${kind}-${permission}`;
      if (values === true) flags.push(flag);
      else if (!Array.isArray(values)) throw invalid(what, "a boolean, or a list of strings");
      else if (values.length > 0) {
        const list = values.map((value) => {
          if (typeof value !== "string") throw invalid(what, "a list of strings");
          return OF_PATHS.includes(permission) ? fromFolder(value, dirname(path), cwd) : value;
        });
        flags.push(`${flag}=${list.join(",")}`);
      }
    }
  }
  return flags;
}

/** A path that is relative to `folder`, relative to `cwd`. */
function fromFolder(path: string, folder: string, cwd: string): string {
  if (path.startsWith("/")) return path;
  const absolute = new URL(encodeURI(path), `file://${encodeURI(folder)}/`).pathname;
  return relative(cwd.slice(1), decodeURI(absolute).slice(1).replace(/\/$/, ""));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
