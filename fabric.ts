/** `fabric`: a node, or the master of a cluster. Arguments in, exit status out. */

import config from "./deno.json" with { type: "json" };
import { UsageError } from "./src/core/arguments.ts";
import { FABRIC_USAGE, parseFabricArguments } from "./src/node/fabric_options.ts";

function main(args: readonly string[]): number {
  try {
    const { command } = parseFabricArguments(args);
    switch (command) {
      case "help":
        console.log(FABRIC_USAGE.trimEnd());
        return 0;
      case "version":
        console.log(`fabric ${config.version}`);
        return 0;
      default:
        console.error("fabric: clusters are not there yet; programs run on one machine so far");
        return 1;
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`fabric: ${error.message}\n\n${FABRIC_USAGE.trimEnd()}`);
    return 2;
  }
}

if (import.meta.main) Deno.exit(main(Deno.args));
