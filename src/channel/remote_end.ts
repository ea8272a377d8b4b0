/**
 * How another process ended, as far as this one can know: from its node, which is asked, and from attempts
 * to connect; and the errors of channels that have ended.
 */

import { type Reply, Verdict } from "./greeting.ts";
import { ChannelError, type ChannelErrorKind, messageOf, ProtocolError } from "../core/errors.ts";
import {
  channelStatus,
  type EndStatus,
  type ExitStatus,
  formatStatus,
  success,
} from "../core/exit_status.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { delay, startTimer, type Timer } from "../net/delay.ts";
import { MAX_UNRECEIVED_CHANNELS, StopReason } from "../wire/frame.ts";

/** The end of a process, as its channels report it. */
export interface End {
  readonly kind: ChannelErrorKind;
  readonly why: string;
  /** How it ended, if that is known. */
  readonly status?: ExitStatus;
  /** Whether it is gone, or never was: there is nobody to whom something could be delivered. */
  readonly absent?: boolean;
  /** Whether there never was such a process: nobody is expected to ask for what came in its name. */
  readonly unknown?: boolean;
}

/** It is gone, and how it ended does not matter. */
const ABSENT: End = { kind: "exited", why: "the process has ended", absent: true };

/** The end of a process with that status. One that ended by itself has delivered everything, or its node says so. */
export function statusEnd(end: EndStatus): End {
  const absent = true;
  const status = channelStatus(end);
  if (success(status)) return { kind: "exited", why: "the process has ended", status, absent };
  if ("code" in status) {
    return { kind: "failed", why: `the process failed: exit code ${status.code}`, status, absent };
  }
  return { kind: "lost", why: `the process was lost: ${formatStatus(status)}`, status, absent };
}

/**
 * What a refused connection says about a process; `undefined` if only its node can tell.
 *
 * The delivery of a will (`posthumous`) considers a process that is not at its address ended: a node
 * reports an end only when the will of that process is delivered, and two wills for each other would both
 * wait.
 */
export function refusalEnd({ verdict, number }: Reply, posthumous: boolean): End | undefined {
  if (verdict === Verdict.gone) return { kind: "lost", why: "it considers this process lost" };
  // It has nothing for this process, otherwise it would know it.
  if (verdict === Verdict.ending) return statusEnd({ code: number });
  return posthumous ? ABSENT : undefined;
}

/** The same for an attempt to connect that failed with `error`. */
export function absenceEnd(error: unknown, posthumous: boolean): End | undefined {
  // No process listens there, or one that is not of this run.
  const { ConnectionRefused, NotFound } = Deno.errors;
  const absent = [ConnectionRefused, NotFound, ProtocolError].some((kind) => error instanceof kind);
  return posthumous && absent ? ABSENT : undefined;
}

/** How long a process is known before its node is asked how it ends; most end in order before. */
const ASK_MS = 1_000;
/** How long the connection to a lost process may still deliver arrived data. */
const LINGER_MS = 200;

/** The callbacks of a watch to its peer. */
export interface EndWatchEvents {
  /** Resolves when the process has ended; rejects if there never was such a process. */
  status(): Promise<EndStatus>;
  /** Whether there is a connection to it, which may hold what has to be received before its end. */
  joined(): boolean;
  /** It has ended, and nothing from it is in flight. May be called more than once. */
  ended(end: End): void;
}

/** Learns from its node how one process ends, since no connection reports that a host is gone. */
export class EndWatch {
  readonly #events: EndWatchEvents;
  readonly #timer: Timer;
  #asked = false;
  /** How it ended, while its connection may still deliver data. */
  #awaiting: End | undefined;

  /** The node is asked after a while, or when there is a reason to. */
  constructor(events: EndWatchEvents) {
    this.#events = events;
    this.#timer = startTimer(ASK_MS, () => this.ask());
  }

  /** There is a reason to think that it has ended: asks its node, once. */
  ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#events.status().then(
      (status) => this.#told(status),
      (error) =>
        this.#events.ended({ kind: "lost", why: messageOf(error), absent: true, unknown: true }),
    );
  }

  /** Its connection is over. */
  parted(): void {
    if (this.#awaiting !== undefined) this.#events.ended(this.#awaiting);
  }

  /** Its end is known: stops asking. */
  stop(): void {
    this.#asked = true;
    this.#timer.onabort = null;
  }

  /** Its node reports this only after the will is delivered. */
  #told(status: EndStatus): void {
    const end = statusEnd(status);
    if (!this.#events.joined()) return this.#events.ended(end);
    // Data in its connection comes first; a lost host does not end connections.
    this.#awaiting = end;
    if ("lost" in status) void delay(LINGER_MS).then(() => this.#events.ended(end));
  }
}

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
