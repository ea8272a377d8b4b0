/** Serves who attaches to a run that was deployed before, or comes back to one. */

import { findRun } from "../core/run_entry.ts";
import { exitCodeOf } from "../run/run_state.ts";
import type { DeployToBridge } from "../wire/run_messages.ts";
import { Attachment, type AttachmentOptions, type DeployLink } from "./attachment.ts";
import { type Caller, didLine, whyNotControl } from "./caller.ts";
import type { ActiveRun, DeploymentContext } from "./deployment.ts";
import { LOST_CODE } from "./run_archive.ts";
import { endedViewer } from "./viewing.ts";

/** What it takes to attach. */
export type AttachingContext = Pick<
  DeploymentContext,
  "archive" | "attachments" | "liveness" | "logger" | "runs"
>;

/**
 * Serves a link whose first message is `attach`, until it ends. `messages` are those that follow.
 *
 * @throws {ProtocolError} If the viewer breaks the protocol.
 */
export async function attach(
  link: DeployLink,
  { run: query, by, stdin }: Extract<DeployToBridge, { type: "attach" }>,
  messages: AsyncGenerator<DeployToBridge>,
  caller: Caller,
  context: AttachingContext,
): Promise<void> {
  const found = findRun(query, context.archive.list());
  if ("why" in found) return await refuse(link, found.why, messages);
  const { id, name } = found.run;
  const active = context.runs.get(id);
  const why = stdin && active !== undefined ? whyNotControl(found.run, caller) : undefined;
  if (why !== undefined) {
    return await refuse(link, `${why}; look at it with: deploy attach --no-stdin ${id}`, messages);
  }
  context.logger.info(didLine(caller, by, `attached to run ${id} (${name})`));
  const attachment = active === undefined
    ? await attachToLog(id, context)
    : attachToRun(active, stdin, context);
  void link.send({ type: "attached", run: id, name, token: attachment.token });
  attachment.begin(link);
  await attachment.serve(link, messages);
}

/**
 * Serves a link whose first message is `resume`, until it ends. `messages` are those that follow.
 *
 * @throws {ProtocolError} If the viewer breaks the protocol.
 */
export async function resume(
  link: DeployLink,
  { token, from }: Extract<DeployToBridge, { type: "resume" }>,
  messages: AsyncGenerator<DeployToBridge>,
  { attachments }: AttachingContext,
): Promise<void> {
  const attachment = attachments.get(token);
  if (attachment === undefined) {
    const why = "the bridge no longer waits for this deploy, or was restarted meanwhile";
    return await refuse(link, why, messages);
  }
  attachment.resume(link, from);
  await attachment.serve(link, messages);
}

/** Sends `refused`. The viewer says goodbye, having read it. */
async function refuse(
  link: DeployLink,
  why: string,
  messages: AsyncGenerator<DeployToBridge>,
): Promise<void> {
  void link.send({ type: "refused", why, output: new Uint8Array() });
  for await (const { type } of messages) if (type === "bye") break;
  link.drop();
}

function attachToRun(
  { run, stdin: runStdin }: ActiveRun,
  stdin: boolean,
  context: AttachingContext,
): Attachment {
  const attachment = remembered((options) => {
    return new Attachment(run, { ...options, stdin: stdin ? runStdin : undefined });
  }, context);
  void run.over.then(() => {
    attachment.finish({ type: "over", code: exitCodeOf(run.state) ?? LOST_CODE });
  });
  return attachment;
}

/** Shows the log of a run that has ended. */
async function attachToLog(id: string, context: AttachingContext): Promise<Attachment> {
  const { archive } = context;
  const log = await archive.openLog(id);
  const shown = {
    view: (offset: number) => endedViewer(log, offset),
    waits: () => Promise.resolve([]),
  };
  const attachment = remembered((options) => new Attachment(shown, options), context, () => {
    void log.close();
  });
  const code = archive.list().find((run) => run.id === id)?.code ?? LOST_CODE;
  attachment.finish({ type: "over", code });
  return attachment;
}

/** Makes an attachment that is known by its token until it is gone. */
function remembered(
  make: (options: AttachmentOptions) => Attachment,
  { attachments, liveness }: AttachingContext,
  released: () => void = () => {},
): Attachment {
  const attachment = make({
    waitMs: liveness.reconnectMs,
    gone: () => {
      attachments.delete(attachment.token);
      released();
    },
  });
  attachments.set(attachment.token, attachment);
  return attachment;
}
