/** How a `fabric` is told to stop, and how long that may take. */

import type { FabricOptions } from "../cli/fabric_arguments.ts";
import { graceVariable } from "../cli/values.ts";
import type { Termination } from "../core/signals.ts";
import { onEndSignals } from "../terminal/end_signals.ts";

/** How long after the grace this process ends; what still runs then is left to the watchdogs. */
const END_MS = 2_000;

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP, with how to end processes: by SIGTERM, and with the
 * grace from the options or `DEPLOY_GRACE`. This process ends 2 s after that grace at the latest; at a
 * second signal, at once.
 *
 * @throws {UsageError} If `DEPLOY_GRACE` is not a duration.
 */
export function endSignal(options: Pick<FabricOptions, "graceMs">): Promise<Termination> {
  const graceMs = options.graceMs ?? graceVariable(Deno.env.get("DEPLOY_GRACE"));
  const { promise, resolve } = Promise.withResolvers<Termination>();
  const leave = () => Deno.exit(0);
  onEndSignals({
    tell: () => {
      Deno.unrefTimer(setTimeout(leave, graceMs + END_MS));
      resolve({ signal: "SIGTERM", graceMs });
    },
    kill: leave,
    leave,
  });
  return promise;
}
