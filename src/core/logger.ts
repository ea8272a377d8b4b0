/** Diagnostics of the tool itself, kept apart from what the user's program writes. */

/** How much is said: each level says its own and all before it. */
export type LogLevel = "error" | "warn" | "info" | "debug";

/** Takes one-line messages. Which of them are shown depends on the level. */
export interface Logger {
  /** Something failed that should have worked. */
  error(message: string): void;
  /** Something works less well than it should. */
  warn(message: string): void;
  /** What an operator may want to follow. */
  info(message: string): void;
  /** What only whoever looks for a bug wants to know. */
  debug(message: string): void;
}

const LEVELS: readonly LogLevel[] = ["error", "warn", "info", "debug"];

/**
 * Reads the level from `DEPLOY_LOG`; `undefined` and the empty string mean `warn`.
 *
 * @throws {SyntaxError} If `text` names no level.
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

/** Makes one line of a message: `deploy: warn: …`, unless `name` is another. */
export function formatLine(level: LogLevel, message: string, name: string = "deploy"): string {
  // A peer's text may be part of a message, and must not be able to forge further lines.
  return `${name}: ${level}: ${message.replaceAll(/\r?\n/g, " | ")}`;
}

/**
 * Makes a logger that gives each message of `level` and above to `write`, as one line.
 *
 * @param format Makes the line, without its end. @default {@linkcode formatLine}
 */
export function createLogger(
  level: LogLevel,
  write: (line: string) => void,
  format: (level: LogLevel, message: string) => string = (level, text) => formatLine(level, text),
): Logger {
  const shown = LEVELS.indexOf(level);
  const at = (name: LogLevel): (message: string) => void => {
    if (LEVELS.indexOf(name) > shown) return () => {};
    return (message) => write(`${format(name, message)}\n`);
  };
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}
