/** The output of `fabric`: `ready` lines on stdout, everything else on stderr. */

import type { RunEvent } from "../core/events.ts";
import { formatStatus } from "../core/exit_status.ts";
import { createLogger, type Logger, type LogLevel, parseLogLevel } from "../core/logger.ts";
import { shortPid } from "../core/pid.ts";
import { cut, visible, visibleJson, visibleLine } from "../core/visible.ts";
import { startTimer } from "../net/delay.ts";

/** The format of all lines: text, or one JSON object each. */
export type ReportFormat = "human" | "json";

/** Writes the reports of a fabric. */
export interface Reporter {
  readonly logger: Logger;
  /** Reports that a part can be used: `ready node 10.0.0.2:9999`. */
  ready(part: "node" | "master" | "bridge" | "metrics", address: string): void;
  /** Reports that a process has started or ended on a node. Other events are ignored. */
  process(node: string, run: string, event: RunEvent): void;
}

/** Where reports go, and the time. */
export interface ReportOutput {
  readonly out: (line: string) => void;
  readonly error: (line: string) => void;
  readonly now: () => Date;
}

/**
 * Each line on stderr begins with the time (ISO 8601, in ms) and the level:
 * `2026-01-31T12:00:00.123Z info joined the master at 10.0.0.1:9999`.
 *
 * @param level The log level, as in `DEPLOY_LOG`. @default "info"
 * @throws {SyntaxError} If that is not a level.
 */
export function createReporter(
  format: ReportFormat,
  level: string | undefined,
  { out, error, now }: ReportOutput = SYSTEM_OUTPUT,
): Reporter {
  const time = () => now().toISOString();
  const json = format === "json";
  const line = (level: LogLevel, message: string) =>
    json
      ? visibleJson({ event: "log", time: time(), level, message: visible(cut(message)) })
      : `${time()} ${level} ${visibleLine(message)}`;
  return {
    logger: createLogger(
      level === undefined || level === "" ? "info" : parseLogLevel(level),
      error,
      { format: line, later: startTimer },
    ),
    ready: (part, address) => {
      const text = json
        ? visibleJson({ event: "ready", time: time(), part, address })
        : `ready ${part} ${address}`;
      out(`${text}\n`);
    },
    process: (node, run, event) => {
      if (event.event !== "spawn" && event.event !== "exit") return;
      const time = new Date(event.time).toISOString();
      const text = json
        ? visibleJson({ ...event, time, node, run })
        : `${time} info ${describe(node, run, event)}`;
      error(`${text}\n`);
    },
  };
}

/** A process's start or end. */
type StartOrEnd = Extract<RunEvent, { event: "spawn" | "exit" }>;

function describe(node: string, run: string, event: StartOrEnd): string {
  const process = `process ${shortPid(event.pid)} of run ${run}`;
  if (event.event === "spawn") return `${process} started on ${node}`;
  const status = visibleLine(formatStatus(event.status));
  return `${process} ended${status === "" ? "" : `: ${status}`}`;
}

const encoder = new TextEncoder();

/** Writes synchronously, so that the text is not lost if this process is killed next. */
function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let written = 0; written < bytes.length;) {
      written += stream.writeSync(bytes.subarray(written));
    }
  } catch {
    // The stream has no reader, which is no reason to end a cluster.
  }
}

const SYSTEM_OUTPUT: ReportOutput = {
  out: (line) => write(Deno.stdout, line),
  error: (line) => write(Deno.stderr, line),
  now: () => new Date(),
};
