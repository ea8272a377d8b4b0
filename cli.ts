/** `deploy`: runs a program on a cluster. Arguments in, exit status out. */

import config from "./deno.json" with { type: "json" };
import { UsageError } from "./src/core/arguments.ts";
import { DEPLOY_USAGE, parseDeployArguments } from "./src/deploy/cli_options.ts";

function main(args: readonly string[]): number {
  try {
    const { command } = parseDeployArguments(args);
    switch (command) {
      case "help":
        console.log(DEPLOY_USAGE.trimEnd());
        return 0;
      case "version":
        console.log(`deploy ${config.version}`);
        return 0;
      case "run":
        console.error(
          "deploy: running on a cluster is not there yet; run the program here: deno run -A main.ts",
        );
        return 1;
      default:
        console.error(`deploy: "${command}" is not there yet; nor are clusters`);
        return 1;
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`deploy: ${error.message}\n\n${DEPLOY_USAGE.trimEnd()}`);
    return 2;
  }
}

if (import.meta.main) Deno.exit(main(Deno.args));
