/** Asks a bridge, before a program is built, whether its first process fits on a node, and its name is free. */

import { messageOf } from "../core/errors.ts";
import type { Resources } from "../core/resources.ts";
import { Purpose } from "../net/protocol.ts";
import { MessageLink } from "../net/message_link.ts";
import {
  BRIDGE_TO_VIEWER,
  type BridgeToViewer,
  type ViewerToBridge,
} from "../wire/viewer_messages.ts";
import type { Bridge } from "./dial_bridge.ts";

/**
 * Checks that a node of the cluster is large enough, now or when it is empty, for what the user has chosen for the
 * first process. What only the program knows is not part of the question.
 *
 * @param options `program` is shown in the message.
 * @throws {Error} If no node is; or if the question cannot be asked. The message is one line.
 * @throws The reason of `signal`, if that is aborted.
 */
export async function askRoom(
  bridge: Bridge,
  { mem = 0, cpu = 0 }: Readonly<Partial<Resources>>,
  { program, signal }: { readonly program: string; readonly signal: AbortSignal },
): Promise<void> {
  const answer = await ask(bridge, { type: "fits", resources: { mem, cpu } }, signal);
  if (typeof answer === "string") {
    throw new Error(`Cannot ask the bridge whether there is room for ${program}: ${answer}`);
  }
  if (answer.type !== "fits" || answer.possible) return;
  throw new Error(`Cannot deploy ${program}: ${answer.message}`);
}

/**
 * The warning about a name that a run that has not ended has already; `undefined` for another one. Commands
 * find both runs by their ids only.
 *
 * @throws The reason of `signal`, if that is aborted.
 */
export async function askName(
  bridge: Bridge,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const answer = await ask(bridge, { type: "list", memory: false }, signal);
  // If the bridge is gone, the deployment says so.
  if (typeof answer === "string" || answer.type !== "runs") return undefined;
  const same = answer.runs.find((run) => run.name === name && run.endedMs === null);
  if (same === undefined) return undefined;
  return `run ${same.id} is called ${JSON.stringify(name)}, too: name each by its id`;
}

/** The answer to a question, or why there is none. @throws The reason of `signal`, if that is aborted. */
async function ask(
  bridge: Bridge,
  question: ViewerToBridge,
  signal: AbortSignal,
): Promise<BridgeToViewer | string> {
  const conn = await bridge.dial(Purpose.view, signal);
  const link = new MessageLink<ViewerToBridge, BridgeToViewer>(conn, {
    schema: BRIDGE_TO_VIEWER,
    liveness: bridge.liveness,
  });
  const drop = (): void => link.drop();
  signal.addEventListener("abort", drop);
  try {
    void link.send(question);
    for await (const message of link.messages()) return message;
    signal.throwIfAborted();
    return messageOf(await link.ended);
  } finally {
    signal.removeEventListener("abort", drop);
    link.drop();
  }
}
