/** Serves somebody who looks at the runs of a bridge: one request after the other. */

import { ProtocolError } from "../core/errors.ts";
import type { RunEntry } from "../core/run_entry.ts";
import { describeTarget, findTarget, type ProcessTarget } from "../core/run_target.ts";
import type { MessageLink } from "../net/message_link.ts";
import { MAX_WAITING } from "../wire/run_messages.ts";
import type { BridgeToViewer, RunMemory, ViewerToBridge } from "../wire/viewer_messages.ts";
import { RunViewer } from "../run/run.ts";
import type { RunLog } from "../run/run_log.ts";
import { type Caller, didLine, nameOf, whyNotControl } from "./caller.ts";
import type { DeploymentContext } from "./deployment.ts";

/** The link to a viewer. */
export type ViewerLink = MessageLink<BridgeToViewer, ViewerToBridge>;

/** What a viewer may look at. */
export type ViewingContext = KnownRuns & Pick<DeploymentContext, "master" | "logger">;

/** The runs of a bridge. */
type KnownRuns = Pick<DeploymentContext, "runs" | "archive">;

/** How many requests of a viewer may be unanswered: the answer to one may arrive before it counts as sent. */
const MAX_REQUESTS = 2;

/**
 * Answers requests, one after the other, until the viewer closes the connection: if the bridge closed it,
 * unread data could be lost.
 *
 * @throws {ProtocolError} If the viewer breaks the protocol.
 */
export async function serveViewer(
  link: ViewerLink,
  caller: Caller,
  context: ViewingContext,
): Promise<void> {
  let answering: Promise<void> = Promise.resolve();
  let unanswered = 0;
  for await (const request of link.messages()) {
    if (++unanswered > MAX_REQUESTS) {
      throw new ProtocolError(`more than ${MAX_REQUESTS} unanswered requests`);
    }
    answering = answering.then(async () => {
      await answer(link, request, caller, context);
      unanswered--;
    });
    answering.catch(() => link.drop());
  }
  link.drop();
  await answering;
}

async function answer(
  link: ViewerLink,
  request: ViewerToBridge,
  caller: Caller,
  { runs, archive, master, logger }: ViewingContext,
): Promise<void> {
  if (request.type === "list") {
    const memory = request.memory ? await memoryOf(runs) : [];
    return await link.send({ type: "runs", runs: archive.list(), memory });
  }
  if (request.type === "nodes") {
    return await link.send({ type: "nodes", nodes: await master.nodes() });
  }
  if (request.type === "fits") {
    const { possible, message } = await master.where(request.resources);
    return await link.send({ type: "fits", possible, message });
  }
  const isOfProcesses = request.type === "why" || request.type === "kill";
  const processes = () => isOfProcesses ? runningProcessesOf(runs, archive) : [];
  const found = findTarget(request.run, archive.list(), processes);
  if ("why" in found) return await link.send({ type: "refused", why: found.why });
  const { id } = found.run;
  const process = "process" in found ? found.process : null;
  const active = runs.get(id);
  switch (request.type) {
    case "view":
      return await view(link, found.run, request, { runs, archive });
    case "processes":
      return await viewProcesses(link, found.run, { runs, archive });
    case "doings":
      return await viewDoings(link, found.run, request.from, { runs, archive });
    case "samples": {
      const processes = await active?.run.samples() ?? [];
      return await link.send({ type: "samples", processes: processes.slice(0, MAX_WAITING) });
    }
    case "why": {
      if (active === undefined) return await link.send(refusedAsEnded(found.run));
      const all = await active.run.waits();
      const lines = process === null ? all : all.filter(({ pid }) => pid === process.pid);
      return await link.send({ type: "waits", lines: lines.slice(0, MAX_WAITING) });
    }
    case "kill": {
      if (active === undefined) return await link.send(refusedAsEnded(found.run));
      const why = whyNotControl(found.run, caller);
      if (why !== undefined) return await link.send({ type: "refused", why });
      const target = describeTarget(found.run, process);
      logger.info(didLine(caller, request.by, `told ${target} to stop`));
      if (process === null) {
        const by = nameOf(caller, request.by);
        active.run.said(`the run was told to stop by ${by} at ${caller.remote}`);
        active.stop(request);
      } else active.stopProcess(process.pid, request);
      return await link.send({ type: "told", run: found.run, process });
    }
  }
}

