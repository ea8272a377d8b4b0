/** The common part of executables and scripts: help, version, and the line about a bad argument. */

import { UsageError } from "../core/usage_error.ts";
import { findCommand, findRequest, scanArguments, type Scanned } from "./arguments.ts";
import { COMPLETIONS, completionsFor } from "./completions_command.ts";
import { commandLine, type Executable } from "./executable.ts";

/** The output of an executable. Each call writes whole lines, given without the last newline. */
export interface Output {
  out(text: string): void;
  error(text: string): void;
}

/**
 * Handles `--help`, `--version` and `completions`, and calls `run` for everything else.
 *
 * @returns The exit status: that of `run`, or 2 after a {@linkcode UsageError}, which is printed in
 * one line that says where to read more.
 */
export async function runExecutable(
  executable: Executable,
  args: readonly string[],
  output: Output,
  run: (scanned: Scanned) => Promise<number>,
): Promise<number> {
  const command = findCommand(args, executable);
  const request = findRequest(args);
  if (request === "version") {
    output.out(`${executable.name} ${executable.version}`);
    return 0;
  }
  if (request === "help") {
    const { helpPage } = await import("./help.ts");
    output.out(helpPage(executable, command).trimEnd());
    return 0;
  }
  try {
    const scanned = scanArguments(args, executable);
    if (scanned.command.name !== COMPLETIONS) return await run(scanned);
    output.out((await completionsFor(executable, scanned)).trimEnd());
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const line = commandLine(executable, command);
    output.error(`${executable.name}: ${error.message} (see ${line} --help)`);
    return 2;
  }
}
