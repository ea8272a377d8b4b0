/** How a process learns that it belongs to a run: the variable that its node sets in its environment. */

import { Protection } from "../net/protocol.ts";
import type { Endpoint, Ports } from "../net/transport.ts";
import type { Patience } from "../net/liveness.ts";

/** The information of a node for a process that it starts, in the variable {@linkcode BOOTSTRAP_VARIABLE}. */
export interface Bootstrap {
  /** Where the node listens for control links. */
  readonly control: Endpoint;
  /** The token that identifies this process to the node. */
  readonly token: string;
  /** The path of the Unix socket to listen on for other processes of this host. */
  readonly socket?: string;
  /** The address to listen on, on a TCP port, for processes of other hosts. */
  readonly host?: string;
  /** How what it says to processes of other hosts is protected. @default `open` */
  readonly protection?: Protection;
  /** The ports that it may listen on. @default any */
  readonly ports?: Ports;
  /** How long it tries to connect to processes of other hosts. @default PATIENCE */
  readonly patience?: Patience;
  /** For each permission that is limited here, who limits it, for people. */
  readonly limits?: Readonly<Record<string, string>>;
}

/** The variable that makes a process one of a run. */
export const BOOTSTRAP_VARIABLE = "DEPLOY_PROCESS";

/** Reads the value of {@linkcode BOOTSTRAP_VARIABLE}. @throws {SyntaxError} If it is malformed. */
export function parseBootstrap(text: string): Bootstrap {
  const fail = (cause?: unknown) =>
    new SyntaxError(
      `Cannot join a run: the environment variable ${BOOTSTRAP_VARIABLE} does not have the form that a node gives it`,
      { cause },
    );
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail(cause);
  }
  if (typeof value !== "object" || value === null) throw fail();
  const { control, token, socket, host, protection, ports, patience, limits } = value as Record<
    string,
    unknown
  >;
  if (typeof control !== "string" || typeof token !== "string") throw fail();
  const places = {
    ...(socket === undefined ? {} : { socket }),
    ...(host === undefined ? {} : { host }),
    ...(protection === undefined ? {} : { protection }),
    ...(ports === undefined ? {} : { ports }),
    ...(patience === undefined ? {} : { patience }),
    ...(limits === undefined ? {} : { limits }),
  };
  if (!isPlaces(places)) {
    throw fail();
  }
  if (control.startsWith("/")) return { control: { path: control }, token, ...places };
  const address = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(control);
  const hostname = address?.[1] ?? address?.[2];
  const port = Number(address?.[3]);
  if (hostname === undefined || !(port > 0 && port < 65_536)) throw fail();
  return { control: { hostname, port }, token, ...places };
}

/** Where the process is to listen, and how long it tries to reach others. */
type Places = Pick<Bootstrap, "socket" | "host" | "protection" | "ports" | "patience" | "limits">;

function isPlaces(value: Record<string, unknown>): value is Places {
  const { socket, host, protection, ports, patience, limits } = value;
  return (typeof socket === "string" || typeof host === "string") &&
    [socket, host].every((each) => each === undefined || typeof each === "string") &&
    (protection === undefined || Object.values(Protection).some((known) => known === protection)) &&
    (ports === undefined || isPorts(ports)) &&
    (patience === undefined || isPatience(patience)) &&
    (limits === undefined || isTexts(limits));
}

function isTexts(value: unknown): value is Record<string, string> {
  return typeof value === "object" && value !== null &&
    Object.values(value).every((each) => typeof each === "string");
}

function isPatience(value: unknown): value is Patience {
  if (typeof value !== "object" || value === null) return false;
  const { sayMs, giveUpMs } = value as Record<string, unknown>;
  return typeof sayMs === "number" && typeof giveUpMs === "number";
}

function isPorts(value: unknown): value is Ports {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isInteger);
}

/**
 * Takes the node's information out of the environment, so that the user's code does not see it and child
 * processes do not inherit it; `undefined` in a process that no node started.
 *
 * @throws {SyntaxError} If the variable has another value.
 */
export function takeBootstrap(): Bootstrap | undefined {
  if (!mayAskFor(BOOTSTRAP_VARIABLE)) return undefined;
  try {
    const text = Deno.env.get(BOOTSTRAP_VARIABLE);
    if (text === undefined) return undefined;
    Deno.env.delete(BOOTSTRAP_VARIABLE);
    return parseBootstrap(text);
  } catch (error) {
    // A node passes on the permissions of the program, which it has checked. So this is the process that a
    // user started, and the missing permission is reported later.
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/** False where reading `variable` would make Deno prompt for permission. */
function mayAskFor(variable: string): boolean {
  // The query comes second, since it costs more: a process that a node started never needs it.
  return !Deno.stdin.isTerminal() ||
    Deno.permissions.querySync({ name: "env", variable }).state === "granted";
}
