/** The messages between a master and its bridge. */

import { NODE_STATES, type NodeReport } from "../core/node_report.ts";
import type { Metric } from "../core/metrics.ts";
import type { Pid } from "../core/pid.ts";
import type { Resources } from "../core/resources.ts";
import type { WaitingSpawn } from "../core/waits.ts";
import {
  TERMINATION,
  type TerminationFields,
  TRY_ANSWERS,
  type TryAnswer,
} from "./node_messages.ts";
import {
  bool,
  fields,
  integer,
  key,
  listOf,
  oneOf,
  orNull,
  pid,
  resources,
  type Schema,
  type Shape,
  text,
} from "./schema.ts";

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
  /** End one process of a run, and what it started without `spawn`; its end is reported as usual. */
  | ({ type: "end-process"; run: string; pid: Pid } & TerminationFields)
  /** Which spawns of a run wait for room, and why; the master answers `spawns`. */
  | { type: "waiting"; request: number; run: string }
  /** What the nodes are; the master answers `node-list`. */
  | { type: "nodes"; request: number }
  /** Answers `measure`. */
  | { type: "measured"; request: number; metrics: SentMetric[] }
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

/** A {@linkcode Metric} on its way. */
export interface SentMetric {
  name: string;
  help: string;
  type: Metric["type"];
  samples: { labels: { key: string; text: string }[]; value: number }[];
}

/** For the way: of very many samples, the first. */
export function sentMetric({ name, help, type, samples }: Metric): SentMetric {
  return {
    ...{ name, help, type },
    samples: samples.slice(0, MAX_SAMPLES).map(({ labels = {}, value }) => ({
      labels: Object.entries(labels).map(([key, text]) => ({ key, text })),
      value,
    })),
  };
}

/** After it. */
export function receivedMetric({ name, help, type, samples }: SentMetric): Metric {
  return {
    ...{ name, help, type },
    samples: samples.map(({ labels, value }) => ({
      labels: Object.fromEntries(labels.map(({ key, text }) => [key, text])),
      value,
    })),
  };
}

/** The messages of a master to its bridge. */
export type MasterToBridge =
  | { type: "launched"; request: number; pid: Pid }
  | { type: "waits"; request: number }
  | TryAnswer
  /** A process was lost with its node, which will report nothing more about it. */
  | ({ type: "lost"; run: string; why: string } & LostProcess)
  /** A node that hosted the run is lost. Comes after `lost` for each of its processes. */
  | { type: "node-gone"; run: string; node: string; why: string }
  /** A line about a run, for its viewers. */
  | { type: "said"; run: string; text: string }
  /**
   * No process of the run is left; gives the number of processes that the master knew of. One that began
   * just before its node was lost may be known only to the bridge: it is lost, too.
   */
  | { type: "over"; run: string; processes: number }
  | { type: "spawns"; request: number; spawns: WaitingSpawn[] }
  /** What the bridge measures; it answers `measured`. */
  | { type: "measure"; request: number }
  | { type: "node-list"; request: number; nodes: NodeReport[] }
  /**
   * One line for a person; the address of the node, if one has room now; and whether a node is large
   * enough at all.
   */
  | { type: "fits"; request: number; node: string | null; possible: boolean; message: string };

const MAX_SPAWNS = 1_024;

/** The most metrics of a bridge, samples of each, and labels of those. */
const MAX_METRICS = 20;
const MAX_SAMPLES = 1_000;
const MAX_LABELS = 4;

const SENT_METRIC = fields(
  {
    ...{ name: text, help: text, type: oneOf("counter", "gauge") },
    samples: listOf(
      fields({ labels: listOf(fields({ key: text, text }), MAX_LABELS), value: integer }),
      MAX_SAMPLES,
    ),
  } satisfies Record<keyof SentMetric, Shape>,
);

const WAITING_SPAWN = fields(
  {
    ...{ parent: orNull(pid), name: text, resources, before: integer },
    closest: orNull(fields({ node: text, free: resources })),
  } satisfies Record<keyof WaitingSpawn, Shape>,
);

/** A list of `NodeReport`s of core. */
export const NODE_LIST: Shape = listOf(
  fields(
    {
      ...{ node: text, state: oneOf(...NODE_STATES), why: text },
      ...{ capacity: orNull(resources), inUse: resources, processes: integer },
    } satisfies Record<keyof NodeReport, Shape>,
  ),
  100_000,
);

export const BRIDGE_TO_MASTER: Schema<BridgeToMaster> = {
  bridge: { address: text },
  open: { run: text, key },
  try: { request: integer, run: text, resources },
  first: { request: integer, run: text, name: text, resources },
  end: { run: text, ...TERMINATION },
  "end-process": { run: text, pid, ...TERMINATION },
  waiting: { request: integer, run: text },
  nodes: { request: integer },
  measured: { request: integer, metrics: listOf(SENT_METRIC, MAX_METRICS) },
  where: { request: integer, resources },
};

export const MASTER_TO_BRIDGE: Schema<MasterToBridge> = {
  launched: { request: integer, pid },
  waits: { request: integer },
  ...TRY_ANSWERS,
  lost: { run: text, pid, parent: orNull(pid), name: text, node: text, why: text },
  "node-gone": { run: text, node: text, why: text },
  said: { run: text, text },
  over: { run: text, processes: integer },
  spawns: { request: integer, spawns: listOf(WAITING_SPAWN, MAX_SPAWNS) },
  measure: { request: integer },
  "node-list": { request: integer, nodes: NODE_LIST },
  fits: { request: integer, node: orNull(text), possible: bool, message: text },
};
