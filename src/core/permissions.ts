/** What a program may do, in Deno's terms: a value for each permission, and the flags of `deno run` for it. */

import { covers, PERMISSION_NAMES, type PermissionName } from "./permission_entries.ts";

export { PERMISSION_NAMES, type PermissionName };

/** All of a permission, or the entries of it that are listed; an empty list is nothing. */
export type Extent = true | readonly string[];

/** One permission. What is denied or ignored is not allowed, whatever `allow` says. */
export interface Permission {
  readonly allow: Extent;
  readonly deny: Extent;
  readonly ignore: Extent;
}

/** All permissions of a program. */
export type Permissions = Readonly<Record<PermissionName, Permission>>;

const NOTHING: Permission = { allow: [], deny: [], ignore: [] };
const EVERYTHING: Permission = { ...NOTHING, allow: true };

function each(make: (name: PermissionName) => Permission): Permissions {
  return Object.fromEntries(PERMISSION_NAMES.map((name) => [name, make(name)])) as Permissions;
}

/** Nothing is allowed. */
export const NO_PERMISSIONS: Permissions = each(() => NOTHING);

/** Everything is allowed. */
export const ALL_PERMISSIONS: Permissions = each(() => EVERYTHING);

const FLAG = /^--(allow|deny|ignore)-([a-z]+)(?:=(.*))?$/s;

/** The permissions after the flags of `deno run` among `flags` are added to those of `base`. */
export function addFlags(base: Permissions, flags: readonly string[]): Permissions {
  let permissions = base;
  for (const flag of flags) {
    if (flag === "--allow-all") {
      permissions = each((name) => ({ ...permissions[name], allow: true }));
    }
    const [, kind, name, list] = FLAG.exec(flag) ?? [];
    if (!isKind(kind) || !isPermissionName(name)) continue;
    const permission = permissions[name];
    const extent = list === undefined || list === "" ? true : list.split(",");
    permissions = {
      ...permissions,
      [name]: { ...permission, [kind]: union(permission[kind], extent) },
    };
  }
  return permissions;
}

/**
 * The permissions that are meant by flags of `deploy` or `fabric`: if none of them allows something by name, all is
 * allowed that is not denied.
 */
export function permissionsOf(flags: readonly string[]): Permissions {
  const allows = flags.some((flag) => flag.startsWith("--allow-"));
  return addFlags(allows ? NO_PERMISSIONS : ALL_PERMISSIONS, flags);
}

/** The flags of `deno run` for these permissions; none where nothing is allowed. */
export function flagsOf(permissions: Permissions): string[] {
  if (PERMISSION_NAMES.every((name) => permissions[name].allow === true)) {
    const denied = PERMISSION_NAMES.flatMap((name) =>
      flagsOfOne(name, permissions[name], ["deny", "ignore"])
    );
    return ["--allow-all", ...denied];
  }
  return PERMISSION_NAMES.flatMap((name) =>
    flagsOfOne(name, permissions[name], ["allow", "deny", "ignore"])
  );
}

function flagsOfOne(
  name: PermissionName,
  permission: Permission,
  kinds: readonly (keyof Permission)[],
): string[] {
  return kinds.flatMap((kind) => {
    const extent = permission[kind];
    if (extent === true) return [`--${kind}-${name}`];
    return extent.length === 0 ? [] : [`--${kind}-${name}=${extent.join(",")}`];
  });
}

/**
 * What both allow. An entry is kept if the other side allows all of it; of two that only overlap, neither is. What
 * one of them denies is denied.
 *
 * @param cwd What relative paths are relative to, in both.
 */
export function meet(one: Permissions, other: Permissions, cwd: string): Permissions {
  return each((name) => ({
    allow: common(name, one[name].allow, other[name].allow, cwd),
    deny: union(one[name].deny, other[name].deny),
    ignore: union(one[name].ignore, other[name].ignore),
  }));
}

/** What a process asks for, for one that it spawns: that of its own, all, or entries of a permission. */
const WANTED = /^(inherit|allow)-([a-z]+)(?:=([^\0,]+(?:,[^\0,]+)*))?$/;

