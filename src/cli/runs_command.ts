/** `deploy ps`, `logs`, `why` and `kill`: what a bridge knows of its runs. */

import type { Address } from "../core/address.ts";
import type { RunEvent } from "../core/events.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress, type Pid } from "../core/pid.ts";
import { phaseOf, type RunEntry } from "../core/run_entry.ts";
import { dialPart, loadCredential } from "../net/connect.ts";
import { Purpose } from "../net/handshake.ts";
import { livenessFrom } from "../net/liveness.ts";
import { MessageLink } from "../net/message_link.ts";
import { OUTPUT_FORMATS, type OutputFormat } from "../terminal/formats.ts";
import { stdoutColumns } from "../terminal/columns.ts";
import { formatAge, tableLines } from "../terminal/table.ts";
import { createTerminal, type Terminal } from "../terminal/terminal.ts";
import {
  BRIDGE_TO_VIEWER,
  type BridgeToViewer,
  type ViewerToBridge,
} from "../wire/viewer_messages.ts";
import { readTlsOptions } from "./deploy_client.ts";
import { bridgeAddress, projectDefaults, secretFileFrom } from "./run_settings.ts";
import type { RunsCommand, Since } from "./runs_arguments.ts";
import { formatVariable, graceVariable } from "./values.ts";

/** Where a command writes, and the time. */
export interface RunsContext {
  readonly logger: Logger;
  readonly out: (line: string) => void;
  readonly say: (text: string) => void;
}

/** Runs such a command; returns its exit code. @throws {Error} With a message of one line, if it fails. */
export async function runRunsCommand(command: RunsCommand, context: RunsContext): Promise<number> {
  const format = command.options.format ??
    formatVariable(Deno.env.get("DEPLOY_FORMAT"), OUTPUT_FORMATS);
  const defaults = await projectDefaults(Deno.cwd());
  const bridge = bridgeAddress(command.options, Deno.env.get("DEPLOY_BRIDGE"), defaults);
  const secretFile = secretFileFrom(command.options.secretFile, defaults);
  const credential = await loadCredential({ secretFile, logger: context.logger });
  const tls = await readTlsOptions(command.options.tlsCa);
  const conn = await dialPart(bridge, Purpose.view, credential, { tls });
  const link: ViewerLink = new MessageLink<ViewerToBridge, BridgeToViewer>(conn, {
    schema: BRIDGE_TO_VIEWER,
    liveness: livenessFrom(Deno.env.get("DEPLOY_LIVENESS")),
  });
  try {
    void link.send(requestOf(command));
    return await show(link, command, { ...context, format, bridge });
  } finally {
    link.drop();
  }
}

type ViewerLink = MessageLink<ViewerToBridge, BridgeToViewer>;

interface ShowContext extends RunsContext {
  readonly format: OutputFormat;
  readonly bridge: Address;
}

function requestOf(command: RunsCommand): ViewerToBridge {
  switch (command.command) {
    case "ps":
      return { type: "list" };
    case "logs":
      return { type: "view", run: command.run, follow: command.follow };
    case "why":
      return { type: "why", run: command.run };
    case "kill": {
      const graceMs = command.graceMs ?? graceVariable(Deno.env.get("DEPLOY_GRACE"));
      return { type: "kill", run: command.run, signal: command.signal, graceMs };
    }
  }
}

async function show(link: ViewerLink, command: RunsCommand, context: ShowContext): Promise<number> {
  const { format, out, say } = context;
  let terminal: Terminal | undefined;
  const wanted = command.command === "logs" ? eventFilter(command, Date.now()) : () => true;
  for await (const message of link.messages()) {
    switch (message.type) {
      case "refused":
        say(`deploy: ${message.why}\n`);
        return 1;
      case "runs":
        for (const line of runLines(message.runs, format, Date.now())) out(line);
        return 0;
      case "waits":
        if (format === "json") out(JSON.stringify({ waits: message.lines }));
        else for (const line of message.lines) out(line);
        return 0;
      case "told": {
        const { id, name } = message.run;
        if (format === "json") out(JSON.stringify(runData(message.run)));
        else say(`deploy: told run ${id} (${name}) to stop\n`);
        return 0;
      }
      case "viewing":
        terminal = createTerminal({ format });
        if (message.missing > 0) {
          await terminal.remark(`deploy: the first ${message.missing} events are no longer kept`);
        }
        break;
      case "event":
        if (wanted(message.event)) await terminal?.sink(message.event);
        break;
      case "over":
        return 0;
    }
  }
  const { host, port } = context.bridge;
  say(`deploy: lost the bridge ${formatAddress(host, port)}: ${(await link.ended).message}\n`);
  return 1;
}

/** Which events of a run are shown. */
export function eventFilter(
  { process, since }: { readonly process: string | undefined; readonly since: Since | undefined },
  nowMs: number,
): (event: RunEvent) => boolean {
  const fromMs = since === undefined
    ? -Infinity
    : "atMs" in since
    ? since.atMs
    : nowMs - since.agoMs;
  const chosen = new Set<Pid>();
  return (event) => {
    if (event.event === "said") return process === undefined && event.time >= fromMs;
    if (event.event === "spawn" && process !== undefined) {
      if (event.name === process || event.pid.startsWith(process)) chosen.add(event.pid);
    }
    const isChosen = process === undefined || chosen.has(event.pid);
    return isChosen && (!("time" in event) || event.time >= fromMs);
  };
}

/** The runs as a table for a terminal, or one object each. */
function runLines(runs: readonly RunEntry[], format: OutputFormat, nowMs: number): string[] {
  if (format === "json") return runs.map((run) => JSON.stringify(runData(run)));
  const rows = [...runs].reverse().map((run) => [
    run.id,
    run.name,
    stateText(run),
    formatAge(nowMs - run.startedMs),
    run.endedMs === null ? `${run.running} of ${run.spawned}` : `${run.spawned}`,
    run.by,
  ]);
  const headings = ["RUN", "NAME", "STATE", "AGE", "PROCESSES", "BY"];
  return tableLines(headings, rows, stdoutColumns());
}

function stateText(run: RunEntry): string {
  const phase = phaseOf(run);
  return phase === "ended" && run.code !== 0 ? `ended: ${run.code}` : phase;
}

/** A run as data. */
function runData(run: RunEntry): Record<string, unknown> {
  const { id, name, by, from, startedMs, endedMs, code, running, spawned } = run;
  return {
    ...{ run: id, name, state: phaseOf(run), by, from },
    started: new Date(startedMs).toISOString(),
    ended: endedMs === null ? null : new Date(endedMs).toISOString(),
    ...{ code, running, spawned },
  };
}
