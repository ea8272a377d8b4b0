/** What a process waits for, as its channels know it. */

import type { Pid } from "../core/pid.ts";
import { MAX_FULL, MAX_NAME, type Wait } from "../core/waits.ts";
import { WINDOW_BYTES } from "../wire/frame.ts";
import type { InChannel } from "./in_channel.ts";
import type { OutChannel } from "./out_channel.ts";

/** The parts of a peer that show what waits for it. */
interface PeerQueues {
  readonly remote: Pid;
  readonly sending: { all(): Iterable<OutChannel> };
  readonly receiving: { received(): Iterable<InChannel> };
  readonly unfinished: boolean;
}

/**
 * What waits for one peer. It is read from the queues of the pending operations, so waiting has no extra
 * cost.
 *
 * @param leftBytes How many bytes are unacknowledged, if the process is ending.
 */
export function* peerPending(
  { remote, sending, receiving, unfinished }: PeerQueues,
  leftBytes: number | undefined,
): Generator<Wait, void, void> {
  for (const { name, waiters } of receiving.received()) {
    for (const { kind } of waiters) yield { kind: "recv", remote, name, select: kind === "select" };
  }
  let waitingBytes = 0;
  for (const channel of sending.all()) {
    const { name } = channel;
    const line = channel.waiting();
    if (line === undefined) continue;
    waitingBytes += line.bytes;
    const received = line.window === WINDOW_BYTES;
    const send = { kind: "send", remote, name, unreadBytes: line.inFlight, received } as const;
    for (let count = 0; count < line.sends; count++) yield { ...send, select: false };
    for (let count = 0; count < line.selects; count++) yield { ...send, select: true };
  }
  if (leftBytes !== undefined && unfinished) {
    yield { kind: "deliver", remote, bytes: leftBytes + waitingBytes };
  }
}

/** The names of the first channels of these on which nothing can be sent, for a `PeerTraffic`. */
export function fullChannels(channels: Iterable<OutChannel>): string[] {
  const full: string[] = [];
  for (const channel of channels) {
    if (full.length === MAX_FULL) break;
    if (channel.full) full.push(channel.name.slice(0, MAX_NAME));
  }
  return full;
}
