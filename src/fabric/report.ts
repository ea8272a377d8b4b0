/** The output of `fabric`: `ready` lines on stdout, everything else on stderr. */

import type { RunEvent } from "../core/events.ts";
import { formatStatus } from "../core/exit_status.ts";
import { createLogger, formatLine, type Logger, parseLogLevel } from "../core/logger.ts";
import { shortPid } from "../core/pid.ts";

/** The format of lines on stderr: text, or one JSON object each. */
export type ReportFormat = "human" | "json";

/** Writes the reports of a fabric. */
export interface Reporter {
  readonly logger: Logger;
  /** Reports that a part can be used: `ready node 10.0.0.2:9999`. */
  ready(part: "node" | "master" | "bridge", address: string): void;
  /** Reports that a process has started or ended on a node. Other events are ignored. */
  process(node: string, run: string, event: RunEvent): void;
}

const encoder = new TextEncoder();

/**
 * @param level The log level, as in `DEPLOY_LOG`. @default "info"
 * @throws {SyntaxError} If that is not a level.
 */
export function createReporter(format: ReportFormat, level: string | undefined): Reporter {
  const logger = createLogger(
    level === undefined || level === "" ? "info" : parseLogLevel(level),
    (line) => write(Deno.stderr, line),
    (level, message) =>
      format === "json"
        ? JSON.stringify({ event: "log", level, message })
        : formatLine(level, message, "fabric"),
  );
  return {
    logger,
    ready: (part, address) => write(Deno.stdout, `ready ${part} ${address}\n`),
    process: (node, run, event) => {
      const line = format === "json"
        ? JSON.stringify({ node, run, ...event })
        : describe(node, run, event);
      if (line !== undefined) write(Deno.stderr, `${line}\n`);
    },
  };
}

function describe(node: string, run: string, event: RunEvent): string | undefined {
  if (event.event !== "spawn" && event.event !== "exit") return undefined;
  const process = `process ${shortPid(event.pid)} of run ${run}`;
  if (event.event === "spawn") return `fabric: ${process} started on ${node}`;
  const status = formatStatus(event.status);
  return `fabric: ${process} ended${status === "" ? "" : `: ${status}`}`;
}

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
