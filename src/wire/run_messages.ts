/** What a bridge says with deploy about a run, and with the nodes that host the run. */

import type { RunEvent } from "../core/events.ts";
import type { Resources } from "../core/resources.ts";
import { TERMINATION, type TerminationFields } from "./node_messages.ts";
import {
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

type Bytes = Uint8Array<ArrayBuffer>;

/** Something that happened in a run. */
export type EventMessage = { type: "event"; event: RunEvent };

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
  /** The first message: what is to be run; `spec` is a `RunSpec`, encoded. */
  | { type: "offer"; spec: Bytes }
  | PieceMessage
  | DeflatedPieceMessage
  /**
   * Run what was offered; `resources` override what the program says. May come before pieces. If deploy is
   * gone before the run is over, the run is told to stop by SIGTERM, and has that grace.
   */
  | { type: "run"; resources: Readonly<Partial<Resources>>; graceMs: number }
  /**
   * The first message of a dry run: tell what of `spec` would be needed, and where such a process would
   * be placed. The answers are one `need` and `fits`.
   */
  | { type: "check"; spec: Bytes; resources: Readonly<Resources> }
  | StdinMessage
  /** End every process of the run so. Said again, it can only shorten the grace. */
  | ({ type: "stop" } & TerminationFields);

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
  | { type: "waiting"; resources: Readonly<Resources> }
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
export type BridgeToNode =
  /** The answer to `host`: what is run; `spec` is a `RunSpec`, encoded. */
  | { type: "run"; spec: Bytes }
  | PieceMessage
  | StdinMessage;

/** The most pieces that one message may name. */
export const MAX_PIECES = 65_536;

const fd = (value: unknown): boolean => value === 1 || value === 2;
/** What must be in an {@linkcode EventMessage}. */
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
  "run": { resources: someResources, graceMs: grace },
  "check": { spec: bytes, resources },
  ...STDIN,
  "stop": { ...TERMINATION },
};

export const BRIDGE_TO_DEPLOY: Schema<BridgeToDeploy> = {
  "need": NEED,
  "refused": { why: text, output: bytes },
  "fits": { message: text },
  "accepted": { run: text },
  "waiting": { resources },
  ...EVENT,
  "stdin-taken": { bytes: integer },
  "over": {},
};

export const NODE_TO_BRIDGE: Schema<NodeToBridge> = {
  "host": { run: text, node: text },
  "need": NEED,
  ...EVENT,
  "stdin-taken": { bytes: integer },
  "done": {},
};

export const BRIDGE_TO_NODE: Schema<BridgeToNode> = {
  run: { spec: bytes },
  piece: PIECE,
  ...STDIN,
};
