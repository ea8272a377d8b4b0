/** How a `fabric` is told to end, and how long that may take. */

/** After so long, what has not ended in order is left to the watchdogs. */
const END_MS = 4_500;

/**
 * Resolves at the first SIGINT or SIGTERM. The process then has a few seconds; a second signal ends it at
 * once.
 */
export function endSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let told = false;
  const end = (): void => {
    if (told) Deno.exit(0);
    told = true;
    const timer = setTimeout(() => Deno.exit(0), END_MS);
    Deno.unrefTimer(timer);
    resolve();
  };
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, end);
  return promise;
}
