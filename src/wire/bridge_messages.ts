/** What a master and its bridge say to each other. */

import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import {
  TERMINATION,
  type TerminationFields,
  TRY_ANSWERS,
  type TryAnswer,
} from "./node_messages.ts";
import { integer, key, orNull, pid, resources, type Schema, text } from "./schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What a bridge tells its master, or asks of it. */
export type BridgeToMaster =
  /** The first message: where the bridge listens, for deploy and for nodes. */
  | { type: "bridge"; address: string }
  /** A run begins. Nodes that are to host it get what it runs from the bridge. */
  | { type: "open"; run: string; key: Bytes }
  /**
   * Have the run's first process booted where one of that size would be placed, and say what it needs.
   * The master answers `TryAnswer`, and before that `waits` if there is no node.
   */
  | { type: "try"; request: number; run: string; resources: Readonly<Resources> }
  /**
   * Place and start the run's first process, which is called `name` where people see it; the master answers `launched` or `failed`, and before that
   * `waits` if there is no room for it.
   */
  | { type: "first"; request: number; run: string; name: string; resources: Readonly<Resources> }
  /**
   * End everything of a run so. The master says `over` when that is done. Said again, it can only shorten
   * the grace.
   */
  | ({ type: "end"; run: string } & TerminationFields)
  /** Where a process of that size would go; the master answers `fits`. */
  | { type: "where"; request: number; resources: Readonly<Resources> };

/** A process that went away with its node: what its `spawn` event says, if that did not come. */
export interface LostProcess {
  pid: Pid;
  parent: Pid | null;
  name: string;
  /** The node's address. */
  node: string;
}

/** What a master tells its bridge. */
export type MasterToBridge =
  | { type: "launched"; request: number; pid: Pid }
  | { type: "waits"; request: number }
  | TryAnswer
  /** A process went away with its node, which will say nothing of it any more. */
  | ({ type: "lost"; run: string; why: string } & LostProcess)
  /** A line about a run, for whoever looks at it. */
  | { type: "said"; run: string; text: string }
  /**
   * No process of the run is left; so many there have been that the master knows of. One that began
   * just as its node was lost may be known to the bridge only: it is lost, too.
   */
  | { type: "over"; run: string; processes: number }
  /** One line for a person, and the address of the node, if there is one. */
  | { type: "fits"; request: number; node: string | null; message: string };

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
  fits: { request: integer, node: orNull(text), message: text },
};
