/** Diagnostics of the tool itself, separate from the output of the user's program. */

/** The levels of messages: each level includes those before it. */
export type LogLevel = "error" | "warn" | "info" | "debug";

/** Takes one-line messages. The level decides which are shown. */
export interface Logger {
  /** Something failed that should have worked. */
  error(message: string): void;
  /** Something works less well than it should. */
  warn(message: string): void;
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

/** Formats a message as one line: `deploy: warn: …`. */
export function formatLine(level: LogLevel, message: string): string {
  return `deploy: ${level}: ${oneLine(message)}`;
}

/** A message without line breaks: a peer's text may be part of it, and must not forge further lines. */
export function oneLine(message: string): string {
  return message.replaceAll(/\r?\n/g, " | ");
}

/**
 * Makes a logger that passes each message of `level` and above to `write` as one line.
 *
 * @param format Formats the line, without its newline. @default {@linkcode formatLine}
 */
export function createLogger(
  level: LogLevel,
  write: (line: string) => void,
  format: (level: LogLevel, message: string) => string = formatLine,
): Logger {
  const shown = LEVELS.indexOf(level);
  const at = (name: LogLevel): (message: string) => void => {
    if (LEVELS.indexOf(name) > shown) return () => {};
    return (message) => write(`${format(name, message)}\n`);
  };
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}
