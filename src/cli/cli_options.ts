/** The arguments of `deploy`: what they mean, or what is wrong with them. */

import { type Address, parseAddress } from "../core/address.ts";
import {
  addressArgument,
  allowOptions,
  asksForHelp,
  cpuArgument,
  formatOption,
  lastValue,
  memArgument,
  type OptionSpecs,
  pathOption,
  scanArguments,
  type Scanned,
  UsageError,
} from "./arguments.ts";
import type { Resources } from "../core/resources.ts";

/** What `deploy --help` prints, and what follows the line about a bad argument. */
export const DEPLOY_USAGE: string = `Run a program on a cluster.

Usage: deploy [options] [<bridge>] [<program>] [-- <args>…]
       deploy ps | nodes | dashboard
       deploy logs <run> [-f]
       deploy attach <run>
       deploy why <run|pid>
       deploy kill <run|pid>

  <bridge>             host:port; default DEPLOY_BRIDGE, "deploy": { "bridge": … } in deno.json,
                       or that of fabric dev on this machine
  <program>            a .ts or .js entry point, or an executable;
                       default "deploy": { "main": … } in deno.json, or main.ts

  --release            compile to a self-contained executable, and ship that
  --mem M              memory of the first process, as in 1GiB
  --cpu C              cores of the first process, as in 0.5
  --env NAME[=VALUE]   give the program this variable (repeatable)
  --include PATH       ship this file or folder too (repeatable)
  --dry-run            say what would be sent and where it would fit; send nothing
  --detach             print the run's id and return; the run goes on
  -f, --follow         with logs: go on until the run ends
  --format F           human or json; default DEPLOY_FORMAT, or human
  --secret-file FILE   the cluster's secret; default DEPLOY_SECRET_FILE
  --tls-ca FILE        the authority that signed the cluster's certificates
  -h, --help           print this
  -V, --version        print the version
`;

const OPTIONS: OptionSpecs = {
  "release": {},
  "mem": { value: "M" },
  "cpu": { value: "C" },
  "env": { value: "NAME=VALUE" },
  "include": { value: "PATH" },
  "dry-run": {},
  "detach": {},
  "follow": { short: "f" },
  "format": { value: "human|json" },
  "secret-file": { value: "FILE" },
  "tls-ca": { value: "FILE" },
  "help": { short: "h" },
  "version": { short: "V" },
};

const COMMON = ["format", "secret-file", "tls-ca"];
const RUN = ["release", "mem", "cpu", "env", "include", "dry-run", "detach", ...COMMON];

/** What every command of `deploy` takes. */
export interface DeployOptions {
  /** `undefined` leaves it to `DEPLOY_FORMAT`. */
  readonly format: "human" | "json" | undefined;
  readonly secretFile: string | undefined;
  readonly tlsCa: string | undefined;
}

/** A program to run, and how. */
export interface RunCommand {
  readonly command: "run";
  /** `undefined`: `DEPLOY_BRIDGE`, or what deno.json says. */
  readonly bridge: Address | undefined;
  /** `undefined`: what deno.json says, or `main.ts`. */
  readonly program: string | undefined;
  readonly args: readonly string[];
  readonly release: boolean;
  readonly resources: Readonly<Partial<Resources>>;
  /** Variables by name; `undefined` stands for the value that the variable has here. */
  readonly env: ReadonlyMap<string, string | undefined>;
  readonly include: readonly string[];
  readonly dryRun: boolean;
  readonly detach: boolean;
  readonly options: DeployOptions;
}

/** What `deploy` was asked to do. */
export type DeployCommand =
  | { readonly command: "help" | "version" }
  | { readonly command: "ps" | "nodes" | "dashboard"; readonly options: DeployOptions }
  | {
    readonly command: "attach" | "why" | "kill";
    readonly target: string;
    readonly options: DeployOptions;
  }
  | {
    readonly command: "logs";
    readonly target: string;
    readonly follow: boolean;
    readonly options: DeployOptions;
  }
  | RunCommand;

/**
 * Reads the arguments of `deploy`.
 *
 * @throws {UsageError} If they are wrong; the message is one line.
 */