/**
 * The permissions of a process that was spawned with some: `inherit-net` are those that its parent has, `allow-net`
 * all, `allow-net=example.com,…` these; a permission that is not named is not given. What its parent is denied, it is
 * denied, too.
 *
 * @param cwd What relative paths are relative to.
 * @throws {RangeError} If that is more than its parent may. The message begins with the permission.
 */
export function narrow(parent: Permissions, wanted: readonly string[], cwd: string): Permissions {
  let permissions = NO_PERMISSIONS;
  for (const text of wanted) {
    const [, kind, name, list] = WANTED.exec(text) ?? [];
    if (!isPermissionName(name)) {
      throw new RangeError(`${JSON.stringify(text)} is not a permission`);
    }
    const own = parent[name];
    if (kind === "inherit") {
      permissions = { ...permissions, [name]: own };
      continue;
    }
    const allow = list === undefined ? true : list.split(",");
    const refused = refusedOf(name, own, allow, cwd);
    if (refused !== undefined) {
      throw new RangeError(`${name} ${refused}, and this process has ${extentText(own)}`);
    }
    permissions = { ...permissions, [name]: { ...own, allow } };
  }
  return permissions;
}

/** What of an extent is not allowed, in words; `undefined` if all of it is. */
function refusedOf(
  name: PermissionName,
  { allow, deny, ignore }: Permission,
  wanted: Extent,
  cwd: string,
): string | undefined {
  const isWithin = (extent: Extent, entry: string) =>
    extent === true || extent.some((wide) => covers(name, wide, entry, cwd));
  if (wanted === true) {
    return allow === true && deny !== true && ignore !== true ? undefined : "is true";
  }
  const entry = wanted.find((each) =>
    !isWithin(allow, each) || isWithin(deny, each) || isWithin(ignore, each)
  );
  return entry === undefined ? undefined : `has ${JSON.stringify(entry)}`;
}

function extentText({ allow, deny, ignore }: Permission): string {
  const denied = deny === true || ignore === true ? true : [...deny, ...ignore];
  if (denied === true || (allow !== true && allow.length === 0)) return "none of it";
  const allowed = allow === true ? "all of it" : `only ${allow.join(", ")}`;
  return denied.length === 0 ? allowed : `${allowed}, but not ${denied.join(", ")}`;
}

/** Entries that are allowed besides, by the names of their permissions. */
export type Additions = Readonly<Partial<Record<PermissionName, readonly string[]>>>;

/**
 * The permissions with some entries more. Where a permission is denied as a whole, only these entries are allowed;
 * an entry that is denied by itself stays denied.
 */
export function add(permissions: Permissions, additions: Additions): Permissions {
  return each((name) => {
    const permission = permissions[name];
    const { allow, deny, ignore } = permission;
    const isNone = deny === true || ignore === true;
    if (allow === true && !isNone) return permission;
    const own = allow === true || isNone ? [] : allow;
    return {
      allow: [...own, ...additions[name] ?? []],
      deny: deny === true ? [] : deny,
      ignore: ignore === true ? [] : ignore,
    };
  });
}

/** The permissions that are limited in any way. */
export function limitedNames(permissions: Permissions): PermissionName[] {
  return PERMISSION_NAMES.filter((name) => {
    const { allow, deny, ignore } = permissions[name];
    return allow !== true || deny === true || ignore === true || deny.length + ignore.length > 0;
  });
}

function common(name: PermissionName, one: Extent, other: Extent, cwd: string): Extent {
  if (one === true) return other;
  if (other === true) return one;
  const within = (entries: readonly string[], wide: readonly string[]) =>
    entries.filter((entry) => wide.some((each) => covers(name, each, entry, cwd)));
  return [...new Set([...within(one, other), ...within(other, one)])];
}

function union(one: Extent, other: Extent): Extent {
  return one === true || other === true ? true : [...new Set([...one, ...other])];
}

function isKind(text: string | undefined): text is keyof Permission {
  return text === "allow" || text === "deny" || text === "ignore";
}

/** Whether `text` is the name of a permission. */
export function isPermissionName(text: string | undefined): text is PermissionName {
  return PERMISSION_NAMES.some((name) => name === text);
}
