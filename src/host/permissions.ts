/** The permissions that the launcher of a local run needs, and the line about those that are missing anywhere. */

/** The state of each permission that matters to the launcher. */
export interface PermissionStates {
  /** To start processes. */
  readonly run: Deno.PermissionState;
  /** To listen on the loopback address, for its processes. */
  readonly net: Deno.PermissionState;
  /** To hand the environment on. */
  readonly env: Deno.PermissionState;
  /** To read the files that processes leave behind when they end. */
  readonly read: Deno.PermissionState;
  /** To remove those files. */
  readonly write: Deno.PermissionState;
}

/**
 * The one line that says which permissions are missing, or `undefined` if none is.
 *
 * A permission that would need a prompt counts as missing: a program of many processes cannot prompt. Wills
 * are files; where processes may not write files, reading them is not needed either.
 */
export function missingPermissions(
  states: PermissionStates,
  program: { standalone: boolean; script: string },
): string | undefined {
  const needed: (keyof PermissionStates)[] = ["run", "net", "env"];
  if (states.write === "granted") needed.push("read");
  const missing = needed.filter((name) => states[name] !== "granted");
  if (missing.length === 0) return undefined;
  const remedy = program.standalone ? "compile" : "run";
  return needsLine(missing, `${remedy} it with: deno ${remedy} -A ${program.script}`);
}

/** The line about missing permissions, such as `net`, of which there is one at least. */
export function needsLine(missing: readonly string[], remedy: string): string {
  const flags = missing.map((name) => `--allow-${name}`);
  const last = flags.pop();
  const list = flags.length === 0 ? last : `${flags.join(", ")} and ${last}`;
  return `Cannot start: this program needs ${list}; ${remedy}`;
}

/** Asks Deno for the permissions of this process, without prompting. */
export function permissionStates(hostname: string): PermissionStates {
  const state = (descriptor: Deno.PermissionDescriptor): Deno.PermissionState =>
    Deno.permissions.querySync(descriptor).state;
  return {
    run: state({ name: "run" }),
    net: state({ name: "net", host: hostname }),
    env: state({ name: "env" }),
    read: state({ name: "read" }),
    write: state({ name: "write" }),
  };
}
