/** How a process learns that it is one of a run: what its node leaves in its environment. */

/** What a node tells a process that it starts, in the variable {@linkcode BOOTSTRAP_VARIABLE}. */
export interface Bootstrap {
  /** Where the node listens for control links. */
  readonly control: { readonly hostname: string; readonly port: number };
  /** What shows the node which of its processes this is. */
  readonly token: string;
  /** The host to listen on for other processes. */
  readonly host: string;
}

/** The variable that makes a process one of a run. */
export const BOOTSTRAP_VARIABLE = "DEPLOY_PROCESS";

/** Reads the value of {@linkcode BOOTSTRAP_VARIABLE}. @throws {SyntaxError} If it is none. */
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
  const { control, token, host } = value as Record<string, unknown>;
  if (typeof control !== "string" || typeof token !== "string" || typeof host !== "string") {
    throw fail();
  }
  const address = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(control);
  const hostname = address?.[1] ?? address?.[2];
  const port = Number(address?.[3]);
  if (hostname === undefined || !(port > 0 && port < 65_536)) throw fail();
  return { control: { hostname, port }, token, host };
}

/**
 * What the node left for this process, taken out of the environment, so that it is neither seen by
 * the user's code nor inherited by what that starts; `undefined` in a process that no node started.
 *
 * @throws {SyntaxError} If there is something else in the variable.
 */
export function takeBootstrap(): Bootstrap | undefined {
  if (!mayAskFor(BOOTSTRAP_VARIABLE)) return undefined;
  try {
    const text = Deno.env.get(BOOTSTRAP_VARIABLE);
    if (text === undefined) return undefined;
    Deno.env.delete(BOOTSTRAP_VARIABLE);
    return parseBootstrap(text);
  } catch (error) {
    // A node gives what it starts the permissions that the program was started with, and those it
    // checked: so this is the process that a user started, and whoever comes next says what lacks.
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/** False where to read `variable` would make Deno ask the user at a terminal for permission. */
function mayAskFor(variable: string): boolean {
  // The query comes second, and so never in a process that a node started: it costs more.
  return !Deno.stdin.isTerminal() ||
    Deno.permissions.querySync({ name: "env", variable }).state === "granted";
}
