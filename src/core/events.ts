/** What happens in a run, as its node reports it and the terminal shows it. */

import type { ExitStatus } from "./exit_status.ts";
import type { Pid } from "./pid.ts";

/** Which of its two output streams a process wrote to: 1 is stdout, 2 is stderr. */
export type OutputFd = 1 | 2;

/**
 * One thing that happened to one process of a run.
 *
 * Of each process: exactly one `spawn`, before anything else; its `output`, in order within each
 * `fd`; one `eof` for each `fd` after all output of it; exactly one `exit`, last. The parent of the
 * first process is `null`. The bytes of an `output` belong to whoever receives the event.
 */
export type RunEvent =
  | { event: "spawn"; parent: Pid | null; pid: Pid }
  | { event: "output"; pid: Pid; fd: OutputFd; bytes: Uint8Array<ArrayBuffer> }
  | { event: "eof"; pid: Pid; fd: OutputFd }
  | { event: "exit"; pid: Pid; status: ExitStatus };

/**
 * Takes the events of a run.
 *
 * Events are handled in the order of the calls. The promise resolves when the event has been
 * handled; whoever reads a process's output waits for that before reading more, so that a slow
 * terminal slows the processes that write to it. The bytes of an output event may be others then.
 */
export type RunEventSink = (event: RunEvent) => Promise<void>;
