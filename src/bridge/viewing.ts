/** Serves somebody who looks at the runs of a bridge: one request a connection. */

import { findRun, type RunEntry } from "../core/run_entry.ts";
import type { MessageLink } from "../net/message_link.ts";
import { MAX_WAITING } from "../wire/run_messages.ts";
import type { BridgeToViewer, ViewerToBridge } from "../wire/viewer_messages.ts";
import { RunViewer } from "../run/run.ts";
import type { DeploymentContext } from "./deployment.ts";

/** The link to a viewer. */
export type ViewerLink = MessageLink<BridgeToViewer, ViewerToBridge>;

/** What a viewer may look at. */
export type ViewingContext = Pick<DeploymentContext, "runs" | "archive">;

/**
 * Serves one request, until it is answered, and then until the viewer closes the connection: if the bridge
 * closed it, unread data could be lost.
 *
 * @throws {ProtocolError} If the viewer breaks the protocol.
 */
export async function serveViewer(link: ViewerLink, context: ViewingContext): Promise<void> {
  const messages = link.messages();
  const { value: request } = await messages.next();
  if (request === undefined) return;
  const answering = answer(link, request, context);
  answering.catch(() => link.drop());
  while (!(await messages.next()).done);
  link.drop();
  await answering;
}

async function answer(
  link: ViewerLink,
  request: ViewerToBridge,
  { runs, archive }: ViewingContext,
): Promise<void> {
  if (request.type === "list") return await link.send({ type: "runs", runs: archive.list() });
  const found = findRun(request.run, archive.list());
  if ("why" in found) return await link.send({ type: "refused", why: found.why });
  const { id } = found.run;
  const active = runs.get(id);
  switch (request.type) {
    case "view":
      return await view(link, found.run, request.follow, { runs, archive });
    case "why": {
      if (active === undefined) return await link.send(refusedAsEnded(found.run));
      const lines = await active.run.waitLines();
      return await link.send({ type: "waits", lines: lines.slice(0, MAX_WAITING) });
    }
    case "kill": {
      if (active === undefined) return await link.send(refusedAsEnded(found.run));
      active.stop(request);
      return await link.send({ type: "told", run: found.run });
    }
  }
}

function refusedAsEnded({ id, name }: RunEntry): BridgeToViewer {
  return { type: "refused", why: `run ${id} (${name}) has ended` };
}

/** Sends the events of a run, up to what there is now or, with `follow`, to its end. */
async function view(
  link: ViewerLink,
  entry: RunEntry,
  follow: boolean,
  { runs, archive }: ViewingContext,
): Promise<void> {
  const active = runs.get(entry.id)?.run;
  const log = active === undefined ? await archive.openLog(entry.id) : undefined;
  try {
    const end = follow ? Infinity : active?.end ?? log!.end;
    const viewer = active?.view() ?? endedViewer(log!);
    if (end === 0) viewer.close(); // it would wait for the first event
    let isFirst = true;
    for await (const { from, records } of viewer) {
      if (isFirst) await link.send({ type: "viewing", run: entry, missing: from });
      isFirst = false;
      for (const { body } of records) {
        if (link.over) break;
        await link.sendBody(body);
      }
      if (link.over || from + records.length >= end) break;
    }
    const now = archive.list().find(({ id }) => id === entry.id) ?? entry;
    await link.send({ type: "over", run: now });
  } finally {
    await log?.close();
  }
}

/** Views a log to which nothing is added. */
function endedViewer(log: ConstructorParameters<typeof RunViewer>[0]): RunViewer {
  const viewer = new RunViewer(log, 0, () => {}, () => {});
  viewer.finish();
  return viewer;
}