export function parseDeployArguments(args: readonly string[]): DeployCommand {
  if (asksForHelp(args)) return { command: "help" };
  const scanned = scanArguments(args, OPTIONS);
  if (scanned.options.has("version")) return { command: "version" };
  const [name, ...operands] = scanned.positionals;
  switch (name) {
    case "ps":
    case "nodes":
    case "dashboard":
      allow(scanned, name, operands, 0, COMMON);
      return { command: name, options: deployOptions(scanned) };
    case "attach":
    case "why":
    case "kill":
      allow(scanned, name, operands, 1, COMMON);
      return { command: name, target: target(name, operands), options: deployOptions(scanned) };
    case "logs":
      allow(scanned, name, operands, 1, ["follow", ...COMMON]);
      return {
        command: name,
        target: target(name, operands),
        follow: scanned.options.has("follow"),
        options: deployOptions(scanned),
      };
    default:
      return runCommand(scanned);
  }
}

/** Checks what is given to a command that takes at most `count` operands. */
function allow(
  scanned: Scanned,
  command: string,
  operands: readonly string[],
  count: number,
  options: readonly string[],
): void {
  allowOptions(scanned, command, options);
  const extra = operands[count] ?? (scanned.rest === undefined ? undefined : "--");
  if (extra !== undefined) {
    const expected = count === 0 ? "no more arguments" : "one run";
    throw new UsageError(
      `${JSON.stringify(extra)} is one too many; "${command}" takes ${expected}`,
    );
  }
}

function target(command: string, operands: readonly string[]): string {
  const [first] = operands;
  if (first !== undefined && first !== "") return first;
  const expected = command === "logs" || command === "attach" ? "<run>" : "<run|pid>";
  throw new UsageError(`${expected} is missing; "deploy ps" shows what runs`);
}

function runCommand(scanned: Scanned): RunCommand {
  allowOptions(scanned, "a program", RUN);
  const [bridge, program] = bridgeAndProgram(scanned.positionals);
  const mem = lastValue(scanned, "mem");
  const cpu = lastValue(scanned, "cpu");
  return {
    command: "run",
    bridge,
    program,
    args: scanned.rest ?? [],
    release: scanned.options.has("release"),
    resources: {
      ...(mem === undefined ? {} : { mem: memArgument(mem, "--mem") }),
      ...(cpu === undefined ? {} : { cpu: cpuArgument(cpu, "--cpu") }),
    },
    env: variables(scanned.options.get("env") ?? []),
    include: (scanned.options.get("include") ?? []).map((path) => {
      if (path === "") throw new UsageError("--include is empty; expected a path");
      return path;
    }),
    dryRun: scanned.options.has("dry-run"),
    detach: scanned.options.has("detach"),
    options: deployOptions(scanned),
  };
}

/** One positional is a bridge if it looks like an address, and a program otherwise. */
function bridgeAndProgram(
  positionals: readonly string[],
): [Address | undefined, string | undefined] {
  const [first, second, third] = positionals;
  const extra = second !== undefined && parseAddress(first ?? "") === undefined ? second : third;
  if (extra !== undefined) {
    throw new UsageError(
      `${JSON.stringify(extra)} is one too many; a program's own arguments stand after --`,
    );
  }
  if (first === "" || second === "") throw new UsageError("<program> is empty; expected a path");
  if (first === undefined) return [undefined, undefined];
  if (parseAddress(first) === undefined) return [undefined, first];
  return [addressArgument(first, "<bridge>", { anyPort: false }), second];
}

function variables(given: readonly string[]): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (const text of given) {
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    if (name === "" || name.includes("\0")) {
      throw new UsageError(`--env is ${JSON.stringify(text)}; expected NAME or NAME=VALUE`);
    }
    found.set(name, equals < 0 ? undefined : text.slice(equals + 1));
  }
  return found;
}

function deployOptions(scanned: Scanned): DeployOptions {
  return {
    format: formatOption(scanned),
    secretFile: pathOption(scanned, "secret-file"),
    tlsCa: pathOption(scanned, "tls-ca"),
  };
}
