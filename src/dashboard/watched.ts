/** What a dashboard shows: the runs of a bridge, or the one local run. */

import type { RunEvent } from "../core/events.ts";
import type { NodeReport } from "../core/node_report.ts";
import type { Pid } from "../core/pid.ts";
import type { RunEntry } from "../core/run_entry.ts";
import type { ProcessSample } from "../core/samples.ts";
import type { Termination } from "../core/signals.ts";

/** Something that happened in a run, or that so many events of its log are gone. */
export type Told = RunEvent | { readonly event: "missing"; readonly events: number };

/** Where a dashboard gets from what it shows. Every method throws an `Error` for people if it cannot. */
export interface Watched {
  /** What is looked at, for people. */
  readonly title: string;
  /** The runs, the oldest first. */
  runs(): Promise<readonly RunEntry[]>;
  nodes(): Promise<readonly NodeReport[]>;
  /**
   * The events of a run, by its id, and new ones as they come, until it is over or `signal` is aborted. The
   * starts and ends of its processes may come twice. The bytes of an output are valid until the next event is
   * asked for.
   */
  events(run: string, signal: AbortSignal): AsyncIterable<Told>;
  /** What the processes of a run do right now; none of one that has ended. */
  samples(run: string): Promise<readonly ProcessSample[]>;
  /** Ends the processes of a run, or one of them; resolves with what was done, in a line. */
  kill(run: string, pid: Pid | null, how: Termination): Promise<string>;
}
