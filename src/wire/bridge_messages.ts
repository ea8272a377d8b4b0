/** The messages between a master and its bridge. */

import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import {
  TERMINATION,
  type TerminationFields,
  TRY_ANSWERS,
  type TryAnswer,
} from "./node_messages.ts";
import { bool, integer, key, orNull, pid, resources, type Schema, text } from "./schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The messages of a bridge to its master. */
export type BridgeToMaster =
  /** The first message: where the bridge listens, for deploy and for nodes. */
  | { type: "bridge"; address: string }
  /** A run begins. Nodes that host it get the run spec from the bridge. */
  | { type: "open"; run: string; key: Bytes }
  /**
   * Do a trial boot of the run's first process where one of that size would be placed. The master answers
   * `TryAnswer`, and before that `waits` if there is no node.
   */
  | { type: "try"; request: number; run: string; resources: Readonly<Resources> }
  /**
   * Place and start the run's first process, with `name` as its displayed name; the master answers
   * `launched` or `failed`, and before that
   * `waits` if there is no room for it.
   */
  | { type: "first"; request: number; run: string; name: string; resources: Readonly<Resources> }
  /**
   * End all processes of a run. The master sends `over` when that is done. Sent again, it can only shorten
   * the grace.
   */
  | ({ type: "end"; run: string } & TerminationFields)
  /** Where a process of that size would go; the master answers `fits`. */
  | { type: "where"; request: number; resources: Readonly<Resources> };

/** A process that was lost with its node: the fields of its `spawn` event, in case that did not arrive. */
export interface LostProcess {
  pid: Pid;
  parent: Pid | null;
  name: string;
  /** The node's address. */
  node: string;
}

/** The messages of a master to its bridge. */
export type MasterToBridge =
  | { type: "launched"; request: number; pid: Pid }
  | { type: "waits"; request: number }
  | TryAnswer
  /** A process was lost with its node, which will report nothing more about it. */
  | ({ type: "lost"; run: string; why: string } & LostProcess)
  /** A line about a run, for its viewers. */
  | { type: "said"; run: string; text: string }
  /**
   * No process of the run is left; gives the number of processes that the master knew of. One that began
   * just before its node was lost may be known only to the bridge: it is lost, too.
   */
  | { type: "over"; run: string; processes: number }
  /**
   * One line for a person; the address of the node, if one has room now; and whether a node is large
   * enough at all.
   */
  | { type: "fits"; request: number; node: string | null; possible: boolean; message: string };

export const BRIDGE_TO_MASTER: Schema<BridgeToMaster> = {
  bridge: { address: text },
  open: { run: text, key },
  try: { request: integer, run: text, resources },
  first: { request: integer, run: text, name: text, resources },
  end: { run: text, ...TERMINATION },
  where: { request: integer, resources },
};

export const MASTER_TO_BRIDGE: Schema<MasterToBridge> = {
  launched: { request: integer, pid },
  waits: { request: integer },
  ...TRY_ANSWERS,
  lost: { run: text, pid, parent: orNull(pid), name: text, node: text, why: text },
  said: { run: text, text },
  over: { run: text, processes: integer },
  fits: { request: integer, node: orNull(text), possible: bool, message: text },
};
