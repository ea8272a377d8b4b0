/** Ctrl-Z at a terminal, and what a shell does for `fg` and `bg`. */

/** What is done to the processes of a run. */
export interface StopSteps {
  stop(): void;
  resume(): void;
}

/**
 * Stops and resumes the processes of a run with this process. They have sessions of their own, so the terminal
 * stops only this one; and one that goes on would take what is typed for the shell.
 */
export function onStopSignal(steps: StopSteps): void {
  if (Deno.build.os === "windows") return;
  Deno.addSignalListener("SIGTSTP", () => {
    steps.stop();
    // As if it had not been caught.
    Deno.kill(Deno.pid, "SIGSTOP");
  });
  Deno.addSignalListener("SIGCONT", () => steps.resume());
}
