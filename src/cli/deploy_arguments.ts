/** Parses the arguments of `deploy`. */

import { type Address, parseAddress } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import { type Inspection, parseInspection } from "../core/inspection.ts";
import type { Resources } from "../core/resources.ts";
import { UsageError } from "../core/usage_error.ts";
import { refuseMore, type Scanned } from "./arguments.ts";
import { type ClusterOptions, clusterOptions } from "./cluster_options.ts";
import { type DenoChoices, denoChoices } from "./deno_options.ts";
import { DEPLOY } from "./deploy_table.ts";
import { bridgeArgument, isMeantAsAddress } from "./address_argument.ts";
import { nearWord } from "./near.ts";
import { cpuArgument, graceOption, lastValue, memArgument } from "./values.ts";

/** The options of every command of `deploy`. */
export interface DeployOptions extends ClusterOptions {
  /** The grace of a run that is told to stop, in ms; `undefined` leaves it to `DEPLOY_GRACE`. */
  readonly graceMs: number | undefined;
}

/** A program to run, and how. */
export interface RunCommand {
  /** `undefined`: that of `DEPLOY_BRIDGE` or deno.json. */
  readonly bridge: Address | undefined;
  /** `undefined`: that of deno.json, or `main.ts`. */
  readonly program: string | undefined;
  readonly args: readonly string[];
  readonly release: boolean;
  readonly resources: Readonly<Partial<Resources>>;
  /** Variables by name; `undefined` means the variable's value here. */
  readonly env: ReadonlyMap<string, string | undefined>;
  readonly include: readonly string[];
  /** Patterns of what is not shipped, in the syntax of `.gitignore`. */
  readonly exclude: readonly string[];
  /** Whether the first process gets the stdin of `deploy`. */
  readonly stdin: boolean;
  /** Whether the types of the program are checked first. */
  readonly check: boolean;
  readonly dryRun: boolean;
  /** What the run is called; `undefined`: the file of the program. */
  readonly name: string | undefined;
  /** Whether the run goes on without this process. */
  readonly detach: boolean;
  /** Whether a terminal gets what the program writes as it is. */
  readonly raw: boolean;
  /** Which processes a debugger may attach to; `undefined`: none. */
  readonly inspection: Inspection | undefined;
  /** What the options of `deno run` choose. */
  readonly deno: DenoChoices;
  readonly options: DeployOptions;
}

/**
 * Parses the arguments of `deploy`.
 *
 * A word that is neither a command nor a file is refused: it is more likely a command that is misspelt,
 * or that another version has, than a program.
 *
 * @param isFile Whether a path is that of a file.
 * @throws {UsageError} If the arguments are wrong; the message is one line.
 */
export function readRunCommand(scanned: Scanned, isFile: (path: string) => boolean): RunCommand {
  const [bridge, program] = bridgeAndProgram(scanned.operands, isFile);
  const mem = lastValue(scanned, "mem");
  const cpu = lastValue(scanned, "cpu");
  return {
    bridge,
    program,
    args: scanned.rest ?? [],
    release: scanned.options.has("release"),
    resources: {
      ...(mem === undefined ? {} : { mem: memArgument(mem, "--mem") }),
      ...(cpu === undefined ? {} : { cpu: cpuArgument(cpu, "--cpu") }),
    },
    env: variables(scanned.options.get("env") ?? [], "--env"),
    include: (scanned.options.get("include") ?? []).map((path) => {
      if (path === "") throw new UsageError("--include is empty; expected a path");
      return path;
    }),
    exclude: (scanned.options.get("exclude") ?? []).map((pattern) => {
      if (pattern === "") throw new UsageError("--exclude is empty; expected a pattern");
      return pattern;
    }),
    stdin: !scanned.options.has("no-stdin"),
    check: scanned.options.has("check"),
    dryRun: scanned.options.has("dry-run"),
    name: nameOption(scanned),
    detach: scanned.options.has("detach"),
    raw: scanned.options.has("raw"),
    inspection: inspectOption(scanned),
    deno: denoChoices(scanned),
    options: deployOptions(scanned),
  };
}