/** What the processes of each run use. */
async function memoryOf(runs: KnownRuns["runs"]): Promise<RunMemory[]> {
  const known = await Promise.all(Array.from(runs, async ([run, active]) => {
    const processes = await active.run.usage();
    const bytes = processes.reduce((sum, { memBytes }) => sum + memBytes, 0);
    return processes.length === 0 ? [] : [{ run, bytes }];
  }));
  return known.flat();
}

function* runningProcessesOf(
  runs: ViewingContext["runs"],
  archive: ViewingContext["archive"],
): Generator<ProcessTarget> {
  for (const run of archive.list()) {
    for (const { pid, name } of runs.get(run.id)?.run.state.running.values() ?? []) {
      yield { run, process: { pid, name } };
    }
  }
}

function refusedAsEnded({ id, name }: RunEntry): BridgeToViewer {
  return { type: "refused", why: `run ${id} (${name}) has ended` };
}

/** Sends the events of a run from one on, up to what there is now or, with `follow`, to its end. */
async function view(
  link: ViewerLink,
  entry: RunEntry,
  { follow, from: first }: Extract<ViewerToBridge, { type: "view" }>,
  { runs, archive }: KnownRuns,
): Promise<void> {
  const active = runs.get(entry.id)?.run;
  const log = active === undefined ? await archive.openLog(entry.id) : undefined;
  try {
    const { start, end: now } = active ?? log!;
    const end = follow ? Infinity : now;
    // A bridge that was killed may have shown events that it had yet to write.
    let next = Math.min(Math.max(first, start), now);
    await link.send({ type: "viewing", run: entry, missing: Math.max(0, next - first) });
    const viewer = active?.view(next) ?? endedViewer(log!, next);
    // It may wait for an event, of which nobody is left to be told.
    void link.ended.then(() => viewer.close());
    if (next >= end) viewer.close(); // it would wait for the next event
    for await (const { from, records } of viewer) {
      if (from > next) await link.send({ type: "missing", events: from - next });
      next = from + records.length;
      for (const { body } of records) {
        if (link.over) break;
        await link.sendBody(body);
      }
      if (link.over || next >= end) break;
    }
    const ended = archive.list().find(({ id }) => id === entry.id) ?? entry;
    await link.send({ type: "over", run: ended });
  } finally {
    await log?.close();
  }
}

/** Sends the starts and ends of all processes of a run so far, and what those that run use. */
async function viewProcesses(
  link: ViewerLink,
  entry: RunEntry,
  { runs, archive }: KnownRuns,
): Promise<void> {
  const active = runs.get(entry.id)?.run;
  const log = active?.processes ?? await archive.openProcesses(entry.id);
  try {
    if (!await sendLog(link, entry, log)) return;
    const processes = await active?.usage() ?? [];
    await link.send({ type: "usages", processes: processes.slice(0, MAX_WAITING) });
    await link.send({ type: "over", run: entry });
  } finally {
    if (active === undefined) await log.close();
  }
}

/** Sends what the processes of a run have been seen to do so far, from that message on. */
async function viewDoings(
  link: ViewerLink,
  entry: RunEntry,
  first: number,
  { runs, archive }: KnownRuns,
): Promise<void> {
  const active = runs.get(entry.id)?.run;
  const log = active?.doings ?? await archive.openDoings(entry.id);
  try {
    if (await sendLog(link, entry, log, first)) await link.send({ type: "over", run: entry });
  } finally {
    if (active === undefined) await log.close();
  }
}

/** Sends what a log holds now, from that message on; tells whether the viewer has stayed for all of it. */
async function sendLog(
  link: ViewerLink,
  entry: RunEntry,
  log: RunLog,
  first = 0,
): Promise<boolean> {
  let next = Math.min(Math.max(first, log.start), log.end);
  await link.send({ type: "viewing", run: entry, missing: Math.max(0, next - first) });
  for await (const { from, records } of endedViewer(log, next)) {
    if (from > next) await link.send({ type: "missing", events: from - next });
    next = from + records.length;
    for (const { body } of records) {
      if (link.over) return false;
      await link.sendBody(body);
    }
  }
  return true;
}

/** Views a log as it is now, from that event on. */
export function endedViewer(log: RunLog, offset = 0): RunViewer {
  const viewer = new RunViewer(log, offset, () => {}, () => {});
  viewer.finish();
  return viewer;
}
