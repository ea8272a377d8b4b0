/** What the processes of a run have sent to each other, added up. */

import type { Pid } from "../core/pid.ts";
import type { ProcessSample } from "../core/samples.ts";

/** Values and bytes. */
export interface Sent {
  readonly values: number;
  readonly bytes: number;
}

const NOTHING: Sent = { values: 0, bytes: 0 };

/**
 * Adds up what samples of processes tell: each has what a process had sent by then, and a process that has
 * ended is in no more samples. So what it sent after its last one is missing.
 */
export class ChannelMeter {
  /** The last sample of each pair that was in the last ones. */
  #last = new Map<Pid, Map<Pid, Sent>>();
  #total: Sent = NOTHING;

  /** All that has been sent, as far as it was in samples. */
  get total(): Sent {
    return this.#total;
  }

  /** Takes a sample of each process that runs. */
  took(samples: readonly ProcessSample[]): void {
    const now = new Map<Pid, Map<Pid, Sent>>();
    let { values, bytes } = this.#total;
    for (const { pid, traffic } of samples) {
      const before = this.#last.get(pid);
      for (const sent of traffic) {
        const last = before?.get(sent.remote) ?? NOTHING;
        // A process that had forgotten the other one counts from 0 again.
        const isSame = sent.bytes >= last.bytes;
        values += sent.values - (isSame ? last.values : 0);
        bytes += sent.bytes - (isSame ? last.bytes : 0);
      }
      now.set(pid, new Map(traffic.map((sent) => [sent.remote, sent])));
    }
    this.#last = now;
    this.#total = { values, bytes };
  }
}
