/** `deploy attach`: shows a run as if it had been deployed from here. */

import { signalExitCode } from "../core/signals.ts";
import { type EndSignal, onEndSignals, STDOUT_GONE_CODE } from "../terminal/end_signals.ts";
import type { OutputFormat } from "../terminal/formats.ts";
import { onWhySignal } from "../terminal/why_signal.ts";
import type { Bridge } from "./dial_bridge.ts";
import { connectToRun, forwardStdin, openRun, showLost } from "./open_run.ts";
import { RunDisplay } from "./run_display.ts";
import { thisUser } from "./this_user.ts";

/** How to attach. */
export interface AttachOptions {
  /** An id, the start of one, or a name; empty for the only one that runs. */
  readonly run: string;
  /** Whether the first process gets stdin from here, if nobody else gives it any. */
  readonly stdin: boolean;
  readonly format: OutputFormat;
  /** Whether a terminal gets what programs write as it is. */
  readonly raw: boolean;
  readonly say: (text: string) => void;
}

/**
 * Shows a run from its start until it ends. A signal, or a reader of stdout that goes away, ends only this.
 *
 * @returns The exit status of the run; 1 if there is none such, or it is lost; else that of the signal.
 * @throws {ConnectError} If the bridge cannot be reached.
 */
export async function attach(
  bridge: Bridge,
  { run: query, stdin, format, raw, say }: AttachOptions,
): Promise<number> {
  const display = new RunDisplay(format, { raw });
  const run = openRun(await connectToRun(bridge), bridge, display);
  void run.send({ type: "attach", run: query, by: thisUser(), stdin });
  const answer = await run.next();
  if (answer?.type !== "attached") {
    const why = answer?.type === "refused"
      ? answer.why
      : `lost the bridge ${bridge.address}: ${await run.whyEnded()}`;
    say(`deploy: ${why}\n`);
    await run.close();
    return 1;
  }
  run.begun(answer.run, answer.token);
  const left = Promise.withResolvers<number>();
  const leave = async (signal: EndSignal): Promise<void> => {
    const { run: id, name } = answer;
    const line = `deploy: left run ${id} (${name}), which goes on: deploy attach ${id}`;
    // After SIGHUP there is no terminal.
    if (signal !== "SIGHUP") await display.terminal.remark(line);
    left.resolve(signalExitCode(signal));
  };
  const stopListening = onEndSignals({
    tell: (signal) => void leave(signal),
    kill: (signal) => Deno.exit(signalExitCode(signal)),
    leave: (signal) => Deno.exit(signalExitCode(signal)),
  });
  const stopAsking = onWhySignal(() => run.askWhy());
  void display.terminal.stdoutGone.then(() => left.resolve(STDOUT_GONE_CODE));
  if (stdin) forwardStdin(Deno.stdin, run);
  try {
    const ended = await Promise.race([run.show(), left.promise]);
    if (typeof ended === "number") return ended;
    switch (ended.kind) {
      case "over":
        await display.over(ended.code, run.id);
        return ended.code;
      case "refused":
        say(`deploy: ${ended.why}\n`);
        return 1;
      case "lost":
        await showLost(ended, bridge, display);
        return 1;
      case "detached":
        throw new Error("a viewer cannot detach a run");
    }
  } finally {
    stopListening();
    stopAsking();
    await run.close();
  }
}
