/**
 * Reads the arguments of a command: options, positionals, and what stands after `--`.
 *
 * Nothing is guessed. An option that is not known, a value that is missing and a value where none
 * belongs are each said, since a typing error must not start a program with other options.
 */

import { type Address, parseAddress } from "../core/address.ts";
import { parseMem } from "../core/resources.ts";

/** A bad argument. The message is one line: what is wrong, and what was expected. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** One option of a command. */
export interface OptionSpec {
  /** What its value is called in messages; without it, the option takes no value. */
  readonly value?: string;
  /** Its one-letter form, without the dash. */
  readonly short?: string;
}

/** Options by their long names, without the dashes. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Arguments, taken apart. */
export interface Scanned {
  /** For each option that was given, its values in order; none if it takes no value. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
  /** What stands after `--`; `undefined` without a `--`. */
  readonly rest: readonly string[] | undefined;
}

/**
 * Takes `args` apart: `--name value`, `--name=value`, `-x`, positionals in any order, `--`.
 *
 * @throws {UsageError} If an option is unknown, or lacks its value, or has one that it must not have.
 */
export function scanArguments(args: readonly string[], specs: OptionSpecs): Scanned {
  const options = new Map<string, string[]>();
  const positionals: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--") return { options, positionals, rest: args.slice(index + 1) };
    if (!arg.startsWith("-") || arg === "-") {
      positionals.push(arg);
      continue;
    }
    const equals = arg.startsWith("--") ? arg.indexOf("=") : -1;
    const written = equals < 0 ? arg : arg.slice(0, equals);
    const [name, spec] = findOption(written, specs);
    const values = options.get(name) ?? [];
    options.set(name, values);
    if (spec.value === undefined) {
      if (equals >= 0) throw new UsageError(`${written} takes no value; write just ${written}`);
      continue;
    }
    const next = args[index + 1];
    if (equals >= 0) values.push(arg.slice(equals + 1));
    else if (next === undefined || /^-./.test(next)) {
      throw new UsageError(`${written} lacks its value; write ${written} ${spec.value}`);
    } else {
      values.push(next);
      index++;
    }
  }
  return { options, positionals, rest: undefined };
}

function findOption(written: string, specs: OptionSpecs): [string, OptionSpec] {
  for (const [name, spec] of Object.entries(specs)) {
    if (written === `--${name}` || written === `-${spec.short}`) return [name, spec];
  }
  const near = Object.keys(specs).find((name) => isNear(written.slice(2), name));
  const hint = near === undefined ? "expected one of the options below" : `did you mean --${near}?`;
  throw new UsageError(`${JSON.stringify(written)} is no option; ${hint}`);
}

/** Whether one letter more, less, or other, or two that changed places, turns `a` into `b`. */
function isNear(a: string, b: string): boolean {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  return restA.slice(1) === restB || restA === restB.slice(1) ||
    restA.slice(1) === restB.slice(1) ||
    (restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2));
}

/** Whether help is asked for, whatever else is right or wrong in front of a `--`. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).some((arg) => arg === "-h" || arg === "--help");
}

/**
 * Checks that each option that was given belongs to `command`.
 *
 * @throws {UsageError} If one does not; the message lists those that do.
 */
export function allowOptions(scanned: Scanned, command: string, names: readonly string[]): void {
  for (const name of scanned.options.keys()) {
    if (names.includes(name)) continue;
    const list = names.map((known) => `--${known}`).join(", ");
    throw new UsageError(`--${name} does not go with "${command}"; it takes ${list}`);
  }
}

/** The last value of an option, or `undefined` if it was not given. */
export function lastValue(scanned: Scanned, name: string): string | undefined {
  return scanned.options.get(name)?.at(-1);
}

/** As {@linkcode lastValue}, for a value that must not be empty. */
export function pathOption(scanned: Scanned, name: string): string | undefined {
  const value = lastValue(scanned, name);
  if (value === "") throw new UsageError(`--${name} is empty; expected a path`);
  return value;
}

/** Reads an address; `what` says what it is the address of. */
export function addressArgument(
  text: string | undefined,
  what: string,
  options: { anyPort: boolean },
): Address {
  if (text === undefined) throw new UsageError(`${what} is missing; expected host:port`);
  const address = parseAddress(text);
  if (address === undefined) {
    throw new UsageError(
      `${what} is ${JSON.stringify(text)}; expected host:port, such as 10.0.0.2:9999`,
    );
  }
  if (address.port === 0 && !options.anyPort) {
    throw new UsageError(`${what} is ${JSON.stringify(text)}; expected a port that is not 0`);
  }
  return address;
}

/** Reads an amount of memory that is more than nothing, in bytes. */
export function memArgument(text: string | undefined, what: string): number {
  if (text === undefined) throw new UsageError(`${what} is missing; expected memory, as in 16GiB`);
  let bytes = 0;
  try {
    bytes = parseMem(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (bytes > 0) return bytes;
  throw new UsageError(`${what} is ${JSON.stringify(text)}; expected memory, as in 16GiB`);
}

/** Reads a number of cores that is more than nothing. */
export function cpuArgument(text: string | undefined, what: string): number {
  const cores = text === undefined || !/^\d*\.?\d+$/.test(text) ? 0 : Number(text);
  if (cores > 0) return cores;
  const found = text === undefined ? "missing" : JSON.stringify(text);
  throw new UsageError(`${what} is ${found}; expected a number of cores, as in 16 or 0.5`);
}

/** How output is shown; `undefined` leaves it to `DEPLOY_FORMAT`. */
export function formatOption(scanned: Scanned): "human" | "json" | undefined {
  const format = lastValue(scanned, "format");
  if (format === undefined || format === "human" || format === "json") return format;
  throw new UsageError(`--format is ${JSON.stringify(format)}; expected human or json`);
}
