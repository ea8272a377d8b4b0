/**
 * What follows when a process cannot be connected to: the hosts may be separated by a firewall that lets only the ports of
 * the nodes through, or this process may open no more files.
 */

import { messageOf } from "../core/errors.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import type { Patience } from "../net/liveness.ts";

/** The default: within 5 s it is said, also where an attempt that nobody answers takes 4 s. */
export const PATIENCE: Patience = { sayMs: 3_000, giveUpMs: 30_000 };

/**
 * Why an attempt that failed with `error` found nobody: `connection refused`, `no answer`, or the system's
 * words; `undefined` if something answered.
 */
export function obstacleOf(error: unknown): string | undefined {
  const { ConnectionRefused, ConnectionReset, UnexpectedEof, BrokenPipe } = Deno.errors;
  if (error instanceof ProtocolError) return undefined;
  if ([ConnectionReset, UnexpectedEof, BrokenPipe].some((kind) => error instanceof kind)) {
    return undefined;
  }
  if (error instanceof ConnectionRefused) return "connection refused";
  const isTimeout = error instanceof DOMException && error.name === "AbortError" ||
    error instanceof Deno.errors.TimedOut;
  return isTimeout ? "no answer" : messageOf(error);
}

/**
 * What to do when all attempts for the last `forMs` have failed: nothing yet, say so, or give the process up.
 * The last two only if it still runs: the port of a process that has ended is closed, too, and how it ended
 * is known when its node has shown its output, which may take long.
 */
export function afterObstacle(
  forMs: number,
  { sayMs, giveUpMs }: Patience,
): "retry" | "say" | "give up" {
  if (forMs >= giveUpMs) return "give up";
  return forMs >= sayMs ? "say" : "retry";
}
