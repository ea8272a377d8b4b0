/** What processes wait for, as it crosses links. */

import { MAX_WAITS, type WaitState } from "../core/waits.ts";
import { amount, bool, type Check, fields, integer, listOf, pid, text, variant } from "./schema.ts";

/** A `Wait` of core. */
const wait = variant("kind", {
  recv: { remote: pid, name: text, select: bool },
  send: { remote: pid, name: text, select: bool, unreadBytes: integer, received: bool },
  accept: { name: text, select: bool },
  wait: { remote: pid, select: bool },
  kill: { remote: pid },
  spawn: { name: text },
  after: { select: bool },
  reach: { remote: pid, address: text, why: text },
  deliver: { remote: pid, bytes: integer },
});

/** The fields of a `WaitReport` of core. */
export const WAIT_REPORT = {
  waits: listOf(wait, MAX_WAITS),
  count: integer,
  progress: integer,
  mayWake: bool,
};

/** A `WaitState` of core. */
const waitState: Check = variant(
  "state",
  {
    waits: { report: fields(WAIT_REPORT) },
    computes: { forMs: amount },
    stopped: {},
  } satisfies Record<WaitState["state"], Readonly<Record<string, Check>>>,
);

/** A process, and what is known of what it waits for. */
export const WAITING_PROCESS: Check = fields({ pid, state: waitState });
