/** What the processes of a run on one node have in common. */

import type { SeenDoing } from "../core/doing.ts";
import type { RunEventSink } from "../core/events.ts";
import type { EndStatus, ExitStatus } from "../core/exit_status.ts";
import type { Inspection } from "../core/inspection.ts";
import type { Logger } from "../core/logger.ts";
import type { Pid } from "../core/pid.ts";
import type { MasterPort } from "../core/roles.ts";
import type { StoredBytes } from "../core/stored_bytes.ts";
import type { StartTimer } from "../core/timer.ts";
import type { EndWaits } from "./end_waits.ts";
import type { Program } from "./program.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Delivers the will of a process, in its name; resolves when all of it is acknowledged or its receivers are
 * gone. When `signal` is aborted, it stops.
 */
export type DeliverWill = (
  will: StoredBytes,
  context: {
    key: Bytes;
    /** The folder with the Unix sockets of the run's processes on this host; `undefined` for none. */
    sockets: string | undefined;
    /** How the process ended. */
    status: ExitStatus;
    signal: AbortSignal;
    ended: (pid: Pid) => Promise<EndStatus>;
    /** Whether the OS process of one that has not ended still runs. */
    runs: (pid: Pid) => Promise<boolean>;
  },
) => Promise<void>;

/** The context shared by all processes of a run. */
export interface RunContext {
  readonly program: Program;
  readonly master: MasterPort;
  /** The waits of its processes here. */
  readonly ends: EndWaits;
  /** The key of the run, 32 bytes, with which its processes authenticate each other. */
  readonly key: Bytes;
  readonly sink: RunEventSink;
  /** The address of the node; `null` in a local run. */
  readonly node: string | null;
  readonly logger: Logger;
  readonly deliverWill: DeliverWill;
  /** Which processes a debugger may attach to. @default none */
  readonly inspection?: Inspection | undefined;
  /** Called when a process has tried for a while to connect to one on another host, and cannot. */
  readonly unreached?: (from: Pid, to: Pid, why: string) => void;
  /** Takes what its processes are seen to do; without it, they are not looked at. */
  readonly does?: (seen: SeenDoing) => Promise<void>;
  /** How often they are. @default ever more seldom */
  readonly lookMs?: number;
  /** For timeouts. */
  readonly startTimer: StartTimer;
}
