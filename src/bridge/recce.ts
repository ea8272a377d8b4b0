/** Finds out what a program needs, by running it as far as `init()`. */

import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress, randomId } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import { ChildProcess, type OutputChunk } from "../node/child_process.ts";
import { equalSecret } from "../node/control_server.ts";
import { describeEnd } from "../node/not_started.ts";
import type { Program } from "../node/program.ts";
import { Watchdog } from "../node/watchdog.ts";
import { ControlDecoder, decodeRecceMessage, MAX_HELLO_BYTES } from "../wire/control.ts";
import { ProtocolError } from "../wire/protocol_error.ts";

/** How long a program may take to reach `init()`. */
export const RECCE_TIMEOUT_MS = 10_000;

/** A program did not say what it needs. The message is one line. */
export class RecceError extends Error {
  /** What the program wrote. */
  readonly output: readonly OutputChunk[];

  constructor(message: string, output: readonly OutputChunk[]) {
    super(message);
    this.name = "RecceError";
    this.output = output;
  }
}

/**
 * Starts `program` in such a way that `init()` tells what the first process needs, and ends it.
 *
 * @throws {RecceError} If it cannot be started, or if it ends, or 10 s pass, before it has called
 * `init()`.
 * @throws The reason of `signal`, if that is aborted; the program is ended then, too.
 */
export async function recce(
  program: Program,
  options: { logger: Logger; signal: AbortSignal },
): Promise<Resources> {
  const { logger, signal } = options;
  signal.throwIfAborted();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const token = randomId();
  const child = start(program, formatAddress("127.0.0.1", listener.addr.port), token);
  const watchdog = new Watchdog(logger);
  const late = AbortSignal.timeout(RECCE_TIMEOUT_MS);
  const ends = AbortSignal.any([late, signal]);
  const ended = Promise.withResolvers<undefined>();
  const end = (): void => ended.resolve(undefined);
  ends.addEventListener("abort", end);
  try {
    await watchdog.add(child.group);
    const needs = await Promise.race([
      report(listener, token, logger),
      child.exited.then(() => undefined),
      ended.promise,
    ]);
    if (needs !== undefined) return needs;
    child.kill();
    const status = await child.exited;
    await Promise.all([child.drained[1], child.drained[2]]);
    signal.throwIfAborted();
    const how = late.aborted
      ? `did not reach await init() within ${RECCE_TIMEOUT_MS / 1_000} s`
      : `${describeEnd({ status, output: child.held, overflowed: child.overflowed })} before ` +
        `await init()`;
    throw new RecceError(`Cannot start: the program ${how}`, child.held);
  } finally {
    ends.removeEventListener("abort", end);
    child.kill();
    await child.exited;
    watchdog.remove(child.group);
    await watchdog.close();
  }
}

function start(program: Program, control: string, token: string): ChildProcess {
  const bootstrap = { control, token, host: "127.0.0.1", recce: true };
  try {
    return new ChildProcess(program, {
      env: { DEPLOY_PROCESS: JSON.stringify(bootstrap) },
      stdin: false,
    });
  } catch (cause) {
    const why = messageOf(cause);
    throw new RecceError(`Cannot start: ${why}`, []);
  }
}

/** Resolves with what the process says that has the token. */
function report(listener: Deno.TcpListener, token: string, logger: Logger): Promise<Resources> {
  const { promise, resolve } = Promise.withResolvers<Resources>();
  const drop = (error: Error): void =>
    logger.warn(`Dropped a connection that was to say what a program needs: ${error.message}`);
  const serve = async (): Promise<void> => {
    // Ends when the listener is closed: when that is known, or not wanted any more.
    for await (const conn of listener) void readReport(conn, token).then(resolve, drop);
  };
  // If too many files are open here, the program waits, and then it is too late.
  serve().catch((error) => logger.error(`Cannot learn what a program needs: ${error.message}`));
  return promise;
}

async function readReport(conn: Deno.TcpConn, token: string): Promise<Resources> {
  let open = true;
  const close = () => {
    if (open) conn.close();
    open = false;
  };
  const timer = setTimeout(close, RECCE_TIMEOUT_MS);
  try {
    const decoder = new ControlDecoder(MAX_HELLO_BYTES);
    const buffer = new Uint8Array(MAX_HELLO_BYTES);
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      for (const body of decoder.push(buffer.subarray(0, count))) {
        const { token: shown, mem, cpu } = decodeRecceMessage(body);
        if (!equalSecret(shown, token)) throw new ProtocolError("its token is another");
        return { mem, cpu };
      }
    }
    throw new ProtocolError("it said nothing");
  } finally {
    clearTimeout(timer);
    close();
  }
}
