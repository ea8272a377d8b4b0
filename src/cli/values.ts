/** Parses the values of options and operands: amounts, paths, formats. */

import { parseGrace } from "../core/duration.ts";
import { parsePortRange, type PortRange } from "../core/port_range.ts";
import { parseMem } from "../core/resources.ts";
import { DEFAULT_GRACE_MS } from "../core/signals.ts";
import { UsageError } from "../core/usage_error.ts";
import type { Scanned } from "./arguments.ts";
import { listed } from "./near.ts";

/** The last value of an option, or `undefined` if it was not given. */
export function lastValue(scanned: Scanned, name: string): string | undefined {
  return scanned.options.get(name)?.at(-1);
}

/** Like {@linkcode lastValue}, for a value that must not be empty. */
export function pathOption(scanned: Scanned, name: string): string | undefined {
  const value = lastValue(scanned, name);
  if (value === "") throw new UsageError(`--${name} is empty; expected a path`);
  return value;
}

/** Less memory than this without a unit is a unit forgotten. */
const LEAST_BYTES = 1024 ** 2;

/** Parses a positive amount of memory, in bytes. */
export function memArgument(text: string | undefined, what: string): number {
  if (text === undefined) throw new UsageError(`${what} is missing; expected memory, as in 16GiB`);
  return amountArgument(text, what, "memory");
}

/** Parses a positive amount of `kind`, in bytes. */
export function amountArgument(text: string, what: string, kind: string): number {
  let bytes = 0;
  try {
    bytes = parseMem(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (bytes > 0 && bytes < LEAST_BYTES && /^\s*\d+\s*$/.test(text)) {
    const amount = text.trim();
    throw new UsageError(
      `${what} is ${JSON.stringify(text)}, which means ${bytes} bytes; ` +
        `expected a unit, as in ${amount}MiB, or ${amount}B if bytes are meant`,
    );
  }
  if (bytes > 0) return bytes;
  throw new UsageError(`${what} is ${JSON.stringify(text)}; expected ${kind}, as in 16GiB`);
}

/** Parses a positive number of cores. */
export function cpuArgument(text: string | undefined, what: string): number {
  const cores = text === undefined || !/^\d*\.?\d+$/.test(text) ? 0 : Number(text);
  if (cores > 0) return cores;
  const found = text === undefined ? "missing" : JSON.stringify(text);
  throw new UsageError(`${what} is ${found}; expected a number of cores, as in 16 or 0.5`);
}

/** Parses a whole number from 1 to 9999. */
export function countArgument(text: string, what: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new UsageError(`${what} is ${JSON.stringify(text)}; expected a number from 1 to 9999`);
}

/** Parses a grace, in ms. */
export function graceArgument(text: string, what: string): number {
  try {
    if (text !== "") return parseGrace(text, what);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new UsageError(
    `${what} is ${JSON.stringify(text)}; expected a duration of at most 1h, as in 500ms, 10s or 0`,
  );
}

/** The value of `--grace`; `undefined` leaves it to `DEPLOY_GRACE`. */
export function graceOption(scanned: Scanned): number | undefined {
  const text = lastValue(scanned, "grace");
  return text === undefined ? undefined : graceArgument(text, "--grace");
}

/** The value of `--ports`. */
export function portsOption(scanned: Scanned): PortRange | undefined {
  const text = lastValue(scanned, "ports");
  try {
    return text === undefined ? undefined : parsePortRange(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(
      `--ports is ${JSON.stringify(text)}; expected the first and the last port, as in 40000-40999`,
    );
  }
}

/** The value of `DEPLOY_GRACE`, in ms: 3 s if it is unset or empty. */
export function graceVariable(text: string | undefined): number {
  return text === undefined || text === "" ? DEFAULT_GRACE_MS : graceArgument(text, "DEPLOY_GRACE");
}

/** Parses one of `words`. */
export function wordArgument<Word extends string>(
  text: string,
  what: string,
  words: readonly Word[],
): Word {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new UsageError(`${what} is ${JSON.stringify(text)}; expected ${listed(words)}`);
}

/** The value of `--format`; `undefined` leaves it to `DEPLOY_FORMAT`. */
export function formatOption<Format extends string>(
  scanned: Scanned,
  formats: readonly Format[],
): Format | undefined {
  const format = lastValue(scanned, "format");
  return format === undefined ? undefined : wordArgument(format, "--format", formats);
}

/** The value of `DEPLOY_FORMAT`: the first of `formats` if it is unset or empty. */
export function formatVariable<Format extends string>(
  text: string | undefined,
  formats: readonly [Format, ...Format[]],
): Format {
  return text === undefined || text === ""
    ? formats[0]
    : wordArgument(text, "DEPLOY_FORMAT", formats);
}
