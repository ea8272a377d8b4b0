/** Starts the program of this OS process again, in a new one. */

import type { PermissionName, Permissions } from "../core/permissions.ts";
import { readDenoFlags } from "./deno_flags.ts";
import type { ProgramUser } from "./program_user.ts";
import { wordsFromPs } from "./ps_words.ts";

/** What to run, and where. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** Where among its arguments those of the runtime end; `undefined` if the runtime takes none. */
  readonly flagsAt?: number;
  readonly cwd: string;
  /** All of its environment; if it is `undefined`, it inherits that of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Whether its stdout and stderr are one pipe, so that the order of what it writes to them is kept. All of it
   * counts as stdout then. Where there is no shell, they are two pipes nevertheless.
   */
  readonly oneOutput?: boolean;
  /** What its processes may do at most, besides what the runtime needs, where its arguments do not say so. */
  readonly permissions?: Permissions;
  /** Those of them that its node limits, and not whoever started the program. */
  readonly capped?: readonly PermissionName[];
  /** The user that its processes run as. @default that of this process */
  readonly user?: ProgramUser;
  /** Whether all of its modules are in its file, so that it needs no permission to import others. */
  readonly isBundle?: boolean;
}

/** How this OS process was started. */
export interface Invocation {
  /** The words of the command line, the executable's first. */
  readonly cmdline: readonly string[];
  /** `Deno.args`. */
  readonly args: readonly string[];
  /** Whether this is an executable made by `deno compile`. */
  readonly standalone: boolean;
  readonly execPath: string;
  /** Whether Deno is to find dynamically imported modules when they are imported, and not at the start. */
  readonly lazyImports?: boolean;
}

/**
 * Makes Deno load a module that is imported dynamically when that import runs. Without it, each process also
 * looks up the launcher's half of this system, 60 modules, which takes 2.5 of 34 ms.
 */
export const LAZY_IMPORTS = "--unstable-lazy-dynamic-imports";

/** The versions of Deno that are known to have {@linkcode LAZY_IMPORTS}: an unknown flag is an error. */
const HAVE_LAZY_IMPORTS = /^2\.[6-9]\./;

/** The program cannot be started again; the message says why and what to do, in one line. */
export class ProgramError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ProgramError";
  }
}

/** The program cannot run on this node, and another node may take it as it is. */
export class UnfitError extends ProgramError {
  constructor(message: string) {
    super(message);
    this.name = "UnfitError";
  }
}

/** Subcommands that run code that is not a separate program. */
const OTHER_SUBCOMMANDS = ["bench", "eval", "jupyter", "repl", "serve", "test", "x"];

/**
 * Works out the command that starts the program again with the same arguments and flags, except flags for
 * one process only, such as `--watch` and `--inspect`.
 *
 * @throws {ProgramError} If there is no file to start: `deno eval`, a program on stdin and the like.
 */
export function restartCommand(
  invocation: Invocation,
): { command: string; args: string[]; flagsAt?: number } {
  const { cmdline, args, standalone, execPath, lazyImports = false } = invocation;
  // The executable itself prepends the arguments that it was compiled with.
  if (standalone) return { command: execPath, args: cmdline.slice(1) };

  const scriptIndex = cmdline.length - args.length - 1;
  const script = cmdline[scriptIndex];
  if (scriptIndex < 1 || script === undefined) throw noProgram(`it is not run from a file`);
  const { kept, positional } = readDenoFlags(cmdline.slice(1, scriptIndex));
  const subcommand = positional[0] ?? script;
  if (OTHER_SUBCOMMANDS.includes(subcommand)) throw noProgram(`it runs under deno ${subcommand}`);
  if (script === "-") throw noProgram("it was read from stdin");
  if (lazyImports && !kept.includes(LAZY_IMPORTS) && !kept.includes("--")) kept.push(LAZY_IMPORTS);
  const separator = kept.indexOf("--");
  const flagsAt = separator < 0 ? kept.length : separator;
  return { command: execPath, args: [...kept, script, ...args], flagsAt };
}

function noProgram(why: string): ProgramError {
  return new ProgramError(
    `Cannot start this program again: ${why}; ` +
      `save it to a file and run that with: deno run -A main.ts`,
  );
}

/** What `deno run` needs so that debuggers get source maps. It would say on stderr that the inspector listens. */
const INSPECTED = ["--inspect=127.0.0.1:0", "--quiet"];

/** The program with an open inspector; an executable opens it by itself. */
export function withInspector(program: Program): Program {
  const { args, flagsAt } = program;
  if (flagsAt === undefined) return program;
  const flags = INSPECTED.filter((flag) => !args.slice(0, flagsAt).includes(flag));
  const all = args.toSpliced(flagsAt, 0, ...flags);
  return { ...program, args: all, flagsAt: flagsAt + flags.length };
}

/**
 * Whether the processes of this program can have {@linkcode LAZY_IMPORTS}. A module that is looked up at the
 * start needs no permission; one that is looked up later needs that to read its file.
 */
export function canImportLazily(): boolean {
  const { state, partial } = Deno.permissions.querySync({ name: "read" });
  return HAVE_LAZY_IMPORTS.test(Deno.version.deno) && state === "granted" && !partial;
}

/**
 * Works out how this very program is started again in `cwd`, the directory it was started in.
 *
 * @throws {ProgramError} If it cannot be.
 */
export async function thisProgram(
  cwd: string,
  options: { lazyImports?: boolean } = {},
): Promise<Program> {
  const invocation = {
    args: Deno.args,
    standalone: Deno.build.standalone,
    execPath: Deno.execPath(),
    ...options,
  };
  const cmdline = readProcCmdline() ??
    wordsFromPs(await readPs(), { ...invocation, mainModule: Deno.mainModule, cwd });
  if (cmdline === undefined) {
    throw new ProgramError(
      "Cannot start this program again: its command line cannot be split into words, " +
        "since one of them contains a space; run it with: deno run -A main.ts",
    );
  }
  return { ...restartCommand({ ...invocation, cmdline }), cwd };
}

function readProcCmdline(): string[] | undefined {
  try {
    const words = Deno.readTextFileSync("/proc/self/cmdline").split("\0");
    words.pop(); // each word ends with a NUL, also the last one
    return words;
  } catch {
    // There is no /proc on macOS, and reading it needs all permissions.
    return undefined;
  }
}

async function readPs(): Promise<string> {
  try {
    const command = new Deno.Command("ps", {
      args: ["-ww", "-o", "args=", "-p", String(Deno.pid)],
      stdin: "null",
      stderr: "null",
    });
    return new TextDecoder().decode((await command.output()).stdout).trimEnd();
  } catch (cause) {
    throw new ProgramError(
      "Cannot start this program again: neither /proc/self/cmdline nor ps gives its command " +
        "line; run it with: deno run -A main.ts",
      { cause },
    );
  }
}
