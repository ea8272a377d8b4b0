/** `deploy ps`, `logs`, `attach`, `why`, `kill` and `dashboard`: what a bridge knows of its runs. */

import type { Logger } from "../core/logger.ts";
import type { NodeReport } from "../core/node_report.ts";
import { phaseOf, type RunEntry } from "../core/run_entry.ts";
import { describeTarget } from "../core/run_target.ts";
import { Purpose } from "../net/protocol.ts";
import { MessageLink } from "../net/message_link.ts";
import { type WaitLine, waitLines } from "../run/wait_lines.ts";
import { OUTPUT_FORMATS, type OutputFormat } from "../terminal/formats.ts";
import { visibleJson } from "../core/visible.ts";
import { stdoutColumns } from "../terminal/columns.ts";
import { nodeLines } from "../terminal/node_lines.ts";
import { memWord } from "../terminal/process_lines.ts";
import { formatAge, tableLines } from "../terminal/table.ts";
import {
  BRIDGE_TO_VIEWER,
  type BridgeToViewer,
  type ViewerToBridge,
} from "../wire/viewer_messages.ts";
import { type Bridge, dialBridge } from "./dial_bridge.ts";
import { bridgeAddress, projectDefaults, secretFileFrom } from "./run_settings.ts";
import type { RunsCommand } from "./runs_arguments.ts";
import { showProcesses } from "./show_processes.ts";
import { thisUser } from "./this_user.ts";
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
  const defaults = await projectDefaults(Deno.cwd(), {
    warn: (line) => context.say(`deploy: warning: ${line}\n`),
  });
  const address = bridgeAddress(command.options, Deno.env.get("DEPLOY_BRIDGE"), defaults);
  const secretFile = secretFileFrom(command.options.secretFile, defaults);
  const { plain } = command.options;
  const bridge = await dialBridge(address, { secretFile, plain, logger: context.logger });
  if (command.command === "attach") {
    const { attach } = await import("./attach_command.ts");
    return await attach(bridge, { ...command, format, say: context.say });
  }
  if (command.command === "dashboard") {
    const { dashboard } = await import("./dashboard_command.ts");
    return await dashboard(bridge, { ...context, ...command, format });
  }
  if (command.command === "logs") {
    const { logs } = await import("./logs_command.ts");
    return await logs(bridge, { ...command, format, say: context.say, nowMs: Date.now() });
  }
  const conn = await bridge.dial(Purpose.view);
  const { liveness } = bridge;
  const link: ViewerLink = new MessageLink<ViewerToBridge, BridgeToViewer>(conn, {
    schema: BRIDGE_TO_VIEWER,
    liveness,
  });
  try {
    void link.send(requestOf(command));
    return await show(link, command, { ...context, format }) ?? await lost(link, bridge, context);
  } finally {
    link.drop();
  }
}

/** A command that makes one request. */
type LookCommand = Exclude<RunsCommand, { command: "attach" | "dashboard" | "logs" }>;

type ViewerLink = MessageLink<ViewerToBridge, BridgeToViewer>;

interface ShowContext extends RunsContext {
  readonly format: OutputFormat;
}

async function lost(link: ViewerLink, { address }: Bridge, { say }: RunsContext): Promise<number> {
  say(`deploy: lost the bridge ${address}: ${(await link.ended).message}\n`);
  return 1;
}

function requestOf(command: LookCommand): ViewerToBridge {
  switch (command.command) {
    case "ps":
      return command.run === ""
        ? { type: "list", memory: true }
        : { type: "processes", run: command.run };
    case "nodes":
      return { type: "nodes" };
    case "why":
      return { type: "why", run: command.run };
    case "kill": {
      const graceMs = command.graceMs ?? graceVariable(Deno.env.get("DEPLOY_GRACE"));
      const { run, signal } = command;
      return { type: "kill", run, by: thisUser(), signal, graceMs };
    }
  }
}

/** Shows the answer; returns the exit code, or `undefined` if the answer ends too early. */
async function show(
  link: ViewerLink,
  command: LookCommand,
  context: ShowContext,
): Promise<number | undefined> {
  const { format, out, say } = context;
  if (command.command === "ps" && command.run !== "") {
    return await showProcesses(link.messages(), context);
  }
  for await (const message of link.messages()) {
    switch (message.type) {
      case "refused":
        say(`deploy: ${message.why}\n`);
        return 1;
      case "runs":
        for (const line of runLines(message, format, Date.now())) out(line);
        return 0;
      case "nodes":
        for (const line of nodeTexts(message.nodes, format)) out(line);
        return 0;
      case "waits":
        for (const line of waitTexts(message.lines, format)) out(line);
        return 0;
      case "told": {
        const { run, process } = message;
        if (format === "json") out(visibleJson({ ...runData(run), process }));
        else say(`deploy: told ${describeTarget(run, process)} to stop\n`);
        return 0;
      }
    }
  }
  return undefined;
}

/** The nodes: one object each, or as a table. */
function nodeTexts(nodes: readonly NodeReport[], format: OutputFormat): string[] {
  if (format === "json") return nodes.map((node) => visibleJson(node));
  return nodeLines(nodes, stdoutColumns());
}

/** What processes wait for: one object each, or for people. */
function waitTexts(lines: readonly WaitLine[], format: OutputFormat): string[] {
  if (format !== "json") return waitLines(lines);
  return lines.map(({ pid, name, text }) => visibleJson({ pid, name, waits: text }));
}

/** The runs as a table for a terminal, or one object each. */
function runLines(
  { runs, memory }: Extract<BridgeToViewer, { type: "runs" }>,
  format: OutputFormat,
  nowMs: number,
): string[] {
  const latestFirst = [...runs].reverse();
  const used = new Map(memory.map(({ run, bytes }) => [run, bytes]));
  if (format === "json") {
    return latestFirst.map((run) =>
      visibleJson({ ...runData(run), memory: used.get(run.id) ?? null })
    );
  }
  const rows = latestFirst.map((run) => [
    run.id,
    run.name,
    stateText(run),
    formatAge(nowMs - run.startedMs),
    run.endedMs === null ? `${run.running}/${run.spawned}` : `${run.spawned}`,
    memWord(used.get(run.id) ?? null),
    run.by,
  ]);
  const headings = ["RUN", "NAME", "STATE", "AGE", "PROCESSES", "MEM", "BY"];
  return tableLines(headings, rows, stdoutColumns());
}

function stateText(run: RunEntry): string {
  const phase = phaseOf(run);
  return phase === "ended" && run.code !== 0 ? `ended:${run.code}` : phase;
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
