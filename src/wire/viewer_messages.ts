/** The messages of a bridge with somebody who looks at its runs: `deploy ps`, `logs`, `why` and `kill`. */

import type { RunEntry } from "../core/run_entry.ts";
import { TERMINATION, type TerminationFields } from "./node_messages.ts";
import { EVENT, type EventMessage, MAX_WAITING } from "./run_messages.ts";
import {
  bool,
  type Check,
  fields,
  integer,
  listOf,
  orNull,
  type Schema,
  text,
  time,
} from "./schema.ts";

/** A request; each connection makes one. `run` is an id, the start of one, a name, or empty. */
export type ViewerToBridge =
  /** Answer: `runs`. */
  | { type: "list" }
  /**
   * Shows a run from its start: `viewing`, its events, and `over`; with `follow`, as long as it runs,
   * otherwise up to what there is now.
   */
  | { type: "view"; run: string; follow: boolean }
  /** What each process waits for. Answer: `waits`. */
  | { type: "why"; run: string }
  /** Ends every process of a run. Answer: `told`, at once. */
  | ({ type: "kill"; run: string } & TerminationFields);

/** The messages of a bridge to a viewer. */
export type BridgeToViewer =
  | { type: "runs"; runs: RunEntry[] }
  /** The run that was meant, and how many of its first events are no longer there. */
  | { type: "viewing"; run: RunEntry; missing: number }
  | EventMessage
  /** All events there are have been sent; the run as it is now. */
  | { type: "over"; run: RunEntry }
  | { type: "waits"; lines: string[] }
  | { type: "told"; run: RunEntry }
  /** Why the request cannot be met, in one line. */
  | { type: "refused"; why: string };

const MAX_RUNS = 100_000;

const ENTRY: Record<keyof RunEntry, Check> = {
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

export const VIEWER_TO_BRIDGE: Schema<ViewerToBridge> = {
  list: {},
  view: { run: text, follow: bool },
  why: { run: text },
  kill: { run: text, ...TERMINATION },
};

export const BRIDGE_TO_VIEWER: Schema<BridgeToViewer> = {
  runs: { runs: listOf(entry, MAX_RUNS) },
  viewing: { run: entry, missing: integer },
  ...EVENT,
  over: { run: entry },
  waits: { lines: listOf(text, MAX_WAITING) },
  told: { run: entry },
  refused: { why: text },
};
