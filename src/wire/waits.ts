/** What processes wait for, and what they have not taken, as it crosses links. */

import type { Doing, SeenDoing } from "../core/doing.ts";
import {
  MAX_NAME,
  MAX_UNREAD,
  MAX_WAITS,
  type UnreadChannel,
  type WaitState,
} from "../core/waits.ts";
import {
  amount,
  bool,
  fields,
  integer,
  listOf,
  orNone,
  pid,
  type Shape,
  type Shapes,
  text,
  textUpTo,
  time,
  variant,
} from "./schema.ts";

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

/** A list of `UnreadChannel` of core. */
export const UNREAD: Shape = listOf(
  fields(
    {
      remote: pid,
      name: textUpTo(MAX_NAME),
      values: integer,
      bytes: integer,
    } satisfies Record<keyof UnreadChannel, Shape>,
  ),
  MAX_UNREAD,
);

/** A `WaitState` of core. */
export const WAIT_STATE: Shape = variant(
  "state",
  {
    waits: { report: fields(WAIT_REPORT) },
    computes: { forMs: amount },
    silent: { inspected: bool },
    stopped: {},
  } satisfies Record<WaitState["state"], Shapes>,
);

/** The fields of a `SeenDoing` of core. */
export const SEEN_DOING = {
  pid,
  doing: variant(
    "activity",
    { computes: {}, silent: {}, idle: {}, stopped: {}, waits: { wait } } satisfies Record<
      Doing["activity"],
      Shapes
    >,
  ),
  time,
  everyMs: amount,
  cpuMs: orNone(amount),
} satisfies Record<keyof SeenDoing, Shape>;

/** A process, and what is known of what it waits for. */
export const WAITING_PROCESS: Shape = fields({ pid, state: WAIT_STATE });
