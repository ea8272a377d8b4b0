/** What a bridge says with deploy about a run, and with the nodes that host the run. */

import type { OutputFd } from "../core/events.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import {
  amount,
  bool,
  bytes,
  integer,
  listOf,
  orNull,
  pid,
  type Schema,
  status,
  text,
} from "./schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Something that happened to a process: a `RunEvent` of core, as a message. */
export type EventMessage =
  | { type: "spawn"; pid: Pid; parent: Pid | null }
  | { type: "output"; pid: Pid; fd: OutputFd; bytes: Bytes }
  | { type: "eof"; pid: Pid; fd: OutputFd }
  | { type: "exit"; pid: Pid; status: ExitStatus };

/** A piece of an artifact, named by its SHA-256 in hex. */
export type PieceMessage = { type: "piece"; hash: string; bytes: Bytes };

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
  /** Run it; `mem` and `cpu` override what the program says. With `dry`, say where it would fit. */
  | { type: "run"; mem: number | null; cpu: number | null; dry: boolean }
  | StdinMessage
  /** End every process of the run. */
  | { type: "kill" };

/** What a bridge tells deploy. */
export type BridgeToDeploy =
  /** The pieces that neither bridge nor cluster has; sent when the offer has been looked at. */
  | { type: "need"; pieces: string[] }
  /** It was not run, and why, in one line; and what it wrote before that. */
  | { type: "refused"; why: string; output: Bytes }
  /** Where it would run, in one line; the answer to a dry run. */
  | { type: "fits"; message: string }
  /** The run has an id and is about to begin. */
  | { type: "accepted"; run: string }
  | EventMessage
  | StdinTakenMessage
  /** No process of the run is left, and all events have been sent. */
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
const EVENTS = {
  spawn: { pid, parent: orNull(pid) },
  output: { pid, fd, bytes },
  eof: { pid, fd },
  exit: { pid, status },
};
const PIECE = { hash: text, bytes };
const STDIN = { "stdin": { bytes }, "stdin-end": {} };
const NEED = { pieces: listOf(text, MAX_PIECES) };

export const DEPLOY_TO_BRIDGE: Schema<DeployToBridge> = {
  offer: { spec: text },
  piece: PIECE,
  run: { mem: orNull(amount), cpu: orNull(amount), dry: bool },
  ...STDIN,
  kill: {},
};

export const BRIDGE_TO_DEPLOY: Schema<BridgeToDeploy> = {
  "need": NEED,
  "refused": { why: text, output: bytes },
  "fits": { message: text },
  "accepted": { run: text },
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
