/** The error of a node that cannot do what it is asked for, although the program could be run elsewhere. */

import { SpawnError, type SpawnErrorReason } from "./errors.ts";

/**
 * A node lacks something of its own: open files, disk space, processes, memory, ports. Another node may be
 * able to do the same. Where there is none, it is a spawn that was not started, and the message says what
 * the node lacks and what to do.
 */
export class NodeFaultError extends SpawnError {
  /** What the node lacks and what to do, without what was tried: `too many open files: …`. */
  readonly why: string;
  /** Whether it lacks that for this program only: it does not take programs like it. */
  readonly ofProgram: boolean;

  /**
   * `what` was tried: `Cannot start work()`. `node` is its address; `null` in a local run. The `reason` is the one
   * that is told if no other node can do it. @default "not-started"
   */
  constructor(
    what: string,
    node: string | null,
    why: string,
    { reason = "not-started", ofProgram = false, ...options }: ErrorOptions & {
      reason?: SpawnErrorReason;
      ofProgram?: boolean;
    } = {},
  ) {
    super(reason, `${what}${node === null ? "" : ` on node ${node}`}: ${why}`, options);
    this.name = "SpawnError";
    this.why = why;
    this.ofProgram = ofProgram;
  }
}
