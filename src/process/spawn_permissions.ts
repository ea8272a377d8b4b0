/** The option `permissions` of a spawn. */

import { checkOptions } from "../core/options.ts";

const NAMES = ["env", "ffi", "import", "net", "read", "run", "sys", "write"] as const;

/**
 * What the option asks for, as the node takes it: `inherit-net`, `allow-net`, or `allow-net=example.com,...` for
 * each permission that is not left out.
 *
 * @param action What is refused, for the message: `spawn work()`.
 * @throws {TypeError} If it is not what `Deno.PermissionOptionsObject` says, or names a permission that does not exist.
 */
export function permissionTexts(
  action: string,
  permissions: Deno.PermissionOptionsObject,
): string[] {
  checkOptions(action, permissions, NAMES, "permissions");
  return NAMES.flatMap((name) => {
    const value: unknown = permissions[name];
    if (value === undefined || value === false) return [];
    if (value === true) return [`allow-${name}`];
    if (value === "inherit") return [`inherit-${name}`];
    if (!Array.isArray(value)) {
      throw new TypeError(
        `Cannot ${action}: permissions.${name} is ${
          String(value)
        }, not "inherit", a boolean or a list`,
      );
    }
    const entries = value.map((entry) => entryText(action, name, entry));
    return entries.length === 0 ? [] : [`allow-${name}=${entries.join(",")}`];
  });
}

function entryText(action: string, name: string, entry: unknown): string {
  const isFile = entry instanceof URL && entry.protocol === "file:";
  const text = isFile ? decodeURIComponent(entry.pathname) : entry;
  // Deno has no way to write a list with such an entry that all its versions understand.
  if (typeof text === "string" && text !== "" && !/[,\0]/.test(text)) return text;
  throw new TypeError(
    `Cannot ${action}: permissions.${name} has ${
      typeof text === "string" ? JSON.stringify(text) : String(text)
    }, not a text without commas`,
  );
}
