/** What a pool and its processes say to each other: short arrays, since there are so many of them. */

import type { Carrier } from "../core/tracing.ts";

/** The name of the two channels between a pool and each of its processes. */
export const CHANNEL = "deploy/pool";

/** What the first element of a {@linkcode Request} says. */
export const enum Ask {
  /** Run a call, behind those that are there. */
  run = 0,
  /** Abort the signal of a call; give it back if it has not begun. */
  abort = 1,
  /** Give back a call, if it has not begun. */
  giveBack = 2,
}

/** From the pool to a process. */
export type Request =
  /** `trace` is the context of the call's span, if it has one. */
  | readonly [Ask.run, id: number, task: string, arg: unknown, attempt: number, trace?: Carrier]
  | readonly [Ask.abort, id: number, reason: unknown]
  | readonly [Ask.giveBack, id: number];

/** What became of a call. */
export const enum Came {
  returned = 0,
  threw = 1,
  /** It had not begun, and is the pool's again. */
  givenBack = 2,
}

/** From a process to the pool: `ms` is how long the call ran. */
export type Result = readonly [id: number, came: Came, value: unknown, ms: number];

/** What the function of a pool's process is given. */
export interface ServeArgument {
  readonly concurrency: number;
}
