/** Connects a run that a bridge shows with this terminal: its display and its stdin. */

import type { RunEvent } from "../core/events.ts";
import { Purpose } from "../net/protocol.ts";
import { endOf } from "../net/message_link.ts";
import { forwardInput, type InputSource } from "../terminal/input.ts";
import { AttachedRun, type BridgeLink, bridgeLink, type Ended } from "./attached_run.ts";
import type { Bridge } from "./dial_bridge.ts";
import type { RunDisplay } from "./run_display.ts";

/** Connects to a bridge, to deploy or to attach. @throws {ConnectError} If that fails. */
export async function connectToRun(bridge: Bridge, signal?: AbortSignal): Promise<BridgeLink> {
  return bridgeLink(await bridge.dial(Purpose.deploy, signal), bridge.liveness);
}

/**
 * The run that comes on that link, and on those that replace it, as `display` shows it.
 *
 * @param took Is called for each event that has been shown.
 */
export function openRun(
  link: BridgeLink,
  bridge: Bridge,
  display: RunDisplay,
  took: (event: RunEvent) => void = () => {},
): AttachedRun {
  return new AttachedRun(link, {
    ...{ bridge: bridge.address, liveness: bridge.liveness },
    dial: (signal) => connectToRun(bridge, signal),
    sink: async (event) => {
      await display.show(event);
      took(event);
    },
    missing: (events) => display.missing(events),
    remark: (line) => display.terminal.remark(line),
  });
}

/** Forwards stdin to the first process of a run, and its end, when that asks for it. */
export function forwardStdin(source: InputSource, run: AttachedRun): void {
  const target = new WritableStream<Uint8Array<ArrayBuffer>>({
    write: (bytes) => run.stdin.write(bytes),
    close: () => run.stdin.end(),
  }, { highWaterMark: 0 });
  void forwardInput(source, target, { wanted: () => run.stdin.wanted() });
}

/** Shows that the bridge is lost: each process that still runs is shown as lost. */
export async function showLost(
  { why, said }: Extract<Ended, { kind: "lost" }>,
  bridge: Bridge,
  display: RunDisplay,
): Promise<void> {
  // It may come in the middle of the program's output.
  const line = `deploy: lost the bridge ${bridge.address}: ${why}`;
  if (!said) await display.terminal.remark(line);
  await display.lose(endOf("the bridge", { message: why }));
}
