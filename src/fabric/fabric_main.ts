/** The commands of `fabric`. Arguments in, exit code out. */

import { type FabricCommand, readFabricCommand } from "../cli/fabric_arguments.ts";
import { FABRIC } from "../cli/fabric_table.ts";
import { type Output, runExecutable } from "../cli/run_executable.ts";
import { visible } from "../core/visible.ts";
import { ProgramError } from "../host/program.ts";
import { StoreError } from "../store/store_error.ts";
import { ConnectError, SecretError } from "../net/connect.ts";
import { ListenError } from "../net/part_server.ts";
import { drain } from "./drain_command.ts";
import { runDev } from "./dev.ts";
import { runMaster, runMasterOfFile } from "./master_command.ts";
import { runJoin, runNode } from "./node_command.ts";
import { invitationText, newSecretText, writeCredential } from "./secret_file.ts";
import { readReporter, reportFormat } from "./setting.ts";

/** Runs a command until it is done, or, for a part of a cluster, until it is told to stop. */
export async function runFabric(args: readonly string[], given: Output): Promise<number> {
  // What is said to people may contain names and texts of others.
  const output: Output = { out: given.out, error: (text) => given.error(visible(text)) };
  return await runExecutable(FABRIC, args, output, async (scanned) => {
    try {
      return await run(readFabricCommand(scanned), output);
    } catch (error) {
      const code = exitCodeOf(error);
      if (code === undefined) throw error;
      output.error(`fabric: ${(error as Error).message}`);
      return code;
    }
  });
}

async function run(command: FabricCommand, output: Output): Promise<number> {
  switch (command.command) {
    case "secret":
      return await give(await newSecretText(), "a secret", command.file, output);
    case "invite": {
      const { logger } = readReporter(reportFormat(Deno.env.get("DEPLOY_FORMAT")));
      const text = await invitationText(command.name, { secretFile: command.secretFile, logger });
      return await give(text, "an invitation", command.file, output);
    }
    case "drain":
      return await drain(command, output);
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

/** Prints a credential, or writes it to a new file. */
async function give(
  text: string,
  what: string,
  file: string | undefined,
  output: Output,
): Promise<number> {
  if (file === undefined) {
    output.out(text);
    return 0;
  }
  try {
    await writeCredential(file, text, what);
    return 0;
  } catch (error) {
    output.error(`fabric: ${(error as Error).message}`);
    return 1;
  }
}

/** The exit code for an expected error; `undefined` for a bug. */
function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof SecretError) return 2;
  const isOrdinary = error instanceof ListenError || error instanceof ConnectError ||
    error instanceof StoreError || error instanceof ProgramError;
  return isOrdinary ? 1 : undefined;
}
