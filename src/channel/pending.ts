/** What a process waits for, as its channels know it. */

import type { Pid } from "../core/pid.ts";
import type { InChannel } from "./in_channel.ts";
import type { OutChannel } from "./out_channel.ts";

/** An operation that is pending, or values that are to be delivered before the process may end. */
export interface PendingOperation {
  readonly kind: "recv" | "send" | "accept" | "select" | "deliver";
  /** The process at the other end; none for `accept`. */
  readonly remote?: Pid;
  /** The name of the channel; none for `deliver`. */
  readonly name?: string;
  /** What holds it up, as a part of a sentence, if that is known. */
  readonly detail?: string;
}

/** A peer, as far as it is to be known what waits for it. */
interface PeerQueues {
  readonly remote: Pid;
  readonly sending: { all(): Iterable<OutChannel> };
  readonly receiving: { received(): Iterable<InChannel> };
  readonly unfinished: boolean;
}

/**
 * What waits for one peer. It is read from the lines in which the operations stand, so that to wait
 * costs nothing more.
 *
 * @param leftBytes How many bytes have yet to be acknowledged, if the process is ending.
 */
export function* peerPending(
  { remote, sending, receiving, unfinished }: PeerQueues,
  leftBytes: number | undefined,
): Generator<PendingOperation, void, void> {
  for (const { name, waiters } of receiving.received()) {
    for (const { kind } of waiters) yield { kind, remote, name };
  }
  let waitingBytes = 0;
  for (const channel of sending.all()) {
    const { name } = channel;
    const line = channel.lineUp();
    if (line === undefined) continue;
    waitingBytes += line.bytes;
    const detail = `${line.inFlight} bytes are unread, of a window of ${line.window}`;
    for (let count = 0; count < line.sends; count++) yield { kind: "send", remote, name, detail };
    for (let count = 0; count < line.selects; count++) {
      yield { kind: "select", remote, name, detail };
    }
  }
  if (leftBytes !== undefined && unfinished) {
    yield { kind: "deliver", remote, detail: `${leftBytes + waitingBytes} bytes are left` };
  }
}
