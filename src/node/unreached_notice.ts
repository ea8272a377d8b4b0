/** The log of a node says which hosts the processes on it cannot reach: once a pair of hosts and minute. */

import { formatAddress, parsePid, type Pid, shortPid } from "../core/pid.ts";

/** How long the same is not said again, in ms. */
const QUIET_MS = 60_000;

/** A process may open no more files, as Deno says it on Linux. */
const TOO_MANY_FILES = /\(os error 2[34]\)/;

/** An attempt of a process to connect to another one. */
export interface UnreachedProcess {
  readonly run: string;
  readonly from: Pid;
  readonly to: Pid;
  /** Why it failed, in some words. */
  readonly why: string;
}

/** Decides what is said. Time is an argument. */
export class UnreachedNotice {
  /** When each pair was last mentioned. */
  readonly #saidMs = new Map<string, number>();

  /** The line about a process that cannot connect to another one; `undefined` if that is known. */
  line({ run, from, to, why }: UnreachedProcess, nowMs: number): string | undefined {
    for (const [pair, atMs] of this.#saidMs) {
      if (nowMs - atMs >= QUIET_MS) this.#saidMs.delete(pair);
    }
    const [own, other] = [parsePid(from)!, parsePid(to)!];
    const pair = `${own.host} ${other.host} ${why}`;
    if (this.#saidMs.has(pair)) return undefined;
    this.#saidMs.set(pair, nowMs);
    const address = formatAddress(other.host, other.port);
    return `process ${shortPid(from)} of run ${run} cannot reach ${shortPid(to)} at ${address} ` +
      `from ${own.host}: ${why}; ${
        TOO_MANY_FILES.test(why)
          ? "raise the limit where its node is started (ulimit -n, or LimitNOFILE of a service)"
          : "firewalls have to let the ports of processes through, which fabric --ports limits"
      }`;
  }
}
