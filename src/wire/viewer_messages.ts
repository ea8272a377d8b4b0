/** The messages of a bridge with somebody who looks at its runs: `deploy ps`, `logs`, `why` and `kill`. */

import type { NodeReport } from "../core/node_report.ts";
import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { RunEntry } from "../core/run_entry.ts";
import type { ProcessSample } from "../core/samples.ts";
import { NODE_LIST } from "./bridge_messages.ts";
import { TERMINATION, type TerminationFields } from "./node_messages.ts";
import {
  DOES,
  type DoesMessage,
  EVENT,
  type EventMessage,
  MAX_WAITING,
  type ProcessUsage,
  USAGES,
} from "./run_messages.ts";
import { PROCESS_SAMPLE } from "./samples.ts";
import {
  bool,
  fields,
  integer,
  listOf,
  orNull,
  pid,
  resources,
  type Schema,
  type Shape,
  text,
  time,
} from "./schema.ts";

/**
 * A request. A connection makes any number of them, and each is answered before the next one; at most one waits
 * for that. `run` is an id, the start of one, a name, or empty.
 */
export type ViewerToBridge =
  /** With `memory`, also what the processes of each use, for which nodes are asked. Answer: `runs`. */
  | { type: "list"; memory: boolean }
  /** Answer: `nodes`. */
  | { type: "nodes" }
  /**
   * Shows a run from the event of that number on, 0 for the first: `viewing`, its events, and `over`; with
   * `follow`, as long as it runs, otherwise up to what there is now.
   */
  | { type: "view"; run: string; follow: boolean; from: number }
  /**
   * The processes of a run: `viewing`, their starts and ends as events, `usages` of those that run, and `over`.
   */
  | { type: "processes"; run: string }
  /**
   * What the processes of a run have been seen to do, from the message of that number on, 0 for the first, up to what
   * there is now: `viewing`, `does`, and `over`.
   */
  | { type: "doings"; run: string; from: number }
  /** What each process of a run does right now. Answer: `samples`. */
  | { type: "samples"; run: string }
  /** Whether a process of that size fits on a node at all, for a deployment. Answer: `fits`. */
  | { type: "fits"; resources: Readonly<Resources> }
  /** What each process waits for, or one if `run` is the beginning of its Pid. Answer: `waits`. */
  | { type: "why"; run: string }
  /**
   * Ends every process of a run, or one if `run` is the beginning of its Pid, as told by that `user@host`.
   * Answer: `told`, at once.
   */
  | ({ type: "kill"; run: string; by: string } & TerminationFields);

/** What the processes of a run use together, as far as it is known; nothing is said of runs that have ended. */
export interface RunMemory {
  /** Its id. */
  readonly run: string;
  readonly bytes: number;
}

/** The messages of a bridge to a viewer. */
export type BridgeToViewer =
  | { type: "runs"; runs: RunEntry[]; memory: RunMemory[] }
  | { type: "nodes"; nodes: NodeReport[] }
  /** Whether any node is large enough, and where it would go, in one line. */
  | { type: "fits"; possible: boolean; message: string }
  /** The run that was meant, and how many of the first events that are to be shown are no longer there. */
  | { type: "viewing"; run: RunEntry; missing: number }
  | EventMessage
  | DoesMessage
  /** So many events, or messages `does`, which came before the next one, were dropped while those before were sent. */
  | { type: "missing"; events: number }
  /** All that there are have been sent; the run as it is now. */
  | { type: "over"; run: RunEntry }
  | { type: "usages"; processes: ProcessUsage[] }
  /** The processes that run; none of a run that has ended. */
  | { type: "samples"; processes: ProcessSample[] }
  /** `pid` is null for the first process if that waits for room. */
  | { type: "waits"; lines: { pid: Pid | null; name: string; text: string }[] }
  /** The run that was meant, and its process if one was. */
  | { type: "told"; run: RunEntry; process: { pid: Pid; name: string } | null }
  /** Why the request cannot be met, in one line. */
  | { type: "refused"; why: string };

const MAX_RUNS = 100_000;

const ENTRY: Record<keyof RunEntry, Shape> = {
  id: text,
  name: text,
  by: text,
  from: text,
  startedMs: time,
  endedMs: orNull(time),
  code: orNull(integer),
  running: integer,
  spawned: integer,
};

const entry = fields(ENTRY);
const memory = fields({ run: text, bytes: integer } satisfies Record<keyof RunMemory, Shape>);

export const VIEWER_TO_BRIDGE: Schema<ViewerToBridge> = {
  list: { memory: bool },
  nodes: {},
  view: { run: text, follow: bool, from: integer },
  processes: { run: text },
  doings: { run: text, from: integer },
  samples: { run: text },
  fits: { resources },
  why: { run: text },
  kill: { run: text, by: text, ...TERMINATION },
};

export const BRIDGE_TO_VIEWER: Schema<BridgeToViewer> = {
  fits: { possible: bool, message: text },
  runs: { runs: listOf(entry, MAX_RUNS), memory: listOf(memory, MAX_RUNS) },
  nodes: { nodes: NODE_LIST },
  viewing: { run: entry, missing: integer },
  missing: { events: integer },
  ...EVENT,
  ...DOES,
  over: { run: entry },
  usages: { processes: USAGES },
  samples: { processes: listOf(PROCESS_SAMPLE, MAX_WAITING) },
  waits: { lines: listOf(fields({ pid: orNull(pid), name: text, text }), MAX_WAITING) },
  told: { run: entry, process: orNull(fields({ pid, name: text })) },
  refused: { why: text },
};