/** @throws {UsageError} If there are both options, or nobody who could show a debugger the way. */
function inspectOption(scanned: Scanned): Inspection | undefined {
  const [open, brk] = [lastValue(scanned, "inspect"), lastValue(scanned, "inspect-brk")];
  if (open === undefined && brk === undefined) return undefined;
  if (open !== undefined && brk !== undefined) {
    throw new UsageError("--inspect and --inspect-brk are given; expected one of them");
  }
  const [what, names] = open === undefined ? ["--inspect-brk", brk!] : ["--inspect", open];
  if (scanned.options.has("detach")) {
    throw new UsageError(`${what} needs deploy to stay; expected it without --detach`);
  }
  if (scanned.options.has("release")) {
    throw new UsageError(
      `${what} needs source maps, which executables do not have; expected it without --release`,
    );
  }
  try {
    return parseInspection(names, brk !== undefined);
  } catch (error) {
    throw new UsageError(`Cannot use ${what}: ${messageOf(error)}`);
  }
}

/** The most characters of the name of a run. */
const MAX_NAME = 100;

function nameOption(scanned: Scanned): string | undefined {
  const name = lastValue(scanned, "name");
  if (name === undefined || (/^\P{Cc}+$/u.test(name) && name.length <= MAX_NAME)) return name;
  throw new UsageError(
    `--name is ${JSON.stringify(name)}; expected 1 to ${MAX_NAME} characters that can be shown`,
  );
}

/** The name of a file with TypeScript or JavaScript. */
const SOURCE = /\.[cm]?[jt]sx?$/i;

/** One operand is a bridge if it is meant as an address, and a program otherwise; of two, the first is. */
function bridgeAndProgram(
  operands: readonly string[],
  isFile: (path: string) => boolean,
): [Address | undefined, string | undefined] {
  const [first, second] = operands;
  if (first !== undefined && first.includes("://") && SOURCE.test(first)) {
    throw new UsageError(`<program> is ${JSON.stringify(first)}, which is a URL; expected a path`);
  }
  const hasBridge = first !== undefined &&
    (parseAddress(first) !== undefined || (isMeantAsAddress(first) && !isFile(first)));
  const programs = hasBridge ? operands.slice(1) : operands;
  const [program] = programs;
  if (!hasBridge && program !== undefined) {
    refuseUnknownWord(program, isFile);
    const isPath = program === "" || SOURCE.test(program) || isFile(program);
    if (second !== undefined && !isPath) {
      bridgeArgument(program, "<bridge>");
    }
  }
  refuseMore(programs, 1, "one program, and its own arguments after --");
  if (program === "") throw new UsageError("<program> is empty; expected a path");
  return [
    hasBridge ? bridgeArgument(first, "<bridge>") : undefined,
    program,
  ];
}

function refuseUnknownWord(word: string, isFile: (path: string) => boolean): void {
  if (!/^[a-z]+(-[a-z]+)*$/.test(word) || isFile(word)) return;
  const commands = DEPLOY.commands.map(({ name }) => name);
  const near = nearWord(word, commands);
  const hint = near === undefined ? "expected a .ts or .js file" : `did you mean ${near}?`;
  throw new UsageError(`"${word}" is neither a command nor a file; ${hint}`);
}

/** The variables of `NAME=VALUE` and `NAME`, the latter with their values here. @throws {UsageError} */
export function variables(
  given: readonly string[],
  what: string,
): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const text of given) {
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    if (name === "" || name.includes("\0")) {
      throw new UsageError(`${what} is ${JSON.stringify(text)}; expected NAME or NAME=VALUE`);
    }
    found.set(name, equals < 0 ? undefined : text.slice(equals + 1));
  }
  return found;
}

function deployOptions(scanned: Scanned): DeployOptions {
  return { ...clusterOptions(scanned), graceMs: graceOption(scanned) };
}
