/** Waiting for memory that nobody holds any more. */

import { Session } from "node:inspector";

/** Resolves when it holds, as it does once garbage has been collected. Throws if it does not hold after a minute. */
export async function untilCollected(holds: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  const session = new Session();
  session.connect();
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`not within a minute: ${what}`);
    // What `holds` has looked at is kept until the end of its turn, and finalizers are called in one of their own.
    await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => session.post("HeapProfiler.collectGarbage", resolve));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  session.disconnect();
}
