/** What a master and one of its nodes say to each other, and what a node says to join one. */

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

/** The fields of a spawn, whoever asks whom for it. */
export interface SpawnFields {
  request: number;
  run: string;
  parent: Pid | null;
  /** The registered name of the function to run; `null` for the first process. */
  function: string | null;
  /** What the process is called where people see it. */
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

/** What came of trying a program as far as `init()`. */
export type TryAnswer =
  /** What it says that its first process needs. */
  | { type: "needs"; request: number; resources: Readonly<Resources> }
  /** It did not come so far: why, in one line, and what it wrote. */
  | { type: "unfit"; request: number; why: string; output: Bytes }
  /** It could not be tried. */
  | FailedMessage;

/** A master's answers to `spawn`, `wait` and `kill`. */
export type MasterAnswer =
  | Exclude<AnswerMessage, { type: "killed" }>
  /** Those of the processes that were to be ended which were still there. */
  | { type: "killed"; request: number; pids: Pid[] };

/** What a master tells a node, or asks of it. */
export type MasterToNode =
  /** The first message: the node is this master's from now on, under this name, with so much. */
  | { type: "adopt"; address: string; resources: Readonly<Resources> }
  /** A run that the node will host processes of; comes before the first `launch` of it. */
  | { type: "open"; run: string; key: Bytes; bridge: string }
  /** Boot the run's first process, which is likely to be launched here; the node answers `TryAnswer`. */
  | { type: "try"; request: number; run: string }
  /** Start a process; the node answers `launched` or `failed`. */
  | ({ type: "launch" } & SpawnFields)
  /** End a process; the node answers `killed` or `failed`. */
  | ({ type: "kill"; request: number; run: string; pid: Pid } & TerminationFields)
  /**
   * Launch nothing more of the run, and end its processes so. What ends is told. Said again, it can only
   * shorten the grace.
   */
  | ({ type: "stop"; run: string } & TerminationFields)
  /** The run is over, or is to be: kill what is left of it, and remove what it left. */
  | { type: "close"; run: string }
  /** Answers to the node's own questions. */
  | MasterAnswer;

/** What a node tells its master, or asks of it. */
export type NodeToMaster =
  /** The answer to `adopt`. */
  | { type: "adopted" }
  /** The other answer to it, in one line; the node closes the connection. */
  | { type: "refused"; why: string }
  /** It is about to end: nothing more is to be placed there. What it hosts ends first, and is told. */
  | { type: "leaving" }
  /** Answers to the master's questions. */
  | { type: "launched"; request: number; pid: Pid }
  /** Whether the process was still there. */
  | { type: "killed"; request: number; ran: boolean }
  | TryAnswer
  /** A process that was launched has ended, and all its output is with the bridge. */
  | { type: "exited"; run: string; pid: Pid; status: ExitStatus }
  /** A process of this node spawns; the master answers `spawned` or `failed`. */
  | ({ type: "spawn"; wait: boolean } & SpawnFields)
  /** Whoever asked for that spawn is gone. */
  | { type: "cancel"; request: number }
  /** The master answers `ended` or `failed`. */
  | { type: "wait"; request: number; run: string; pid: Pid }
  /** The master answers `killed` or `failed`. */
  | (
    & { type: "kill"; request: number; run: string; pid: Pid; descendants: boolean }
    & TerminationFields
  );

/** What a node that joins tells its master. */
export type JoinToMaster = { type: "join"; address: string; resources: Readonly<Resources> };

/** What a master answers to a node that joins: from now on it dials the node as any other. */
export type MasterToJoin = { type: "joined" } | { type: "refused"; why: string };

/** What must be in each {@linkcode TryAnswer}. */
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
  /** What is larger is fetched. */
  arg: (value: unknown) => bytes(value) || heldArg(value),
  resources,
  cwd: orNull(text),
  env: orNull(bytes),
};

/** What must be in {@linkcode TerminationFields}. */
export const TERMINATION: Record<keyof TerminationFields, Check> = { signal, graceMs: grace };

/** The most processes that one question may end. */
const MAX_KILLED = 1_000_000;

export const MASTER_TO_NODE: Schema<MasterToNode> = {
  adopt: { address: text, resources },
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
  adopted: {},
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
