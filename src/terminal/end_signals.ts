/** The signals with which a user ends a run, and what they make of its exit code. */

const END_SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type EndSignal = keyof typeof END_SIGNALS;

/** What a shell says of a program whose reader went away: 128 and the number of SIGPIPE. */
export const STDOUT_GONE_CODE = 141;

/**
 * Calls `end` for each such signal with the exit code that it makes, 128 and its number. A program that
 * was started with SIGHUP ignored, as by nohup, outlives its terminal.
 *
 * @returns Listens no longer.
 */
export function onEndSignal(end: (code: number) => void): () => void {
  const listening: [EndSignal, () => void][] = [];
  for (const name of Object.keys(END_SIGNALS) as EndSignal[]) {
    if (name === "SIGHUP" && ignoresHangup()) continue;
    const listener = () => end(128 + END_SIGNALS[name]);
    Deno.addSignalListener(name, listener);
    listening.push([name, listener]);
  }
  return () => {
    for (const [name, listener] of listening) Deno.removeSignalListener(name, listener);
  };
}

/** Whether this process was started with SIGHUP ignored, as nohup does. */
function ignoresHangup(): boolean {
  try {
    const ignored = /SigIgn:\s*([0-9a-f]+)/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
    return ignored !== undefined && (BigInt(`0x${ignored}`) & 1n) === 1n;
  } catch {
    // There is no /proc on macOS, and it may only be read with all permissions.
    return false;
  }
}
