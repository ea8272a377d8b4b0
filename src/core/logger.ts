/**
 * Diagnostics of the tool itself, separate from the output of the user's program; and how many lines others can
 * cause in them: a host that connects ten thousand times has two lines.
 */

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

/** A host has one line in this time. */
export const QUIET_MS = 60_000;

/** How many hosts are told apart at a time; the others share their lines. */
export const MAX_HOSTS = 256;

/** What those in excess are called. */
const OTHERS = `more than ${MAX_HOSTS} hosts`;

/** Longer names of hosts are cut, so that the memory is bounded. */
const MAX_NAME = 100;

/** A line, and the host that it is about: its address, or a few words. */
export interface HostLine {
  readonly host: string;
  readonly line: string;
}

/** What has come about a host since its last line. */
interface Quiet {
  /** When the next line about it may be written. */
  readonly untilMs: number;
  /** How many lines were left out, and the last of them. */
  more: number;
  last: string;
}

/**
 * Decides which lines about hosts are written: the first about a host at once, and from then on at most one a
 * minute, with the number of those that were left out. Time is an argument.
 */
export class LineLimiter {
  /** The hosts that had a line lately, in the order in which their minutes end. */
  readonly #quiet = new Map<string, Quiet>();

  /** Takes a line. Returns the lines to write now: those that are {@linkcode due}, and perhaps it. */
  take({ host, line }: HostLine, nowMs: number): HostLine[] {
    const lines = this.due(nowMs);
    const name = host.slice(0, MAX_NAME);
    const key = this.#quiet.has(name) || this.#quiet.size < MAX_HOSTS ? name : OTHERS;
    const quiet = this.#quiet.get(key);
    if (quiet === undefined) {
      this.#quiet.set(key, { untilMs: nowMs + QUIET_MS, more: 0, last: "" });
      lines.push({ host: key, line });
    } else {
      quiet.more++;
      quiet.last = line;
    }
    return lines;
  }

  /** The lines about what was left out, of hosts whose minute has passed; they are quiet for another one. */
  due(nowMs: number): HostLine[] {
    const lines: HostLine[] = [];
    for (const [host, { untilMs, more, last }] of this.#quiet) {
      if (untilMs > nowMs) break;
      this.#quiet.delete(host);
      if (more === 0) continue;
      const line = more === 1 ? last : `${last}; ${more} such lines about ${host} in a minute`;
      lines.push({ host, line });
      this.#quiet.set(host, { untilMs: nowMs + QUIET_MS, more: 0, last: "" });
    }
    return lines;
  }

  /** When something is {@linkcode due} if nothing more comes; `undefined`: nothing was left out. */
  get dueMs(): number | undefined {
    for (const { untilMs, more } of this.#quiet.values()) if (more > 0) return untilMs;
    return undefined;
  }
}

/** The surroundings of {@linkcode limitLines}. */
export interface LimitOptions {
  /** @default performance.now */
  readonly now?: () => number;
  /**
   * Calls back after so many milliseconds, without keeping the process alive. Without it, what was left out
   * is said with the next line about any host.
   */
  readonly later?: (ms: number, due: () => void) => void;
}

/** Takes lines about hosts, and passes those that {@linkcode LineLimiter} lets through to `write`. */
export function limitLines(
  write: (line: HostLine) => void,
  { now = () => performance.now(), later }: LimitOptions = {},
): (line: HostLine) => void {
  const limiter = new LineLimiter();
  let waits = false;
  const wait = (): void => {
    const { dueMs } = limiter;
    if (waits || dueMs === undefined || later === undefined) return;
    waits = true;
    later(Math.max(0, dueMs - now()), () => {
      waits = false;
      for (const line of limiter.due(now())) write(line);
      wait();
    });
  };
  return (line) => {
    for (const each of limiter.take(line, now())) write(each);
    wait();
  };
}
