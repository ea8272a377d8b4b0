/** The messages of a bridge with deploy, and with the nodes that host a run. */

import type { RunEvent } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { WaitState } from "../core/waits.ts";
import { TERMINATION, type TerminationFields } from "./node_messages.ts";
import {
  bool,
  bytes,
  grace,
  integer,
  listOf,
  orNull,
  pid,
  resources,
  type Schema,
  someResources,
  status,
  text,
  time,
  variant,
} from "./schema.ts";
import { WAITING_PROCESS } from "./waits.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** An event of a run. */
export type EventMessage = { type: "event"; event: RunEvent };

/** A piece of an artifact, named by its SHA-256 in hex. */
export type PieceMessage = { type: "piece"; hash: string; bytes: Bytes };

/** The same piece, named by the same hash, with deflated bytes. */
export type DeflatedPieceMessage = { type: "deflated-piece"; hash: string; bytes: Bytes };

/** Stdin of the run's first process, and its end. */
export type StdinMessage = { type: "stdin"; bytes: Bytes } | { type: "stdin-end" };

/** The process has taken this many bytes of stdin: as many may be sent again. */
export type StdinTakenMessage = { type: "stdin-taken"; bytes: number };

/**
 * The process asks for stdin: deploy may read some, or, with `always`, all that there will be. Deploy reads
 * nothing before.
 */
export type StdinWantedMessage = { type: "stdin-wanted"; always: boolean };

/** A process, and what is known of what it waits for. */
export interface WaitingProcess {
  readonly pid: Pid;
  readonly state: WaitState;
}

/** How many bytes of stdin may be in flight. */
export const STDIN_WINDOW_BYTES = 256 * 1024;

/** The messages of deploy to a bridge. */
export type DeployToBridge =
  /** The first message: the encoded `RunSpec`. */
  | { type: "offer"; spec: Bytes }
  | PieceMessage
  | DeflatedPieceMessage
  /**
   * Run the offered program, as a run of that `name`, for `by`; `resources` override those of the program.
   * May precede pieces. If deploy is gone before the run is over, the run is told to stop by SIGTERM, with
   * that grace, unless it is detached. A detached run gets no stdin.
   */
  | {
    type: "run";
    name: string;
    by: string;
    resources: Readonly<Partial<Resources>>;
    graceMs: number;
    detached: boolean;
  }
  /**
   * The first message of a dry run: asks which pieces of `spec` would be needed, and where such a process
   * would be placed. The answers are `need`, as for an offer, and `fits`.
   */
  | { type: "check"; spec: Bytes; resources: Readonly<Resources> }
  | StdinMessage
  /** End every process of the run. Sent again, it can only shorten the grace. */
  | ({ type: "stop" } & TerminationFields)
  /** Asks what each process of the run waits for. Answer: `waits`. */
  | { type: "why" };

/** The messages of a bridge to deploy. */
export type BridgeToDeploy =
  /** Pieces of the offer that the bridge lacks, possibly none, each once; `last` in the last such message. */
  | { type: "need"; pieces: string[]; last: boolean }
  /** The program was not run: why, in one line, and its output so far. The last message. */
  | { type: "refused"; why: string; output: Bytes }
  /**
   * Where it would run, in one line, and whether any node is large enough; the answer to a dry run, and
   * the last message.
   */
  | { type: "fits"; possible: boolean; message: string }
  /** The run has an id and is about to begin. */
  | { type: "accepted"; run: string }
  /** No node has enough free resources for the first process; it will begin when one has. */
  | { type: "waiting"; resources: Readonly<Resources> }
  | EventMessage
  | StdinTakenMessage
  | StdinWantedMessage
  /** What each process of the run waits for, in one line each. */
  | { type: "waits"; lines: string[] }
  /**
   * The last message: no process of the run is left, and all events have been sent. Deploy then closes the
   * connection. If the bridge did, data that deploy has not read would be lost.
   */
  | { type: "over" };

/** The messages of a node to the bridge of a run that it hosts. */
export type NodeToBridge =
  /** The first message: which run, and the node's address. */
  | { type: "host"; run: string; node: string }
  /** Pieces that the node lacks. They are sent in this order. */
  | { type: "need"; pieces: string[] }
  | EventMessage
  | StdinTakenMessage
  | StdinWantedMessage
  /** The answer to the `why` of that number: what the processes of the run on this node wait for. */
  | { type: "waits"; request: number; processes: WaitingProcess[] }
  /**
   * The last message: no process of the run is left on this node, and all events have been sent. The bridge
   * then closes the connection. If the node did, data that the bridge has not read would be lost.
   */
  | { type: "done" };

/** The messages of a bridge to a node that hosts a run. */
export type BridgeToNode =
  /** The answer to `host`: the encoded `RunSpec`. */
  | { type: "run"; spec: Bytes }
  | PieceMessage
  | StdinMessage
  /** Asks what the processes of the run on this node wait for. Answer: `waits`. */
  | { type: "why"; request: number };

/** The most pieces that one message may name. */
export const MAX_PIECES = 65_536;

/** The most processes, or lines about processes, in one message. */
export const MAX_WAITING = 65_536;

const fd = (value: unknown): boolean => value === 1 || value === 2;
/** The schema of an {@linkcode EventMessage}. */
export const EVENT: Schema<EventMessage> = {
  event: {
    event: variant("event", {
      spawn: { pid, parent: orNull(pid), name: text, node: orNull(text), time },
      output: { pid, fd, bytes, time },
      eof: { pid, fd },
      exit: { pid, status, time },
      noticed: { pid },
      said: { text, time },
    }),
  },
};
const PIECE = { hash: text, bytes };
const STDIN = { "stdin": { bytes }, "stdin-end": {} };
const NEED = { pieces: listOf(text, MAX_PIECES) };

export const DEPLOY_TO_BRIDGE: Schema<DeployToBridge> = {
  "offer": { spec: bytes },
  "piece": PIECE,
  "deflated-piece": PIECE,
  "run": { name: text, by: text, resources: someResources, graceMs: grace, detached: bool },
  "check": { spec: bytes, resources },
  ...STDIN,
  "stop": { ...TERMINATION },
  "why": {},
};

export const BRIDGE_TO_DEPLOY: Schema<BridgeToDeploy> = {
  "need": { ...NEED, last: bool },
  "refused": { why: text, output: bytes },
  "fits": { possible: bool, message: text },
  "accepted": { run: text },
  "waiting": { resources },
  ...EVENT,
  "stdin-taken": { bytes: integer },
  "stdin-wanted": { always: bool },
  "waits": { lines: listOf(text, MAX_WAITING) },
  "over": {},
};

export const NODE_TO_BRIDGE: Schema<NodeToBridge> = {
  "host": { run: text, node: text },
  "need": NEED,
  ...EVENT,
  "stdin-taken": { bytes: integer },
  "stdin-wanted": { always: bool },
  "waits": { request: integer, processes: listOf(WAITING_PROCESS, MAX_WAITING) },
  "done": {},
};

export const BRIDGE_TO_NODE: Schema<BridgeToNode> = {
  run: { spec: bytes },
  piece: PIECE,
  ...STDIN,
  why: { request: integer },
};
