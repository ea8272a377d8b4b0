/** `deploy`: runs a program on a cluster. Arguments in, exit status out. */

import config from "./deno.json" with { type: "json" };
import { UsageError } from "./src/cli/arguments.ts";
import { createLogger, parseLogLevel } from "./src/core/logger.ts";
import { BuildError } from "./src/build/build_error.ts";
import { DEPLOY_USAGE, parseDeployArguments, type RunCommand } from "./src/cli/cli_options.ts";
import { SecretError } from "./src/net/credential.ts";

async function main(args: readonly string[]): Promise<number> {
  try {
    const command = parseDeployArguments(args);
    switch (command.command) {
      case "help":
        console.log(DEPLOY_USAGE.trimEnd());
        return 0;
      case "version":
        console.log(`deploy ${config.version}`);
        return 0;
      case "run":
        if (command.detach) {
          say(
            "deploy: --detach is not there yet; without it, deploy shows the run until it is over\n",
          );
          return 1;
        }
        return await run(command);
      default:
        say(`deploy: "${command.command}" is not there yet\n`);
        return 1;
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`deploy: ${error.message}\n\n${DEPLOY_USAGE.trimEnd()}\n`);
    return 2;
  }
}

async function run(command: RunCommand): Promise<number> {
  try {
    const { runCommand } = await import("./src/cli/run_command.ts");
    const logger = createLogger(logLevel(), say);
    return await runCommand(command, { logger, say });
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof Error)) throw error;
    if (error instanceof BuildError && error.details !== "") say(`${error.details.trimEnd()}\n`);
    if (isOurBug(error)) throw error;
    say(`deploy: ${error.message}\n`);
    return error instanceof SecretError ? 2 : 1;
  }
}

/** Errors of these kinds are not about what the user did, nor about the world. */
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

function say(text: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  } catch {
    // Nobody reads stderr, so there is nobody to tell.
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
