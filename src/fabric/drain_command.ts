/** `fabric drain`: places nothing more on a node, and says when it is empty. */

import { devSecretPath } from "../cli/dev_secret.ts";
import type { FabricCommand } from "../cli/fabric_arguments.ts";
import type { Output } from "../cli/run_executable.ts";
import { thisUser } from "../cli/this_user.ts";
import { formatAddress } from "../core/pid.ts";
import { visibleJson } from "../core/visible.ts";
import { credentialOf, dialPart, loadSecret } from "../net/connect.ts";
import { Purpose } from "../net/protocol.ts";
import { endOf, MessageLink } from "../net/message_link.ts";
import {
  type DrainToMaster,
  MASTER_TO_DRAIN,
  type MasterToDrain,
  MAX_LEFT_RUNS,
} from "../wire/drain_messages.ts";
import type { ReportFormat } from "./report.ts";
import { readLiveness, readReporter, reportFormat } from "./setting.ts";

/** What is left on a node. */
type Left = Extract<MasterToDrain, { type: "left" }>;

/**
 * Runs the command; resolves when the node is empty, or cannot be drained any further.
 *
 * @returns The exit code.
 * @throws {ConnectError | SecretError | UsageError}
 */
export async function drain(
  { master, node, options }: Extract<FabricCommand, { command: "drain" }>,
  output: Output,
): Promise<number> {
  const format = options.format ?? reportFormat(Deno.env.get("DEPLOY_FORMAT"));
  const { logger } = readReporter(format);
  const { secretFile, plain } = options;
  const otherwise = devSecretPath(master, (name) => Deno.env.get(name), Deno.build.os);
  const secret = await loadSecret({ secretFile, otherwise, logger });
  const credential = await credentialOf(secret, { plain, dials: true });
  const conn = await dialPart(master, Purpose.drain, credential);
  const link = new MessageLink<DrainToMaster, MasterToDrain>(conn, {
    schema: MASTER_TO_DRAIN,
    liveness: readLiveness(Deno.env.get("DEPLOY_LIVENESS")),
  });
  const name = formatAddress(node.host, node.port);
  const show = shower(name, format, output);
  try {
    void link.send({ type: "drain", node: name, by: thisUser() });
    for await (const message of link.messages()) {
      if (message.type === "refused") {
        output.error(`fabric: ${message.why}`);
        return 1;
      }
      show(message);
      if (message.processes === 0) return 0;
    }
    const at = `the master at ${formatAddress(master.host, master.port)}`;
    output.error(`fabric: ${endOf(at, await link.ended)}`);
    return 1;
  } finally {
    link.drop();
  }
}

/** Shows what is left: for people, only when a run is gone. */
function shower(node: string, format: ReportFormat, output: Output): (left: Left) => void {
  let shown = "";
  return ({ processes, runs }) => {
    if (format === "json") {
      const time = new Date().toISOString();
      const event = processes === 0 ? { event: "empty" } : { event: "draining", processes, runs };
      output.out(visibleJson({ ...event, node, time }));
      return;
    }
    if (processes === 0) return output.out(`empty ${node}`);
    const names = runNames(runs);
    if (names !== shown) output.error(leftLine(node, processes, names));
    shown = names;
  };
}

/** What is left on a node, for people. */
function leftLine(node: string, processes: number, names: string): string {
  const count = processes === 1 ? "1 process is" : `${processes} processes are`;
  return `fabric: ${node} takes no more processes; ${count} left${names}`;
}

function runNames(runs: readonly string[]): string {
  const [first, ...others] = runs;
  if (first === undefined) return "";
  if (others.length === 0) return `, of run ${first}`;
  return `, of runs ${runs.join(", ")}${runs.length === MAX_LEFT_RUNS ? ", …" : ""}`;
}
