/**
 * What follows when a process on another host cannot be connected to: the hosts may be separated by a
 * firewall that lets only the ports of the nodes through.
 */

import { messageOf } from "../core/errors.ts";
import { ProtocolError } from "../core/protocol_error.ts";

/** After so long without a connection, the log says so. */
const SAY_MS = 3_000;

/** After so long, a process that does not answer is given up. */
const GIVE_UP_MS = 30_000;

/** Why an attempt to connect failed. */
export interface Obstacle {
  /** `connection refused`, `no answer`, or the system's words. */
  readonly why: string;
  /**
   * Whether the process itself may be the reason: a port is closed when its process has ended. How it ended
   * is known only from its node, which may have to show its output first.
   */
  readonly mayHaveEnded: boolean;
}

/** What an attempt that failed with `error` met; `undefined` if something answered. */
export function obstacleOf(error: unknown): Obstacle | undefined {
  const { ConnectionRefused, ConnectionReset, UnexpectedEof, BrokenPipe } = Deno.errors;
  if (error instanceof ProtocolError) return undefined;
  if ([ConnectionReset, UnexpectedEof, BrokenPipe].some((kind) => error instanceof kind)) {
    return undefined;
  }
  if (error instanceof ConnectionRefused) return { why: "connection refused", mayHaveEnded: true };
  const isTimeout = error instanceof DOMException && error.name === "AbortError" ||
    error instanceof Deno.errors.TimedOut;
  return { why: isTimeout ? "no answer" : messageOf(error), mayHaveEnded: false };
}

/** What to do after an attempt met `obstacle`, when all attempts for the last `forMs` have failed. */
export function afterObstacle(obstacle: Obstacle, forMs: number): "retry" | "say" | "give up" {
  if (forMs >= GIVE_UP_MS && !obstacle.mayHaveEnded) return "give up";
  return forMs >= SAY_MS ? "say" : "retry";
}
