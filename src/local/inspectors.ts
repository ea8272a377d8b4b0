/** Says how to attach debuggers to the processes of a local run. Loaded only if `DEPLOY_INSPECT` asks for it. */

import type { RunEvent } from "../core/events.ts";
import type { Inspection } from "../core/inspection.ts";
import type { Pid } from "../core/pid.ts";
import { inspectorLine, inspectorPath, uninspectedLine } from "../host/inspector_address.ts";

/** What is needed of the run. */
export interface InspectedRun {
  readonly inspection: Inspection;
  /** The port of the inspector of a process, while it runs. */
  readonly port: (pid: Pid) => number | undefined;
  /** A line for the user, between the lines of the processes. */
  readonly remark: (line: string) => Promise<void>;
}

/** Says it at the end of a run in which no process could be debugged. */
export async function announceNone(
  { inspection, remark }: Pick<InspectedRun, "inspection" | "remark">,
): Promise<void> {
  const line = uninspectedLine(inspection);
  if (line !== undefined) await remark(line);
}

/** Says it when a process has begun that can be debugged. */
export async function announceInspector(event: RunEvent, run: InspectedRun): Promise<void> {
  if (event.event !== "spawn" || event.inspected !== true) return;
  const port = run.port(event.pid);
  const path = port === undefined ? undefined : await inspectorPath(port);
  if (port === undefined || path === undefined) return; // it has ended
  const { breaks } = run.inspection;
  await run.remark(inspectorLine(event, { port, path, breaks }));
}
