/** Deploys a built program and shows it: from the offer to the exit code. */

import { type RunState, stoppedExitCodeOf } from "../run/run_state.ts";
import type { Inspection } from "../core/inspection.ts";
import type { Logger } from "../core/logger.ts";
import { formatMem } from "../core/resources.ts";
import { KILL, signalExitCode } from "../core/signals.ts";
import { KeyInput } from "../terminal/key_input.ts";
import { type EndSignal, STDOUT_GONE_CODE } from "../terminal/end_signals.ts";
import type { Progress } from "../terminal/progress.ts";
import type { OutputFormat } from "../terminal/formats.ts";
import { writeOutput } from "../terminal/terminal.ts";
import { onWhySignal } from "../terminal/why_signal.ts";
import { type Bridge, dialBridge } from "./dial_bridge.ts";
import type { InspectorDoors } from "./inspector_doors.ts";
import { largestFiles } from "./largest_files.ts";
import { exitAtOnce, Interrupted } from "./interrupted.ts";
import type { AttachedRun, BridgeLink } from "./attached_run.ts";
import { forwardStdin, openRun, showLost } from "./open_run.ts";
import { RunDisplay } from "./run_display.ts";
import { type Deployed, type Offered, Session, sizeOf } from "./session.ts";

export { connectToRun } from "./open_run.ts";
export { dialBridge };

/** How long the end of a run may take to be shown after its grace. */
const STOP_MS = 5_000;

/** How long a key may take after Ctrl-C. */
const KEY_MS = 2_000;

/** The same after a second signal. */
const KILL_MS = 2_000;

/** How long the ends of processes may take to be shown that are lost with the bridge. */
const LOST_MS = 1_000;

const NEWLINE = 0x0a;

/** One deployment, from the offer to the exit code. */
export class DeployClient {
  readonly #deployed: Deployed;
  readonly #options: DeployClientOptions;
  readonly #display: RunDisplay;
  readonly #input = new KeyInput(Deno.stdin);
  #run: AttachedRun | undefined;
  /** The id of the run, once that has begun. */
  #id: string | undefined;
  #isKilled = false;
  /** The exit code, once the user has told the run to stop. */
  #endCode: (() => number) | undefined;

  constructor(deployed: Deployed, options: DeployClientOptions) {
    this.#deployed = deployed;
    this.#options = options;
    this.#display = new RunDisplay(options.format, options);
  }

  /** Runs the program, and shows the run. */
  async run(link: BridgeLink, stop: AbortSignal): Promise<number> {
    const doors = await this.#openDoors();
    const run = this.#run = openRun(
      ...[link, this.#options.bridge, this.#display] as const,
      (event) => doors?.took(event),
    );
    const end = () => {
      const { signal } = stop.reason as Interrupted;
      void this.#interrupted(signal);
    };
    stop.addEventListener("abort", end, { once: true });
    if (stop.aborted) end();
    void this.#display.terminal.stdoutGone.then(() => {
      if (this.#endCode !== undefined) return;
      this.#endCode = () => STDOUT_GONE_CODE;
      this.#stop("SIGTERM");
    });
    const stopAsking = onWhySignal(() => run.askWhy());
    try {
      const ended = await this.#show(run);
      if (ended.kind === "detached") return await this.#exitCode(ended);
      const code = this.#endCode?.();
      if (code === undefined) return await this.#exitCode(ended);
      // It was told to stop, and nobody can say any more how its processes have ended.
      if (ended.kind === "lost" && this.#id !== undefined) {
        await showLost(ended, this.#options.bridge, this.#display);
      }
      return code;
    } finally {
      stopAsking();
      await doors?.close();
      await run.close();
    }
  }

