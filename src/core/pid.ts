/** The identity of a process: 128 random bits and the address at which it listens. */

/** @internal */
declare const brand: unique symbol;

/**
 * Identifies one process in the whole cluster; it is never reused.
 *
 * A Pid is a primitive string, so it compares with `===`, is a key of a `Map`, and crosses channels
 * and `spawn` arguments like any string. Its text form is `<32 hex digits>@<host>:<port>`, with IPv6
 * hosts in brackets. The port is 1 where all processes run on one host, and listen on no port.
 *
 * @example
 * ```ts
 * import { isPid, shortPid } from "deploy";
 *
 * const text: unknown = "8a3be21f00d1c0ffee8a3be21f00d1c0@127.0.0.1:4100";
 * if (isPid(text)) console.log(shortPid(text)); // 8a3be21
 * ```
 */
export type Pid = string & { readonly [brand]: "Pid" };

/** The parts of a Pid. */
export interface PidParts {
  /** 32 lower-case hex digits: 128 random bits. */
  readonly id: string;
  /** The host without brackets. */
  readonly host: string;
  /** {@linkcode NO_PORT} if it can be reached only by its Unix socket, by processes of its own host. */
  readonly port: number;
}

/** The port in the Pid of a process without one: no process is given this port, and nothing listens there. */
export const NO_PORT = 1;

/** The number of hex digits of a Pid that are shown to people. */
const SHORT_DIGITS = 7;

/** A port has no leading zeros: Pids are compared as strings, so each process has one text. */
const PID = /^([0-9a-f]{32})@(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^\s:@[\]/]+)):([1-9]\d{0,4})$/;

/** Makes a Pid from its parts. */
export function makePid(id: string, host: string, port: number): Pid {
  return `${id}@${formatAddress(host, port)}` as Pid;
}

/** Parses a Pid; `undefined` if `text` is not one. */
export function parsePid(text: string): PidParts | undefined {
  const match = PID.exec(text);
  if (match === null) return undefined;
  const [, id, ipv6, name, digits] = match;
  const host = ipv6 ?? name;
  const port = Number(digits);
  if (id === undefined || host === undefined || port > 65_535) return undefined;
  return { id, host, port };
}

/** Whether `value` is the text of a Pid. It does not check whether such a process exists. */
export function isPid(value: unknown): value is Pid {
  return typeof value === "string" && parsePid(value) !== undefined;
}

/** The first 7 hex digits of a Pid, as the terminal shows it. */
export function shortPid(pid: Pid): string {
  return pid.slice(0, SHORT_DIGITS);
}

/** `host:port`, with an IPv6 host in brackets. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** 128 random bits as 32 hex digits. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let id = "";
  for (const byte of bytes) id += byte.toString(16).padStart(2, "0");
  return id;
}
