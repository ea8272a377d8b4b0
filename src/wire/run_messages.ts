/** What a bridge says with deploy about a run, and with the nodes that host the run. */

import type { OutputFd } from "../core/events.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import {
  amount,
  bytes,
  integer,
  listOf,
  orNull,
  pid,
  type Schema,
  status,
  text,
  time,
} from "./schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Something that happened in a run: a `RunEvent` of core, as a message. */
export type EventMessage =
  | { type: "spawn"; pid: Pid; parent: Pid | null; name: string; node: string | null; time: number }
  | { type: "output"; pid: Pid; fd: OutputFd; bytes: Bytes; time: number }
  | { type: "eof"; pid: Pid; fd: OutputFd }
  | { type: "exit"; pid: Pid; status: ExitStatus; time: number }
  | { type: "noticed"; pid: Pid }
  | { type: "said"; text: string; time: number };

/** A piece of an artifact, named by its SHA-256 in hex. */
export type PieceMessage = { type: "piece"; hash: string; bytes: Bytes };

/** The same piece, named by the same hash, but its bytes are deflated. */
export type DeflatedPieceMessage = { type: "deflated-piece"; hash: string; bytes: Bytes };

/** Stdin of the run's first process, and its end. */
export type StdinMessage = { type: "stdin"; bytes: Bytes } | { type: "stdin-end" };

/** So many bytes of stdin have been taken by the process: as many may be sent again. */
export type StdinTakenMessage = { type: "stdin-taken"; bytes: number };

/** How many bytes of stdin may be on their way. */
export const STDIN_WINDOW_BYTES = 256 * 1024;

/** What deploy tells a bridge. */
export type DeployToBridge =
  /** The first message: what is to be run; `spec` is the text of a `RunSpec`. */
  | { type: "offer"; spec: string }
  | PieceMessage
  | DeflatedPieceMessage
  /** Run what was offered; `mem` and `cpu` override what the program says. May come before pieces. */
  | { type: "run"; mem: number | null; cpu: number | null }
  /**
   * The first message of a dry run: tell what of `spec` would be needed, and where such a process would
   * be placed. The answers are one `need` and `fits`.
   */
  | { type: "check"; spec: string; mem: number; cpu: number }
  | StdinMessage
  /** End every process of the run. */
  | { type: "kill" };

/** What a bridge tells deploy. */
export type BridgeToDeploy =
  /** The pieces of one file of the offer that the bridge lacks, maybe none; one such for each file. */
  | { type: "need"; pieces: string[] }
  /** It was not run, and why, in one line; and what it wrote before that. The last message. */
  | { type: "refused"; why: string; output: Bytes }
  /** Where it would run, in one line; the answer to a dry run, and the last message. */
  | { type: "fits"; message: string }
  /** The run has an id and is about to begin. */
  | { type: "accepted"; run: string }
  /** No node has so much free as its first process asks for; it will begin when one has. */
  | { type: "waiting"; mem: number; cpu: number }
  | EventMessage
  | StdinTakenMessage
  /**
   * The last message: no process of the run is left, and all events have been sent. Deploy closes the
   * connection then. The bridge does not: what deploy has yet to read would be lost.
   */
  | { type: "over" };

/** What a node tells a bridge about a run that it hosts. */
export type NodeToBridge =
  /** The first message: which run, and the node's address. */
  | { type: "host"; run: string; node: string }
  /** Pieces that the node has not. They come in this order. */
  | { type: "need"; pieces: string[] }
  | EventMessage
  | StdinTakenMessage
  /**
   * The last message: no process of the run is left on this node, and all events have been sent. The
   * bridge closes the connection then. The node does not: what the bridge has yet to read would be lost.
   */
  | { type: "done" };

/** What a bridge tells a node about a run that it hosts. */
export type BridgeToNode = PieceMessage | StdinMessage;

/** The most pieces that one message may name. */
export const MAX_PIECES = 65_536;

const fd = (value: unknown): boolean => value === 1 || value === 2;
/** What must be in each {@linkcode EventMessage}. */
export const EVENTS: Schema<EventMessage> = {
  spawn: { pid, parent: orNull(pid), name: text, node: orNull(text), time },
  output: { pid, fd, bytes, time },
  eof: { pid, fd },
  exit: { pid, status, time },
  noticed: { pid },
  said: { text, time },
};
const PIECE = { hash: text, bytes };
const STDIN = { "stdin": { bytes }, "stdin-end": {} };
const NEED = { pieces: listOf(text, MAX_PIECES) };

export const DEPLOY_TO_BRIDGE: Schema<DeployToBridge> = {
  "offer": { spec: text },
  "piece": PIECE,
  "deflated-piece": PIECE,
  "run": { mem: orNull(amount), cpu: orNull(amount) },
  "check": { spec: text, mem: amount, cpu: amount },
  ...STDIN,
  "kill": {},
};

export const BRIDGE_TO_DEPLOY: Schema<BridgeToDeploy> = {
  "need": NEED,
  "refused": { why: text, output: bytes },
  "fits": { message: text },
  "accepted": { run: text },
  "waiting": { mem: amount, cpu: amount },
  ...EVENTS,
  "stdin-taken": { bytes: integer },
  "over": {},
};

export const NODE_TO_BRIDGE: Schema<NodeToBridge> = {
  "host": { run: text, node: text },
  "need": NEED,
  ...EVENTS,
  "stdin-taken": { bytes: integer },
  "done": {},
};

export const BRIDGE_TO_NODE: Schema<BridgeToNode> = {
  piece: PIECE,
  ...STDIN,
};
