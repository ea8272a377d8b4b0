/** Parses the arguments of the commands that look at runs: `ps`, `logs`, `why`, `kill`. */

import { type Address, parseAddress } from "../core/address.ts";
import { parseDuration } from "../core/duration.ts";
import { isSignal } from "../core/signals.ts";
import { UsageError } from "../core/usage_error.ts";
import { bridgeArgument } from "./address_argument.ts";
import { refuseMore, type Scanned } from "./arguments.ts";
import { type ClusterOptions, clusterOptions } from "./cluster_options.ts";
import { graceOption, lastValue } from "./values.ts";

/** Which bridge, and how to reach it. */
export interface ViewOptions extends ClusterOptions {
  /** `undefined`: that of `DEPLOY_BRIDGE` or deno.json. */
  readonly bridge: Address | undefined;
}

/** A command about runs. `run` is an id, the start of one, or a name; empty for the one that runs. */
export type RunsCommand =
  & { readonly options: ViewOptions }
  & (
    | { readonly command: "ps" }
    | {
      readonly command: "logs";
      readonly run: string;
      readonly follow: boolean;
      /** The digits that a Pid begins with, or the name of processes; `undefined` for all. */
      readonly process: string | undefined;
      readonly since: Since | undefined;
    }
    | { readonly command: "why"; readonly run: string }
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
export const RUNS_COMMANDS = ["ps", "logs", "why", "kill"] as const;

/** Whether the arguments are those of one of these commands. */
export function isRunsCommand({ command }: Scanned): boolean {
  return RUNS_COMMANDS.some((name) => name === command.name);
}

/** @throws {UsageError} If the arguments are wrong; the message is one line. */
export function readRunsCommand(scanned: Scanned): RunsCommand {
  const [first] = scanned.operands;
  const hasBridge = first !== undefined && parseAddress(first) !== undefined;
  const operands = hasBridge ? scanned.operands.slice(1) : scanned.operands;
  const options: ViewOptions = {
    bridge: hasBridge ? bridgeArgument(first, "<bridge>") : undefined,
    ...clusterOptions(scanned),
  };
  if (scanned.command.name === "ps") {
    refuseMore(operands, 0, "a bridge at most");
    return { command: "ps", options };
  }
  refuseMore(operands, 1, "one run: its id, the start of it, or its name");
  const [run = ""] = operands;
  switch (scanned.command.name) {
    case "logs":
      return {
        ...{ command: "logs", run, options, follow: scanned.options.has("follow") },
        ...{ process: lastValue(scanned, "process"), since: sinceOption(scanned) },
      };
    case "why":
      return { command: "why", run, options };
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
