/** Parses the arguments of the commands that look at runs: `ps`, `logs`, `attach`, `why`, `kill`, `dashboard`. */

import { type Address, parseAddress } from "../core/address.ts";
import { parseDuration } from "../core/duration.ts";
import { isSignal } from "../core/signals.ts";
import { UsageError } from "../core/usage_error.ts";
import { bridgeArgument } from "./address_argument.ts";
import { refuseMore, type Scanned } from "./arguments.ts";
import { type ClusterOptions, clusterOptions } from "./cluster_options.ts";
import { TRACE_FORMAT } from "./trace_format.ts";
import { graceOption, lastValue } from "./values.ts";

/** Which bridge, and how to reach it. */
export interface ViewOptions extends ClusterOptions {
  /** `undefined`: that of `DEPLOY_BRIDGE` or deno.json. */
  readonly bridge: Address | undefined;
}

/**
 * A command about runs. `run` is an id, the start of one, or a name; empty for the one that runs. Of `why` and
 * `kill` it may also be the beginning of a Pid.
 */
export type RunsCommand =
  & { readonly options: ViewOptions }
  & (
    /** Of all runs, or with `run`, of the processes of one. */
    | { readonly command: "ps"; readonly run: string }
    | { readonly command: "nodes" }
    | {
      readonly command: "logs";
      readonly run: string;
      readonly follow: boolean;
      /** As a trace, in place of any other format. */
      readonly isTrace: boolean;
      /** Whether a terminal gets what programs wrote as it is; also of `attach`. */
      readonly raw: boolean;
      /** The digits that a Pid begins with, or the name of processes; `undefined` for all. */
      readonly process: string | undefined;
      readonly since: Since | undefined;
    }
    /** With `stdin`, the first process may get that of this command. */
    | {
      readonly command: "attach";
      readonly run: string;
      readonly stdin: boolean;
      readonly raw: boolean;
    }
    | { readonly command: "why"; readonly run: string }
    /** `run` is the run to show first; empty for the list of all. */
    | {
      readonly command: "dashboard";
      readonly run: string;
      readonly port: number;
      readonly opens: boolean;
    }
    | {
      readonly command: "kill";
      readonly run: string;
      readonly signal: Deno.Signal;
      /** `undefined` leaves it to `DEPLOY_GRACE`. */
      readonly graceMs: number | undefined;
    }
  );

/** A time: so long ago, or a point. In milliseconds, the latter since the epoch. */
export type Since = { readonly agoMs: number } | { readonly atMs: number };

/** The names of these commands. */
const RUNS_COMMANDS = ["ps", "nodes", "logs", "attach", "why", "kill", "dashboard"] as const;

/** Whether the arguments are those of one of these commands. */
export function isRunsCommand({ command }: Scanned): boolean {
  return RUNS_COMMANDS.some((name) => name === command.name);
}

/** @throws {UsageError} If the arguments are wrong; the message is one line. */
export function readRunsCommand(scanned: Scanned): RunsCommand {
  const [first] = scanned.operands;
  const hasBridge = first !== undefined && parseAddress(first) !== undefined;
  const operands = hasBridge ? scanned.operands.slice(1) : scanned.operands;
  const ownFormats = scanned.command.name === "logs" ? [TRACE_FORMAT] : [];
  const options: ViewOptions = {
    bridge: hasBridge ? bridgeArgument(first, "<bridge>") : undefined,
    ...clusterOptions(scanned, ownFormats),
  };
  if (scanned.command.name === "nodes") {
    refuseMore(operands, 0, "a bridge at most");
    return { command: "nodes", options };
  }
  refuseMore(operands, 1, "one run: its id, the start of it, or its name");
  const [run = ""] = operands;
  const raw = scanned.options.has("raw");
  switch (scanned.command.name) {
    case "ps":
      return { command: "ps", run, options };
    case "logs":
      return {
        ...{ command: "logs", run, options, follow: scanned.options.has("follow"), raw },
        ...{ process: lastValue(scanned, "process"), since: sinceOption(scanned) },
        isTrace: lastValue(scanned, "format") === TRACE_FORMAT,
      };
    case "attach":
      return { command: "attach", run, options, stdin: !scanned.options.has("no-stdin"), raw };
    case "why":
      return { command: "why", run, options };
    case "dashboard": {
      const opens = !scanned.options.has("no-open");
      return { command: "dashboard", run, options, port: portOption(scanned), opens };
    }
    default:
      return { command: "kill", run, options, ...killOptions(scanned) };
  }
}

function killOptions(scanned: Scanned): { signal: Deno.Signal; graceMs: number | undefined } {
  const text = lastValue(scanned, "signal") ?? "SIGTERM";
  const signal = text.toUpperCase().startsWith("SIG")
    ? text.toUpperCase()
    : `SIG${text.toUpperCase()}`;
  if (!isSignal(signal)) {
    throw new UsageError(`--signal is ${JSON.stringify(text)}; expected a signal, as in SIGTERM`);
  }
  return { signal, graceMs: graceOption(scanned) };
}

/** 0, which is any port that is free, if it is not given. */
function portOption(scanned: Scanned): number {
  const text = lastValue(scanned, "port");
  if (text === undefined) return 0;
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text);
  throw new UsageError(`--port is ${JSON.stringify(text)}; expected a port, as in 8080`);
}

function sinceOption(scanned: Scanned): Since | undefined {
  const text = lastValue(scanned, "since");
  if (text === undefined) return undefined;
  try {
    return { agoMs: parseDuration(text) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const atMs = /^\d{4}-/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(atMs)) return { atMs };
  throw new UsageError(
    `--since is ${
      JSON.stringify(text)
    }; expected a duration or a time, as in 10m or 2026-01-31T12:00`,
  );
}
