/** What may be left of a run after a fault: nothing, after a while. */

import { processesWith } from "../fabric/deployed.ts";
import type { Host } from "../system/netns.ts";
import { within } from "../within.ts";

/**
 * Resolves when no process with that mark is left, on that host if one is given; throws if some are not gone
 * {@linkcode within} that time.
 */
export async function noneIsLeftWithin(limitMs: number, mark: string, host?: Host): Promise<void> {
  let left: number[] = [];
  await within(
    limitMs,
    async () => {
      const here = host === undefined ? undefined : new Set(await host.processes());
      left = (await processesWith(mark)).filter((pid) => here?.has(pid) ?? true);
      return left.length === 0;
    },
    () => `there are left: ${left.join(", ")}`,
  );
}
