/** The messages between a master and its nodes, and those of a node that joins. */

import type { EndStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { CarriedArg } from "../core/roles.ts";
import type { Resources } from "../core/resources.ts";
import { type AnswerMessage, ANSWERS, type FailedMessage } from "./control.ts";
import {
  bool,
  bytes,
  bytesOr,
  grace,
  heldArg,
  integer,
  key,
  listOf,
  orNone,
  orNull,
  permissionFlags,
  pid,
  resources,
  type Schema,
  type Shape,
  signal,
  status,
  text,
} from "./schema.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The fields of a spawn, in each message that requests one. */
export interface SpawnFields {
  request: number;
  run: string;
  parent: Pid | null;
  /** The registered name of the function to run; `null` for the first process. */
  function: string | null;
  /** The displayed name of the process. */
  name: string;
  arg: CarriedArg;
  resources: Readonly<Resources>;
  cwd: string | null;
  env: Bytes | null;
  /** What the process may do at most; see `SpawnRequest` of core. */
  permissions?: readonly string[];
}

/** How processes are ended: a `Termination` of core. */
export interface TerminationFields {
  signal: Deno.Signal;
  graceMs: number;
}

/** The node cannot do what it was asked for: what it lacks, and what to do. Another one may be able to. */
export type CannotMessage = {
  type: "cannot";
  request: number;
  why: string;
  /** Whether it lacks that for this program only. @default no */
  ofProgram?: boolean;
};

/** The result of a trial boot. */
export type TryAnswer =
  /** The resources that the program requests for its first process. */
  | { type: "needs"; request: number; resources: Readonly<Resources> }
  /** It did not reach `init()`: why, in one line, and its output. */
  | { type: "unfit"; request: number; why: string; output: Bytes }
  /** The trial boot could not be done. */
  | FailedMessage;

/** A master's answers to a node. */
export type MasterAnswer =
  | Exclude<AnswerMessage, { type: "killed" }>
  /** The processes that were still running when they were ended. */
  | { type: "killed"; request: number; pids: Pid[] };

/** The messages of a master to a node. */
export type MasterToNode =
  /**
   * The first message: the node belongs to this master from now on, with this address and these resources;
   * `null`: with those that its machine has. `session` is a random id of this connection, for `recall`.
   */
  | { type: "adopt"; address: string; resources: Readonly<Resources> | null; session: string }
  /** A run that the node will host, and the hosts of the other nodes there are; precedes its first `launch`. */
  | { type: "open"; run: string; key: Bytes; bridge: string; hosts: string[] }
  /**
   * Do a trial boot of the run's first process, which will probably be launched here; the node answers
   * `TryAnswer` or `cannot`.
   */
  | { type: "try"; request: number; run: string }
  /** Start a process; the node answers `launched`, `cannot` or `failed`. */
  | ({ type: "launch" } & SpawnFields)
  /** End a process; the node answers `killed` or `failed`. */
  | ({ type: "kill"; request: number; run: string; pid: Pid } & TerminationFields)
  /** Does this process still run? The node answers `probed`. */
  | { type: "probe"; request: number; run: string; pid: Pid }
  /**
   * The connection of that session was lost before its `launch` of that number was answered: was the process
   * started? The node answers `recalled`.
   */
  | { type: "recall"; request: number; session: string; launch: number }
  /**
   * Launch nothing more of the run, and end its processes. Their ends are reported. Sent again, it can only
   * shorten the grace.
   */
  | ({ type: "stop"; run: string } & TerminationFields)
  /** The bridge of the run is gone: nothing more can be reported to it. Comes before `stop`. */
  | { type: "bridge-gone"; run: string }
  /** Close the run: kill its remaining processes, and remove its files. */
  | { type: "close"; run: string }
  /** Answers to the node's requests. */
  | MasterAnswer;

/** The messages of a node to its master. */
export type NodeToMaster =
  /** The answer to `adopt`: the resources that the node lends, and a random id of its fabric. */
  | { type: "adopted"; resources: Readonly<Resources>; fabric: string }
  /** The negative answer, in one line; the node closes the connection. */
  | { type: "refused"; why: string }
  /** The node is about to end: nothing more is placed there. Its processes end first, and are reported. */
  | { type: "leaving" }
  /** Answers to the master's requests. */
  | { type: "launched"; request: number; pid: Pid }
  /** Whether the process was still there. */
  | { type: "killed"; request: number; ran: boolean }
  | { type: "probed"; request: number; runs: boolean }
  /** Whether it was started; it has ended since, with its connection. `null`: that is no longer known. */
  | { type: "recalled"; request: number; started: boolean | null }
  | TryAnswer
  | CannotMessage
  /** A launched process has ended, and the bridge has all its output. */
  | { type: "exited"; run: string; pid: Pid; status: EndStatus }
  /** A process of this node spawns; the master answers `spawned` or `failed`. */
  | ({ type: "spawn"; wait: boolean } & SpawnFields)
  /** The requester of that spawn is gone. */
  | { type: "cancel"; request: number }
  /** The master answers `ended` or `failed`. */
  | { type: "wait"; request: number; run: string; pid: Pid }
  /** Does this process still run, on whichever node? The master answers `probed` or `failed`. */
  | { type: "probe"; request: number; run: string; pid: Pid }
  /** The master answers `killed` or `failed`. */
  | (
    & { type: "kill"; request: number; run: string; pid: Pid; descendants: boolean }
    & TerminationFields
  );

/** The message of a node that joins. */
export type JoinToMaster = { type: "join"; address: string; resources: Readonly<Resources> };

/** The answer of a master to a node that joins: from now on it dials the node like any other. */
export type MasterToJoin = { type: "joined" } | { type: "refused"; why: string };

/** The schema of each {@linkcode TryAnswer}. */
export const TRY_ANSWERS: Schema<TryAnswer> = {
  needs: { request: integer, resources },
  unfit: { request: integer, why: text, output: bytes },
  failed: ANSWERS.failed,
};

const SPAWN = {
  request: integer,
  run: text,
  parent: orNull(pid),
  function: orNull(text),
  name: text,
  /** Larger arguments are fetched. */
  arg: bytesOr(heldArg),
  resources,
  cwd: orNull(text),
  env: orNull(bytes),
  permissions: permissionFlags,
};

/** The schema of {@linkcode TerminationFields}. */
export const TERMINATION: Record<keyof TerminationFields, Shape> = { signal, graceMs: grace };

/** The most hosts of other nodes that a node is told of: they may become an argument of a command. */
export const MAX_HOSTS = 1_000;

/** The most processes that one request may end. */
const MAX_KILLED = 1_000_000;

export const MASTER_TO_NODE: Schema<MasterToNode> = {
  adopt: { address: text, resources: orNull(resources), session: text },
  open: { run: text, key, bridge: text, hosts: listOf(text, MAX_HOSTS) },
  try: { request: integer, run: text },
  launch: SPAWN,
  kill: { request: integer, run: text, pid, ...TERMINATION },
  probe: { request: integer, run: text, pid },
  recall: { request: integer, session: text, launch: integer },
  stop: { run: text, ...TERMINATION },
  "bridge-gone": { run: text },
  close: { run: text },
  ...ANSWERS,
  killed: { request: integer, pids: listOf(pid, MAX_KILLED) },
};

export const NODE_TO_MASTER: Schema<NodeToMaster> = {
  adopted: { resources, fabric: text },
  refused: { why: text },
  leaving: {},
  launched: { request: integer, pid },
  killed: { request: integer, ran: bool },
  probed: ANSWERS.probed,
  recalled: { request: integer, started: orNull(bool) },
  ...TRY_ANSWERS,
  cannot: { request: integer, why: text, ofProgram: orNone(bool) },
  exited: { run: text, pid, status },
  spawn: { wait: bool, ...SPAWN },
  cancel: { request: integer },
  wait: { request: integer, run: text, pid },
  probe: { request: integer, run: text, pid },
  kill: { request: integer, run: text, pid, descendants: bool, ...TERMINATION },
};

export const JOIN_TO_MASTER: Schema<JoinToMaster> = {
  join: { address: text, resources },
};

export const MASTER_TO_JOIN: Schema<MasterToJoin> = {
  joined: {},
  refused: { why: text },
};
