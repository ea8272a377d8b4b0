/** What happens in a run, as its nodes report it and its viewers show it. */

import type { ExitStatus } from "./exit_status.ts";
import type { Pid } from "./pid.ts";
import type { Resources } from "./resources.ts";
import type { UnreadChannel } from "./waits.ts";

/** Which of its two output streams a process wrote to: 1 is stdout, 2 is stderr. */
export type OutputFd = 1 | 2;

/** What the node of a process knows of it at its end, besides how it ended. */
export interface ExitRecord {
  /**
   * The most memory that it and what it started have been seen to use, in bytes; `null` if its node could not
   * look. Nodes look seldom: a short peak may be missed.
   */
  readonly peakBytes: number | null;
  /** The CPU time that it and what it started have been seen to use, in ms; `null` as above. */
  readonly cpuMs: number | null;
  /**
   * The last lines that it wrote to stderr: at most 20, and 4 KiB. Where stdout and stderr are one, of both.
   */
  readonly lastLines: string;
  /**
   * The channels that still held values, the first `MAX_UNREAD` of them. Only a process that ended by
   * itself can tell: there is no such list of one that a signal, its node or the system ended.
   */
  readonly unread?: readonly UnreadChannel[];
  /** To whom what it had sent could not be delivered, and why; only if that was so. */
  readonly undelivered?: string;
}

/**
 * One thing that happened in a run.
 *
 * Of each process: exactly one `spawn`, before anything else; its `output`, in order within each
 * `fd`; one `eof` for each `fd` after all its output; exactly one `exit`, last. The parent of the
 * first process is `null`. The bytes of an `output` belong to the receiver of the event.
 *
 * - `spawn`: `name` is the name that is shown to people, `node` the address of the node
 *   that hosts it, or `null` in a local run; `resources` is what was asked for it, where that is known;
 *   `inspected` says that a debugger may attach to it.
 * - `exit`: there is no `record` of a process that was lost.
 * - `noticed`: another process was given the status of this one, which had failed, or caused its end.
 *   It may come before the `exit` that it is about, or after it, and more than once.
 * - `said`: a message of the system itself about the run, for people, in one line.
 *
 * `time` is in milliseconds since the epoch, by the clock of the node where it happened.
 */
export type RunEvent =
  | {
    event: "spawn";
    parent: Pid | null;
    pid: Pid;
    name: string;
    node: string | null;
    resources?: Readonly<Resources>;
    inspected?: boolean;
    time: number;
  }
  | { event: "output"; pid: Pid; fd: OutputFd; bytes: Uint8Array<ArrayBuffer>; time: number }
  | { event: "eof"; pid: Pid; fd: OutputFd }
  | { event: "exit"; pid: Pid; status: ExitStatus; record?: ExitRecord; time: number }
  | { event: "noticed"; pid: Pid }
  | { event: "said"; text: string; time: number };

/**
 * Takes the events of a run.
 *
 * Events are handled in the order of the calls. The promise resolves when the event has been
 * handled; the reader of a process's output waits for that before reading more, so that a slow
 * terminal slows the processes that write to it. The buffer of an output event may be reused then.
 */
export type RunEventSink = (event: RunEvent) => Promise<void>;
