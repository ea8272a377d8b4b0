/** The errors of channels that have ended. */

import { ChannelError } from "../core/errors.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { StopReason } from "../wire/frame.ts";
import { MAX_UNRECEIVED_CHANNELS } from "../wire/window_sizes.ts";
import type { End } from "./remote_end.ts";

/** The process at the other end is gone. */
export function endError(action: string, remote: Pid, { kind, why, status }: End): ChannelError {
  const message = `Cannot ${action} ${shortPid(remote)}: ${why}`;
  return new ChannelError(kind, remote, message, status && { status });
}

/** The other process accepts nothing more on a channel. */
export function stopError(remote: Pid, reason: number): ChannelError {
  const why = reason === StopReason.crowded
    ? `it has ${MAX_UNRECEIVED_CHANNELS} channels from this process without a Receiver, and ` +
      `accepts no more`
    : "its Receiver was closed";
  return new ChannelError("closed", remote, `Cannot send to ${shortPid(remote)}: ${why}`);
}

/** This process has closed its end. */
export function closedError(action: string, remote: Pid, end: string): ChannelError {
  const message = `Cannot ${action} ${shortPid(remote)}: ${end} was closed`;
  return new ChannelError("closed", remote, message);
}

/** The sender has aborted the channel. */
export function abortedError(
  action: string,
  remote: Pid,
  end: string,
  cause: unknown,
): ChannelError {
  const message = `Cannot ${action} ${shortPid(remote)}: ${end} was aborted`;
  return new ChannelError("aborted", remote, message, { cause });
}
