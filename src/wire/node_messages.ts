/** The messages between a master and its nodes, and those of a node that joins. */

import type { ExitStatus } from "../core/exit_status.ts";
import type { Pid } from "../core/pid.ts";
import type { CarriedArg } from "../core/roles.ts";
import type { Resources } from "../core/resources.ts";
import { type AnswerMessage, ANSWERS, type FailedMessage } from "./control.ts";
import {
  bool,
  bytes,
  type Check,
  grace,
  heldArg,
  integer,
  key,
  listOf,
  orNull,
  pid,
  resources,
  type Schema,
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
}

/** How processes are ended: a `Termination` of core. */
export interface TerminationFields {
  signal: Deno.Signal;
  graceMs: number;
}

/** The result of a trial boot. */
export type TryAnswer =
  /** The resources that the program requests for its first process. */
  | { type: "needs"; request: number; resources: Readonly<Resources> }
  /** It did not reach `init()`: why, in one line, and its output. */
  | { type: "unfit"; request: number; why: string; output: Bytes }
  /** The trial boot could not be done. */
  | FailedMessage;

/** A master's answers to `spawn`, `wait` and `kill`. */
export type MasterAnswer =
  | Exclude<AnswerMessage, { type: "killed" }>
  /** The processes that were still running when they were ended. */
  | { type: "killed"; request: number; pids: Pid[] };

/** The messages of a master to a node. */
export type MasterToNode =
  /**
   * The first message: the node belongs to this master from now on, with this address and these resources;
   * `null`: with those that its machine has.
   */
  | { type: "adopt"; address: string; resources: Readonly<Resources> | null }
  /** A run that the node will host; precedes its first `launch`. */
  | { type: "open"; run: string; key: Bytes; bridge: string }
  /**
   * Do a trial boot of the run's first process, which will probably be launched here; the node answers
   * `TryAnswer`.
   */
  | { type: "try"; request: number; run: string }
  /** Start a process; the node answers `launched` or `failed`. */
  | ({ type: "launch" } & SpawnFields)
  /** End a process; the node answers `killed` or `failed`. */
  | ({ type: "kill"; request: number; run: string; pid: Pid } & TerminationFields)
  /**
   * Launch nothing more of the run, and end its processes. Their ends are reported. Sent again, it can only
   * shorten the grace.
   */
  | ({ type: "stop"; run: string } & TerminationFields)
  /** Close the run: kill its remaining processes, and remove its files. */
  | { type: "close"; run: string }
  /** Answers to the node's requests. */
  | MasterAnswer;

/** The messages of a node to its master. */
export type NodeToMaster =
  /** The answer to `adopt`: the resources that the node lends. */
  | { type: "adopted"; resources: Readonly<Resources> }
  /** The negative answer, in one line; the node closes the connection. */
  | { type: "refused"; why: string }
  /** The node is about to end: nothing more is placed there. Its processes end first, and are reported. */
  | { type: "leaving" }
  /** Answers to the master's requests. */
  | { type: "launched"; request: number; pid: Pid }
  /** Whether the process was still there. */
  | { type: "killed"; request: number; ran: boolean }
  | TryAnswer
  /** A launched process has ended, and the bridge has all its output. */
  | { type: "exited"; run: string; pid: Pid; status: ExitStatus }
  /** A process of this node spawns; the master answers `spawned` or `failed`. */
  | ({ type: "spawn"; wait: boolean } & SpawnFields)
  /** The requester of that spawn is gone. */
  | { type: "cancel"; request: number }
  /** The master answers `ended` or `failed`. */
  | { type: "wait"; request: number; run: string; pid: Pid }
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
  arg: (value: unknown) => bytes(value) || heldArg(value),
  resources,
  cwd: orNull(text),
  env: orNull(bytes),
};

/** The schema of {@linkcode TerminationFields}. */
export const TERMINATION: Record<keyof TerminationFields, Check> = { signal, graceMs: grace };

/** The most processes that one request may end. */
const MAX_KILLED = 1_000_000;

export const MASTER_TO_NODE: Schema<MasterToNode> = {
  adopt: { address: text, resources: orNull(resources) },
  open: { run: text, key, bridge: text },
  try: { request: integer, run: text },
  launch: SPAWN,
  kill: { request: integer, run: text, pid, ...TERMINATION },
  stop: { run: text, ...TERMINATION },
  close: { run: text },
  ...ANSWERS,
  killed: { request: integer, pids: listOf(pid, MAX_KILLED) },
};

export const NODE_TO_MASTER: Schema<NodeToMaster> = {
  adopted: { resources },
  refused: { why: text },
  leaving: {},
  launched: { request: integer, pid },
  killed: { request: integer, ran: bool },
  ...TRY_ANSWERS,
  exited: { run: text, pid, status },
  spawn: { wait: bool, ...SPAWN },
  cancel: { request: integer },
  wait: { request: integer, run: text, pid },
  kill: { request: integer, run: text, pid, descendants: bool, ...TERMINATION },
};

export const JOIN_TO_MASTER: Schema<JoinToMaster> = {
  join: { address: text, resources },
};

export const MASTER_TO_JOIN: Schema<MasterToJoin> = {
  joined: {},
  refused: { why: text },
};
