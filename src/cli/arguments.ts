/**
 * Scans the arguments of an executable: its command, options, operands, and those after `--`.
 *
 * Nothing is guessed. An unknown option, a missing value and an unexpected value
 * are each reported: a typing error must not start a program with other options.
 */

import { UsageError } from "../core/usage_error.ts";
import {
  allOptions,
  type Command,
  commandLine,
  type Executable,
  type Option,
  type Options,
} from "./executable.ts";
import { listed, nearWord } from "./near.ts";

/** Scanned arguments. */
export interface Scanned {
  readonly command: Command;
  /** The values of each given option, in order; none if it takes no value, empty ones if they were left out. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  /** The positional arguments, without the command's name. */
  readonly operands: readonly string[];
  /** The arguments after `--`; `undefined` without a `--`. */
  readonly rest: readonly string[] | undefined;
}

/** A request that the executable answers itself. */
export type Request = "help" | "version";

/**
 * Scans `args`: `--name value`, `--name=value`, `-x`, operands in any order, `--`. The first
 * operand is the command, if it names one.
 *
 * @throws {UsageError} If an option is unknown or not one of the command's, has no value, or has a value
 * that it does not take.
 */
export function scanArguments(args: readonly string[], executable: Executable): Scanned {
  const command = findCommand(args, executable);
  const known = allOptions(executable);
  const options = new Map<string, string[]>();
  const operands: string[] = [];
  let rest: readonly string[] | undefined;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--") {
      rest = args.slice(index + 1);
      break;
    }
    if (!isOption(arg)) {
      operands.push(arg);
      continue;
    }
    const { written, value } = splitOption(arg);
    const [name, option] = findOption(written, known) ?? unknownOption(written, command);
    if (!Object.hasOwn(command.options, name)) {
      otherCommandsOption(written, name, command, executable);
    }
    const values = options.get(name) ?? [];
    options.set(name, values);
    if (option.value === undefined) {
      if (value !== undefined) {
        throw new UsageError(`${written} takes no value; expected ${written}`);
      }
      continue;
    }
    const next = args[index + 1];
    if (value !== undefined) values.push(value);
    else if (option.isOptional) values.push("");
    else if (next === undefined || /^-[^\d.]/.test(next)) {
      throw new UsageError(`${written} has no value; expected ${written} ${option.value}`);
    } else {
      values.push(next);
      index++;
    }
  }
  if (command.name !== "") operands.shift();
  if (rest !== undefined && command.passesArguments !== true) {
    throw new UsageError(`"--" is not allowed here; expected options and operands only`);
  }
  return { command, options, operands, rest };
}

/** The command that the arguments name, even if they are otherwise wrong. */
export function findCommand(args: readonly string[], executable: Executable): Command {
  const known = allOptions(executable);
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--") break;
    if (!isOption(arg)) {
      return executable.commands.find(({ name }) => name === arg) ?? executable.main;
    }
    const { written, value } = splitOption(arg);
    const option = findOption(written, known)?.[1];
    const takesNext = option?.value !== undefined && !option.isOptional;
    if (value === undefined && takesNext) index++;
  }
  return executable.main;
}

/** Whether help or the version is requested before a `--`, even if the arguments are otherwise wrong. */
export function findRequest(args: readonly string[]): Request | undefined {
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  if (own.some((arg) => arg === "-h" || arg === "--help")) return "help";
  if (own.some((arg) => arg === "-V" || arg === "--version")) return "version";
  return undefined;
}

/**
 * Checks that there are at most `count` operands.
 *
 * @param expected What the command takes, for the message.
 * @throws {UsageError} If there are more; the message names the first excess one.
 */
export function refuseMore(operands: readonly string[], count: number, expected: string): void {
  const extra = operands[count];
  if (extra === undefined) return;
  throw new UsageError(`unexpected argument ${JSON.stringify(extra)}; expected ${expected}`);
}

function isOption(arg: string): boolean {
  return arg.startsWith("-") && arg !== "-";
}

function splitOption(arg: string): { written: string; value: string | undefined } {
  const equals = /^-(?:-|\w=)/.test(arg) ? arg.indexOf("=") : -1;
  if (equals < 0) return { written: arg, value: undefined };
  return { written: arg.slice(0, equals), value: arg.slice(equals + 1) };
}

function findOption(written: string, options: Options): [string, Option] | undefined {
  return Object.entries(options).find(([name, { short }]) =>
    written === `--${name}` || (short !== undefined && written === `-${short}`)
  );
}

function unknownOption(written: string, command: Command): never {
  const names = [...Object.keys(command.options), "help", "version"];
  const near = nearWord(written.replace(/^-+/, ""), names);
  const hint = near === undefined ? `expected ${optionList(command)}` : `did you mean --${near}?`;
  throw new UsageError(`unknown option ${written}; ${hint}`);
}

function otherCommandsOption(
  written: string,
  name: string,
  command: Command,
  executable: Executable,
): never {
  const owner = [executable.main, ...executable.commands]
    .find(({ options }) => Object.hasOwn(options, name))!;
  throw new UsageError(
    `${written} is an option of ${commandLine(executable, owner)}; expected ${optionList(command)}`,
  );
}

function optionList({ options }: Command): string {
  const names = Object.entries(options).filter(([, { ofDeno }]) => !ofDeno)
    .map(([name]) => `--${name}`);
  return names.length === 0 ? "no options" : listed(names);
}