  /** The way to the processes for debuggers, if the user wants that. */
  async #openDoors(): Promise<InspectorDoors | undefined> {
    const { bridge, inspection } = this.#options;
    if (inspection === undefined) return undefined;
    const { InspectorDoors } = await import("./inspector_doors.ts");
    return new InspectorDoors({
      ...{ bridge, inspection },
      token: () => this.#run?.token ?? "",
      remark: (line) => this.#display.terminal.remark(line),
    });
  }

  /** Kills the processes that are left of a run that was told to stop. */
  kill(): void {
    this.#isKilled = true;
    this.#run?.stop(KILL);
    this.#exitAfter(KILL_MS);
  }

  /** Finds out whether the program starts, what would be sent, and where it would fit. */
  async check(
    link: BridgeLink,
    options: { logger: Logger; signal: AbortSignal },
  ): Promise<number> {
    const { progress, folder } = this.#options;
    progress.step("trial boot here");
    // Only a dry run loads the modules that start processes.
    const { TrialBootError, tryHere } = await import("./try_here.ts");
    const run = openRun(link, this.#options.bridge, this.#display);
    try {
      const needs = await tryHere(this.#deployed, { ...options, folder });
      options.signal.addEventListener("abort", () => link.drop(), { once: true });
      const outcome = await new Session(run, this.#deployed, progress).check(needs);
      options.signal.throwIfAborted();
      return await this.#exitCode(outcome);
    } catch (error) {
      if (!(error instanceof TrialBootError)) throw error;
      const { message: why } = error;
      return await this.#exitCode({ kind: "refused", why, output: error.written() });
    } finally {
      await run.close();
    }
  }

  /** Deploys, and shows the run until it has ended. */
  async #show(run: AttachedRun): Promise<Offered> {
    const { graceMs, name, by, detached, progress, stdin } = this.#options;
    const session = new Session(run, this.#deployed, progress);
    const offered = await session.offer({ graceMs, name, by, detached });
    if (offered.kind !== "begun") return offered;
    if (!stdin) run.stdin.end();
    if (detached) return offered;
    this.#id = offered.run;
    if (stdin) forwardStdin(this.#input, run);
    return await run.show();
  }

  /** The user has sent a signal, for the first time: the run is told to stop, or left to the cluster. */
  async #interrupted(signal: EndSignal): Promise<void> {
    if (this.#endCode !== undefined) return;
    const told = this.#display.state;
    this.#endCode = () => this.#stoppedCode(signal, told);
    const { terminal } = this.#display;
    // After SIGHUP there is no terminal.
    if (this.#id === undefined || signal === "SIGHUP") return this.#stop(signal);
    if (signal !== "SIGINT" || !this.#input.isTerminal()) {
      void terminal.remark(
        "deploy: told the run to stop; another signal kills it; next time, --detach lets it go on",
      );
      return this.#stop(signal);
    }
    void terminal.remark(
      `deploy: stopping the run in ${KEY_MS / 1_000} s: d lets it go on, Ctrl-C kills it`,
    );
    const key = await this.#input.key(KEY_MS);
    if (key?.toLowerCase() === "d") this.#run?.detach();
    else if (!this.#isKilled) this.#stop(signal);
  }

  /** Tells the run to stop; its end is still shown. */
  #stop(signal: EndSignal): void {
    const { graceMs } = this.#options;
    this.#run?.stop({ signal, graceMs });
    this.#exitAfter(graceMs + STOP_MS);
  }

  /** The exit code of the run after that signal; `told` is its state when it was told. */
  #stoppedCode(signal: EndSignal, told: RunState | undefined): number {
    const { state } = this.#display;
    if (state === undefined || told === undefined) return signalExitCode(signal);
    return stoppedExitCodeOf(state, signal, told);
  }

  /**
   * This process ends after that time, even if the run's end has not been shown: what has begun is then
   * shown as lost, if what shows it still takes anything.
   */
  #exitAfter(ms: number): void {
    setTimeout(() => {
      this.#run?.giveUp(`it did not tell the end of the run within ${ms / 1_000} s`);
      setTimeout(() => exitAtOnce(this.#endCode?.() ?? 1, this.#options.folder), LOST_MS);
    }, ms);
  }

  async #exitCode(outcome: Offered): Promise<number> {
    const { progress, say, bridge, raw } = this.#options;
    progress.clear();
    switch (outcome.kind) {
      case "over":
        await this.#display.over(outcome.code, this.#run?.id ?? "");
        return outcome.code;
      case "begun":
        console.log(outcome.run);
        return 0;
      case "detached":
        say(`deploy: run ${this.#id} goes on; see it with: deploy attach ${this.#id}\n`);
        return 0;
      case "fits": {
        const [bytes, total] = [formatMem(outcome.bytes), formatMem(sizeOf(this.#deployed))];
        for (const line of largestFiles(this.#deployed.spec)) say(`deploy: ${line}\n`);
        say(`deploy: would send ${bytes} of ${total}\ndeploy: ${outcome.message}\n`);
        return outcome.possible ? 0 : 1;
      }
      case "refused":
        // What has begun all the same, on a node that was lost at that moment, is lost.
        await this.#display.lose(outcome.why);
        if (outcome.output.length > 0) {
          await writeOutput(Deno.stderr, outcome.output, { raw });
          if (outcome.output.at(-1) !== NEWLINE) say("\n");
        }
        say(`deploy: ${outcome.why}\n`);
        return 1;
      case "lost":
        await showLost(outcome, bridge, this.#display);
        return 1;
    }
  }
}

/** How a deployment is shown. */
export interface DeployClientOptions {
  readonly format: OutputFormat;
  /** Whether a terminal gets what programs write as it is. */
  readonly raw: boolean;
  /** The run's grace when it is told to stop, in ms. */
  readonly graceMs: number;
  /** What the run is called. */
  readonly name: string;
  /** Who starts it: `user@host`. */
  readonly by: string;
  /** Whether the run goes on without this process. */
  readonly detached: boolean;
  readonly progress: Progress;
  /** Which processes a debugger may attach to. */
  readonly inspection: Inspection | undefined;
  /** Whether the first process gets the stdin of this one. */
  readonly stdin: boolean;
  /** Writes to stderr. */
  readonly say: (text: string) => void;
  readonly bridge: Bridge;
  /** The folder for temporary files. */
  readonly folder: string;
}
