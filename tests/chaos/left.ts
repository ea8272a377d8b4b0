/** What may be left of a run after a fault: nothing, after a while. */

// @ts-types="../../types/std_assert.d.ts"
import { assert } from "@std/assert";
import { processesWith } from "../fabric/deployed.ts";
import type { Host } from "../system/netns.ts";

/** Resolves when no process with that mark is left, on that host if one is given; throws if that takes too long. */
export async function noneIsLeftWithin(limitMs: number, mark: string, host?: Host): Promise<void> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const here = host === undefined ? undefined : new Set(await host.processes());
    const left = (await processesWith(mark)).filter((pid) => here?.has(pid) ?? true);
    if (left.length === 0) return;
    assert(performance.now() < endMs, `after ${limitMs} ms there are left: ${left.join(", ")}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
