/** The messages of a bridge with deploy, and with the nodes that host a run. */

import type { ExitRecord, RunEvent } from "../core/events.ts";
import { PIECE_BYTES } from "../core/manifest.ts";
import type { SeenDoing } from "../core/doing.ts";
import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { NodeSample } from "../core/samples.ts";
import type { WaitState } from "../core/waits.ts";
import { TERMINATION, type TerminationFields } from "./node_messages.ts";
import {
  amount,
  bool,
  bytes,
  bytesUpTo,
  fd,
  fields,
  grace,
  integer,
  listOf,
  oneOf,
  orNone,
  orNull,
  pid,
  resources,
  type Schema,
  type Shape,
  someResources,
  status,
  text,
  time,
  variant,
} from "./schema.ts";
import { MAX_SPEC_BYTES } from "./run_spec.ts";
import { NODE_SAMPLE } from "./samples.ts";
import { SEEN_DOING, UNREAD, WAITING_PROCESS } from "./waits.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** An event of a run. */
export type EventMessage = { type: "event"; event: RunEvent };

/** A process does something else than before. */
export type DoesMessage = { type: "does" } & SeenDoing;

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

/** Whether the first process wants stdin: not now, some, or all that there will be. */
export type StdinWanted = "no" | "some" | "all";

/** A process, and what is known of what it waits for. */
export interface WaitingProcess {
  readonly pid: Pid;
  readonly state: WaitState;
}

/** What a process uses now, with all that it has started. */
export interface ProcessUsage {
  readonly pid: Pid;
  /** In bytes. */
  readonly memBytes: number;
  /** The most of that so far. */
  readonly peakBytes: number;
  readonly cpuMs: number;
}

/** The most output in one event. */
const MAX_OUTPUT_BYTES = 1024 * 1024;

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
   * May precede pieces. If deploy is gone for good before the run is over, the run is told to stop by
   * SIGTERM, with that grace, unless it is detached.
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
  /**
   * The first message of a viewer: asks to be shown a run from its first event on. `run` is its id, the start
   * of one, its name, or empty for the only one, and `by` who asks: `user@host`. With `stdin`, the viewer feeds the first process, once
   * nobody who came before it does. The answer is `attached` or `refused`.
   */
  | { type: "attach"; run: string; by: string; stdin: boolean }
  /**
   * The first message on a connection that replaces a lost one: asks to go on with the event of that number.
   * The answer is `resumed` or `refused`.
   */
  | { type: "resume"; token: string; from: number }
  | StdinMessage
  /** End every process of the run. Sent again, it can only shorten the grace. */
  | ({ type: "stop" } & TerminationFields)
  /** Asks what each process of the run waits for. Answer: `waits`. */
  | { type: "why" }
  /** The run goes on without the deploy that started it. Answer: `detached`. */
  | { type: "detach" }
  /**
   * The last message: no connection follows this one. A run that is not over ends with the deploy that
   * started it, at once, unless it is detached.
   */
  | { type: "bye" };

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
  /** The run has an id and is about to begin. `token` is for `resume`. */
  | { type: "accepted"; run: string; token: string }
  /** The run that is shown. `token` is for `resume`. */
  | { type: "attached"; run: string; name: string; token: string }
  /**
   * The events go on as asked. The rest is about stdin that came from this viewer: how many bytes of it have
   * been received, in all; how many the first process has taken; whether its end has been received; and
   * whether some is wanted.
   */
  | { type: "resumed"; received: number; taken: number; ended: boolean; wanted: StdinWanted }
  /** So many events, which came before the next one, are no longer kept. */
  | { type: "missing"; events: number }
  /** The run goes on without this deploy. The last message. */
  | { type: "detached" }
  /** No node has enough free resources for the first process; it will begin when one has. */
  | { type: "waiting"; resources: Readonly<Resources> }
  | EventMessage
  | StdinTakenMessage
  | StdinWantedMessage
  /** What each process of the run waits for, in one line each. */
  | { type: "waits"; lines: string[] }
  /** The bridge ends, and why; its runs end with it. The last message. */
  | { type: "ending"; why: string }
  /**
   * The last message: no process of the run is left, and all events have been sent. `code` is the exit
   * status of the run. Deploy then sends `bye` and closes the connection. If the bridge did, data that deploy
   * has not read would be lost.
   */
  | { type: "over"; code: number };

/**
 * The side that sends this has taken so many messages of the other side, which forgets them. Of all messages
 * on the link of a node and a bridge, those that open a connection and this one are not counted.
 */
export type AckMessage = { type: "ack"; count: number };

/**
 * The messages of a node to the bridge of a run that it hosts. Their link outlives its connections: each side
 * keeps what the other one has not acknowledged, and sends it again on the next connection.
 */
export type NodeToBridge =
  /**
   * The first message of each connection: which run, and the node's address; a random id of the link, the
   * same on all of its connections; and how many messages of the bridge the node has taken.
   */
  | { type: "host"; run: string; node: string; link: string; taken: number }
  | AckMessage
  /** Pieces that the node lacks. They are sent in this order. */
  | { type: "need"; pieces: string[] }
  | EventMessage
  | DoesMessage
  | StdinTakenMessage
  | StdinWantedMessage
  /** The answer to the `why` of that number: what the processes of the run on this node wait for. */
  | { type: "waits"; request: number; processes: WaitingProcess[] }
  /** The answer to the `samples` of that number. */
  | { type: "samples"; request: number; processes: NodeSample[] }
  /** The answer to the `usage` of that number; a process of which nothing is known is left out. */
  | { type: "usages"; request: number; processes: ProcessUsage[] }
  /**
   * The last message: no process of the run is left on this node, and all events have been sent. Questions of the
   * bridge that come later are not answered. The bridge acknowledges it at once, and then the node closes the
   * connection.
   */
  | { type: "done" };

