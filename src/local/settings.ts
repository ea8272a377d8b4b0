/** The settings of a local run, from the environment. */

import { parseGrace } from "../core/duration.ts";
import { messageOf } from "../core/errors.ts";
import { type Inspection, parseInspection } from "../core/inspection.ts";
import { type LogLevel, parseLogLevel } from "../core/logger.ts";
import {
  invalidResource,
  parseResources,
  resolveResources,
  type Resources,
} from "../core/resources.ts";
import { enforcesFrom } from "../host/enforcement.ts";
import { maxSpares, type thisMachine } from "../host/spare_policy.ts";
import { OUTPUT_FORMATS, type OutputFormat } from "../terminal/formats.ts";
import { readDashboardPort } from "./open_dashboard.ts";

/** The settings from the environment. */
export interface LauncherSettings {
  readonly format: OutputFormat;
  readonly logLevel: LogLevel;
  readonly resources: Resources;
  readonly maxSpares: number;
  /** The grace of processes that are told to stop, in ms. */
  readonly graceMs: number;
  /** Whether processes are held to what they ask for. */
  readonly enforces: boolean;
  /** The port of the dashboard, 0 for any; `undefined` for none. */
  readonly dashboardPort: number | undefined;
  /** The file for a trace of the run; `undefined` for none. */
  readonly tracePath: string | undefined;
  /** Which processes a debugger may attach to; `undefined` for none. */
  readonly inspection: Inspection | undefined;
}

/** The variables that are for this run alone, not for another one that a process of it may start. */
export const OWN_VARIABLES: readonly string[] = [
  ...["DEPLOY_DASHBOARD", "DEPLOY_TRACE", "DEPLOY_INSPECT", "DEPLOY_INSPECT_BRK"],
];

/**
 * Reads `DEPLOY_FORMAT`, `DEPLOY_LOG`, `DEPLOY_SPARES`, `DEPLOY_GRACE`, `DEPLOY_ENFORCE`, `DEPLOY_DASHBOARD`,
 * `DEPLOY_TRACE`, `DEPLOY_INSPECT`, `DEPLOY_INSPECT_BRK`, and `DEPLOY_RESOURCES`, which overrides what the program
 * says.
 *
 * @throws {SyntaxError} If one of them is invalid; the message is for the user.
 */
export function readSettings(
  variable: (name: string) => string | undefined,
  resources: Partial<Resources>,
  machine: ReturnType<typeof thisMachine>,
): LauncherSettings {
  const written = variable("DEPLOY_FORMAT") || "human";
  const format = OUTPUT_FORMATS.find((name) => name === written);
  if (format === undefined) {
    throw new SyntaxError(
      `Cannot use ${JSON.stringify(written)} as DEPLOY_FORMAT: write human, lines or json`,
    );
  }
  const text = variable("DEPLOY_RESOURCES") ?? "";
  const resolved = resolveResources(readResources(text), resolveResources(resources));
  const reason = invalidResource(resolved);
  if (reason !== undefined) {
    throw new SyntaxError(`Cannot use ${JSON.stringify(text)} as DEPLOY_RESOURCES: ${reason}`);
  }
  return {
    format,
    logLevel: parseLogLevel(variable("DEPLOY_LOG")),
    resources: resolved,
    maxSpares: maxSpares(variable("DEPLOY_SPARES"), machine),
    graceMs: parseGrace(variable("DEPLOY_GRACE"), "DEPLOY_GRACE"),
    enforces: enforcesFrom(variable("DEPLOY_ENFORCE")) ?? false,
    dashboardPort: readDashboardPort(variable("DEPLOY_DASHBOARD")),
    tracePath: variable("DEPLOY_TRACE") || undefined,
    inspection: readInspection(variable),
  };
}

/** `1` stands for all processes. */
function readInspection(variable: (name: string) => string | undefined): Inspection | undefined {
  const [open, brk] = [variable("DEPLOY_INSPECT") || "", variable("DEPLOY_INSPECT_BRK") || ""];
  if (open !== "" && brk !== "") {
    throw new SyntaxError(
      "Cannot use DEPLOY_INSPECT and DEPLOY_INSPECT_BRK together: set one of them",
    );
  }
  const [name, text] = open === "" ? ["DEPLOY_INSPECT_BRK", brk] : ["DEPLOY_INSPECT", open];
  if (text === "") return undefined;
  try {
    return parseInspection(text === "1" ? "" : text, text === brk);
  } catch (error) {
    throw new SyntaxError(`Cannot use ${JSON.stringify(text)} as ${name}: ${messageOf(error)}`);
  }
}

function readResources(text: string): Partial<Resources> {
  try {
    return parseResources(text);
  } catch (error) {
    const why = messageOf(error);
    throw new SyntaxError(`Cannot use ${JSON.stringify(text)} as DEPLOY_RESOURCES: ${why}`);
  }
}
