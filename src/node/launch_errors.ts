/** The errors of processes that could not be launched. */

import { messageOf, SpawnError } from "../core/errors.ts";
import { NodeFaultError } from "../core/node_fault.ts";
import { requestedProcess, type SpawnRequest } from "../core/roles.ts";
import type { ChildProcess } from "../host/child_process.ts";
import { faultOf } from "../host/node_fault.ts";
import { deadStart, faultOfStart, NotStartedError } from "../host/not_started.ts";

/** Of one that comes too late. */
export function runIsEnding(request: SpawnRequest): SpawnError {
  return new SpawnError("lost", `${cannotStart(request)}: the run is ending`);
}

/**
 * Of one for which no OS process could be started, or told what to run.
 *
 * @param node The address of the node; `null` in a local run.
 */
export function startError(request: SpawnRequest, node: string | null, cause: unknown): SpawnError {
  const what = cannotStart(request);
  const fault = faultOf(cause);
  if (fault !== undefined) return new NodeFaultError(what, node, fault, { cause });
  return new SpawnError("not-started", `${what}: ${messageOf(cause)}`, { cause });
}

/** Of one that ended before it ran its function, or, after `lateMs`, was ended. */
export async function notStartedError(
  request: SpawnRequest,
  node: string | null,
  { child, lateMs }: { readonly child: ChildProcess; readonly lateMs?: number | undefined },
): Promise<SpawnError> {
  const start = await deadStart(child, lateMs);
  const fault = faultOfStart(start);
  if (fault === undefined) return new NotStartedError(request.function, start);
  return new NodeFaultError(cannotStart(request), node, fault);
}

/** What such an error says first. */
export function cannotStart(request: Pick<SpawnRequest, "function">): string {
  return `Cannot start ${requestedProcess(request)}`;
}
