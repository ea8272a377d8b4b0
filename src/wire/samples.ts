/** Samples of processes, as they cross links. */

import {
  ACTIVITIES,
  type NodeSample,
  type ProcessSample,
  type SampledUsage,
} from "../core/samples.ts";
import { MAX_FULL, MAX_NAME, MAX_PEERS, type PeerTraffic } from "../core/waits.ts";
import {
  amount,
  fields,
  integer,
  listOf,
  oneOf,
  orNull,
  pid,
  type Shape,
  text,
  textUpTo,
} from "./schema.ts";
import { WAIT_STATE } from "./waits.ts";

/** A list of `PeerTraffic`. */
export const TRAFFIC: Shape = listOf(
  fields(
    {
      ...{ remote: pid, values: integer, bytes: integer },
      full: listOf(textUpTo(MAX_NAME), MAX_FULL),
    } satisfies Record<keyof PeerTraffic, Shape>,
  ),
  MAX_PEERS,
);

const usage = orNull(
  fields(
    { memBytes: integer, cpuMs: amount, ageMs: amount } satisfies Record<keyof SampledUsage, Shape>,
  ),
);

/** A `NodeSample`. */
export const NODE_SAMPLE: Shape = fields(
  { pid, state: WAIT_STATE, usage, traffic: TRAFFIC } satisfies Record<keyof NodeSample, Shape>,
);

/** A `ProcessSample`. */
export const PROCESS_SAMPLE: Shape = fields(
  {
    ...{ pid, activity: oneOf(...ACTIVITIES), on: orNull(pid), waits: text },
    ...{ usage, traffic: TRAFFIC },
  } satisfies Record<keyof ProcessSample, Shape>,
);