/** The messages of a bridge to a node that hosts a run. */
export type BridgeToNode =
  /** The answer to `host`: how many messages of the node the bridge has taken. */
  | { type: "hosted"; taken: number }
  /** The negative answer: the bridge does not know the run, or not any more. The node closes the connection. */
  | { type: "unknown" }
  | AckMessage
  /** The first message that counts: the encoded `RunSpec`, and who deployed it, as `deploy ps` shows them. */
  | { type: "run"; spec: Bytes; by: string }
  | PieceMessage
  | StdinMessage
  /** Asks what the processes of the run on this node wait for. Answer: `waits`. */
  | { type: "why"; request: number }
  /** Asks what the processes of the run on this node use now. Answer: `usages`. */
  | { type: "usage"; request: number }
  /** Asks for a sample of each process of the run on this node. Answer: `samples`. */
  | { type: "samples"; request: number }
  /**
   * Asks for a connection to the inspector of that process, which the node makes to the bridge, and says `id` on: see
   * inspect_messages.ts.
   */
  | { type: "inspect"; pid: Pid; id: string };

/** The most pieces that one message may name. */
export const MAX_PIECES = 65_536;

/** The most processes, or lines about processes, in one message. */
export const MAX_WAITING = 65_536;

/** A list of {@linkcode ProcessUsage}. */
export const USAGES = listOf(
  fields(
    { pid, memBytes: integer, peakBytes: integer, cpuMs: amount } satisfies Record<
      keyof ProcessUsage,
      Shape
    >,
  ),
  MAX_WAITING,
);

/** An `ExitRecord` of core. */
const EXIT_RECORD = fields(
  {
    peakBytes: orNull(integer),
    cpuMs: orNull(amount),
    lastLines: text,
    unread: orNone(UNREAD),
    undelivered: orNone(text),
  } satisfies Record<keyof ExitRecord, Shape>,
);

/** The schema of an {@linkcode EventMessage}. */
export const EVENT: Schema<EventMessage> = {
  event: {
    event: variant("event", {
      spawn: {
        ...{ pid, parent: orNull(pid), name: text, node: orNull(text), time },
        resources: orNone(resources),
        inspected: orNone(bool),
      },
      output: { pid, fd, bytes: bytesUpTo(MAX_OUTPUT_BYTES), time },
      eof: { pid, fd },
      exit: { pid, status, time, record: orNone(EXIT_RECORD) },
      noticed: { pid },
      said: { text, time },
    }),
  },
};

/** The schema of a {@linkcode DoesMessage}. */
export const DOES: Schema<DoesMessage> = { does: SEEN_DOING };

const spec = bytesUpTo(MAX_SPEC_BYTES);
const PIECE = { hash: text, bytes: bytesUpTo(PIECE_BYTES) };
const STDIN = { "stdin": { bytes: bytesUpTo(STDIN_WINDOW_BYTES) }, "stdin-end": {} };
const ACK = { ack: { count: integer } };
const NEED = { pieces: listOf(text, MAX_PIECES) };

export const DEPLOY_TO_BRIDGE: Schema<DeployToBridge> = {
  "offer": { spec },
  "piece": PIECE,
  "deflated-piece": PIECE,
  "run": { name: text, by: text, resources: someResources, graceMs: grace, detached: bool },
  "check": { spec, resources },
  "attach": { run: text, by: text, stdin: bool },
  "resume": { token: text, from: integer },
  ...STDIN,
  "stop": { ...TERMINATION },
  "why": {},
  "detach": {},
  "bye": {},
};

export const BRIDGE_TO_DEPLOY: Schema<BridgeToDeploy> = {
  "need": { ...NEED, last: bool },
  "refused": { why: text, output: bytes },
  "fits": { possible: bool, message: text },
  "accepted": { run: text, token: text },
  "attached": { run: text, name: text, token: text },
  "resumed": {
    received: integer,
    taken: integer,
    ended: bool,
    wanted: oneOf("no", "some", "all"),
  },
  "missing": { events: integer },
  "detached": {},
  "waiting": { resources },
  ...EVENT,
  "stdin-taken": { bytes: integer },
  "stdin-wanted": { always: bool },
  "waits": { lines: listOf(text, MAX_WAITING) },
  "ending": { why: text },
  "over": { code: integer },
};

export const NODE_TO_BRIDGE: Schema<NodeToBridge> = {
  "host": { run: text, node: text, link: text, taken: integer },
  ...ACK,
  "need": NEED,
  ...EVENT,
  ...DOES,
  "stdin-taken": { bytes: integer },
  "stdin-wanted": { always: bool },
  "waits": { request: integer, processes: listOf(WAITING_PROCESS, MAX_WAITING) },
  "usages": { request: integer, processes: USAGES },
  "samples": { request: integer, processes: listOf(NODE_SAMPLE, MAX_WAITING) },
  "done": {},
};

export const BRIDGE_TO_NODE: Schema<BridgeToNode> = {
  hosted: { taken: integer },
  unknown: {},
  ...ACK,
  run: { spec, by: text },
  piece: PIECE,
  ...STDIN,
  why: { request: integer },
  usage: { request: integer },
  samples: { request: integer },
  inspect: { pid, id: text },
};
