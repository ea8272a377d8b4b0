/** Diagnostics of the tool itself, separate from the output of the user's program. */

import { limitLines, type LimitOptions } from "./line_limiter.ts";
import { visibleLine } from "./visible.ts";

/** The levels of messages: each level includes those before it. */
export type LogLevel = "error" | "warn" | "info" | "debug";

/** Takes one-line messages. The level decides which are shown. */
export interface Logger {
  /** Something failed that should have worked. */
  error(message: string): void;
  /** Something works less well than it should. */
  warn(message: string): void;
  /**
   * A warning that `host`, an address or a few words, can cause as often as it likes: there is one line a host
   * and minute, with the number of those that were left out.
   */
  about(host: string, message: string): void;
  /** Events of interest to an operator. */
  info(message: string): void;
  /** Details for debugging. */
  debug(message: string): void;
}

const LEVELS: readonly LogLevel[] = ["error", "warn", "info", "debug"];

/**
 * Reads the level from `DEPLOY_LOG`; `undefined` and the empty string mean `warn`.
 *
 * @throws {SyntaxError} If `text` is not a level.
 */
export function parseLogLevel(text: string | undefined): LogLevel {
  if (text === undefined || text === "") return "warn";
  const level = LEVELS.find((name) => name === text);
  if (level === undefined) {
    throw new SyntaxError(
      `Cannot use ${JSON.stringify(text)} as DEPLOY_LOG: write error, warn, info or debug`,
    );
  }
  return level;
}

/** Formats a message as one line: `deploy: warn: ...`. */
function formatLine(level: LogLevel, message: string): string {
  return `deploy: ${level}: ${visibleLine(message)}`;
}

/** The options of {@linkcode createLogger}. */
export interface LoggerOptions extends LimitOptions {
  /** Formats the line, without its newline. @default {@linkcode formatLine} */
  readonly format?: (level: LogLevel, message: string) => string;
}

/** Makes a logger that passes each message of `level` and above to `write` as one line. */
export function createLogger(
  level: LogLevel,
  write: (line: string) => void,
  { format = formatLine, ...limits }: LoggerOptions = {},
): Logger {
  const shown = LEVELS.indexOf(level);
  const at = (name: LogLevel): (message: string) => void => {
    if (LEVELS.indexOf(name) > shown) return () => {};
    return (message) => write(`${format(name, message)}\n`);
  };
  const warn = at("warn");
  const limited = limitLines(({ line }) => warn(line), limits);
  return {
    error: at("error"),
    warn,
    about: (host, line) => limited({ host, line }),
    info: at("info"),
    debug: at("debug"),
  };
}
