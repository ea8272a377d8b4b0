/** The signal with which a user asks why a run waits: SIGQUIT, which is Ctrl-\ at a terminal. */

/** Calls `ask` at each such signal, which does not end this process then. @returns Listens no longer. */
export function onWhySignal(ask: () => void): () => void {
  if (Deno.build.os === "windows") return () => {};
  Deno.addSignalListener("SIGQUIT", ask);
  return () => Deno.removeSignalListener("SIGQUIT", ask);
}
