/**
 * How spawned processes get the environment of their parent, and its working directory.
 *
 * A process starts with the environment of its program, and the differences of its parent's are applied
 * before the function runs. So a process sends the difference between its environment and the one that it
 * started with, not the one that it got from its parent.
 */

/** Variables and their values. */
export type Environment = Readonly<Record<string, string>>;

/** The difference between two environments: new values, and `null` for removed variables. */
export type EnvironmentChange = Record<string, string | null>;

/** The change from `from` to `to`; `undefined` if they are the same. */
export function changeBetween(from: Environment, to: Environment): EnvironmentChange | undefined {
  const change: EnvironmentChange = {};
  let changed = false;
  for (const [name, value] of Object.entries(to)) {
    if (Object.hasOwn(from, name) && from[name] === value) continue;
    change[name] = value;
    changed = true;
  }
  for (const name of Object.keys(from)) {
    if (Object.hasOwn(to, name)) continue;
    change[name] = null;
    changed = true;
  }
  return changed ? change : undefined;
}

/** Checks a received change. @throws {TypeError} If it is invalid. */
export function checkChange(value: unknown): EnvironmentChange {
  const valid = typeof value === "object" && value !== null &&
    Object.values(value).every((each) => each === null || typeof each === "string");
  if (!valid) {
    throw new TypeError("Cannot use the environment: it is not a record of strings");
  }
  return value as EnvironmentChange;
}

/** Applies a change to this process's environment, except for variables that it may not use. */
export function applyChange(change: EnvironmentChange): void {
  for (const [name, value] of Object.entries(change)) {
    try {
      if (value === null) Deno.env.delete(name);
      else Deno.env.set(name, value);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotCapable)) throw error;
    }
  }
}

/** This process's environment; `undefined` without permission to read all of it. */
export function readEnvironment(): Environment | undefined {
  try {
    return Deno.env.toObject();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/** A process that may not read the folder that its parent is in stays in that of the program. */
export function moveTo(folder: string): void {
  try {
    Deno.chdir(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
  }
}
