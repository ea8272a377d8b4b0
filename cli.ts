/** `deploy`: runs a program on a cluster. Arguments in, exit status out. */

import { BuildError } from "./src/build/build_error.ts";
import { readRunCommand, type RunCommand } from "./src/cli/deploy_arguments.ts";
import { DEPLOY } from "./src/cli/deploy_table.ts";
import { runExecutable } from "./src/cli/run_executable.ts";
import { isRunsCommand, readRunsCommand, type RunsCommand } from "./src/cli/runs_arguments.ts";
import { createLogger, type Logger, parseLogLevel } from "./src/core/logger.ts";
import { visible } from "./src/core/visible.ts";
import { UsageError } from "./src/core/usage_error.ts";
import { SecretError } from "./src/net/credential.ts";

async function run(command: RunCommand): Promise<number> {
  return await orSay(async (logger) => {
    const { runCommand } = await import("./src/cli/run_command.ts");
    return await runCommand(command, { logger, say, draw });
  });
}

async function look(command: RunsCommand): Promise<number> {
  return await orSay(async (logger) => {
    const { runRunsCommand } = await import("./src/cli/runs_command.ts");
    return await runRunsCommand(command, { logger, out: console.log, say });
  });
}

async function orSay(does: (logger: Logger) => Promise<number>): Promise<number> {
  try {
    return await does(createLogger(logLevel(), say));
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error)) throw error;
    if (error instanceof BuildError && error.details !== "") say(`${error.details.trimEnd()}\n`);
    if (isOurBug(error)) throw error;
    say(`deploy: ${error.message}\n`);
    return error instanceof SecretError ? 2 : 1;
  }
}

/** Errors of these kinds are bugs, not mistakes of the user or faults of the environment. */
function isOurBug(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError ||
    error instanceof ReferenceError;
}

function logLevel(): ReturnType<typeof parseLogLevel> {
  try {
    return parseLogLevel(Deno.env.get("DEPLOY_LOG"));
  } catch (error) {
    throw new UsageError((error as SyntaxError).message);
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // it cannot be read, so it cannot be a program
  }
}

/** Says something. Names and texts in it may be of others: their control characters are shown as such. */
function say(text: string): void {
  draw(visible(text));
}

/** Writes to stderr what may move the cursor. */
function draw(text: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  } catch {
    // stderr has no reader.
  }
}

if (import.meta.main) {
  const output = { out: console.log, error: (line: string) => say(`${line}\n`) };
  Deno.exit(
    await runExecutable(
      DEPLOY,
      Deno.args,
      output,
      (scanned) =>
        isRunsCommand(scanned)
          ? look(readRunsCommand(scanned))
          : run(readRunCommand(scanned, isFile)),
    ),
  );
}
