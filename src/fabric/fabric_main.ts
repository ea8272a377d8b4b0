/** The commands of `fabric`. Arguments in, exit code out. */

import config from "../../deno.json" with { type: "json" };
import { UsageError } from "../cli/arguments.ts";
import { FABRIC_USAGE, type FabricCommand, parseFabricArguments } from "../cli/fabric_options.ts";
import { ProgramError } from "../host/program.ts";
import { StoreError } from "../store/store_error.ts";
import { ConnectError, SecretError } from "../net/connect.ts";
import { ListenError } from "../net/part_server.ts";
import { runDev } from "./dev.ts";
import { runMaster, runMasterOfFile } from "./master_command.ts";
import { runJoin, runNode } from "./node_command.ts";
import { newSecret, writeNewSecret } from "./secret_file.ts";

/** What `fabric` does with its output. */
export interface Output {
  out(text: string): void;
  error(text: string): void;
}

/** Runs a command until it is done, or, if it is a part of a cluster, until it is told to end. */
export async function runFabric(args: readonly string[], output: Output): Promise<number> {
  try {
    return await run(parseFabricArguments(args), output);
  } catch (error) {
    if (error instanceof UsageError) {
      output.error(`fabric: ${error.message}\n\n${FABRIC_USAGE.trimEnd()}`);
      return 2;
    }
    const code = exitCodeOf(error);
    if (code === undefined) throw error;
    output.error(`fabric: ${(error as Error).message}`);
    return code;
  }
}

async function run(command: FabricCommand, output: Output): Promise<number> {
  switch (command.command) {
    case "help":
      output.out(FABRIC_USAGE.trimEnd());
      return 0;
    case "version":
      output.out(`fabric ${config.version}`);
      return 0;
    case "secret":
      return await makeSecret(command.file, output);
    case "node":
      return await runNode(command);
    case "join":
      return await runJoin(command);
    case "master":
      return await runMaster(command.nodes, command.options);
    case "master-of-file":
      return await runMasterOfFile(command);
    case "dev":
      return await runDev(command);
  }
}

async function makeSecret(file: string | undefined, output: Output): Promise<number> {
  if (file === undefined) {
    output.out(newSecret());
    return 0;
  }
  try {
    await writeNewSecret(file);
    return 0;
  } catch (error) {
    output.error(`fabric: ${(error as Error).message}`);
    return 1;
  }
}

/** The exit code for what is said in one line; `undefined` for what should not happen. */
function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof SecretError) return 2;
  const isOrdinary = error instanceof ListenError || error instanceof ConnectError ||
    error instanceof StoreError || error instanceof ProgramError;
  return isOrdinary ? 1 : undefined;
}
