/** A local run: node, master, run and terminal in one OS process, from the first process to the exit. */

import { forwardInput } from "../terminal/input.ts";
import { FirstFailure } from "../run/first_failure.ts";
import { MemoryLog } from "../run/memory_log.ts";
import { Run } from "../run/run.ts";
import { exitCodeOf, runningProcesses, stoppedExitCodeOf } from "../run/run_state.ts";
import { StandstillWatch } from "../run/standstill_watch.ts";
import { SurvivorNotice } from "../run/survivors.ts";
import { describeWaits, waitLines } from "../run/wait_lines.ts";
import { messageOf } from "../core/errors.ts";
import type { RunEvent } from "../core/events.ts";
import type { SpawnRequest } from "../core/roles.ts";
import { keepThread } from "../core/kept_thread.ts";
import { startTimer } from "../core/timer.ts";
import { Master } from "../master/master.ts";
import { Unlimited } from "../master/unlimited.ts";
import { NodeRun } from "../node/node_run.ts";
import { adviceFor, describeEnd, NotStartedError } from "../host/not_started.ts";
import type { ProcessSource, ProcessSourceOptions } from "../node/process_source.ts";
import type { TraceFile } from "./trace_file.ts";
import { type EndSignal, onEndSignals, STDOUT_GONE_CODE } from "../terminal/end_signals.ts";
import { createTerminal, type Terminal, writeOutput } from "../terminal/terminal.ts";
import { exitWith, say } from "./exit_with.ts";
import type { LocalDashboard } from "./local_dashboard.ts";
import { openDashboard } from "./open_dashboard.ts";
import { ownName } from "./own_name.ts";
import type { LauncherSettings } from "./settings.ts";
import { onStopSignal } from "../terminal/stop_signal.ts";
import { onWhySignal } from "../terminal/why_signal.ts";

/** How long after its grace a run may take to show its end on a terminal that does not read. */
const STOP_MS = 5_000;

/** The same after a second signal. */
const KILL_MS = 2_000;

/** What a local run is started with. */
export interface LocalRunOptions {
  /** What is booted, and how. */
  readonly boots: ProcessSourceOptions;
  /** Where the processes come from. It boots the first one already. */
  readonly source: ProcessSource;
  /** What the first process is. */
  readonly first: SpawnRequest;
  /** Where the run is written as a trace. @default nowhere */
  readonly trace: TraceFile | undefined;
}

/** One run, from its first process to the exit of the launcher. */
export class LocalRun {
  readonly #settings: LauncherSettings;
  /** The terminal is its only viewer, so it keeps nothing that has been shown. */
  readonly #run = new Run({ log: new MemoryLog({ keepBytes: 0 }), roomBytes: 0 });
  readonly #survivors = new SurvivorNotice({
    state: () => this.#run.state,
    startTimer,
    say: (text) => this.#say(text),
  });
  readonly #standstill = new StandstillWatch({
    state: () => this.#run.state,
    waits: () => this.#node.waits(),
    startTimer,
    say: (text) => this.#say(text),
  });
  readonly #failure = new FirstFailure();
  readonly #terminal: Terminal;
  readonly #options: LocalRunOptions;
  #dashboard: LocalDashboard | undefined;
  /** Whether a debugger could attach to any process. */
  #inspected = false;
  readonly #room = new Unlimited();
  readonly #master = new Master(this.#room);
  readonly #node: NodeRun;
  /** Set once the run is over, or is being ended early. */
  #ending = false;
  /** The exit code. */
  #code = (): number => exitCodeOf(this.#run.state) ?? unknownEnd();

  constructor(settings: LauncherSettings, options: LocalRunOptions) {
    this.#settings = settings;
    this.#options = options;
    const { boots, source, trace } = options;
    this.#terminal = createTerminal({ format: settings.format });
    this.#node = new NodeRun({
      ...boots,
      source,
      master: this.#master,
      sink: (event) => this.take(event),
      ...trace?.looks,
      deliverWill: async (will, context) => {
        const { deliverWill } = await import("../channel/will.ts");
        await deliverWill(will, context);
      },
    });
    this.#room.addNode(this.#node);
  }

  /** Takes an event of the run; a {@linkcode RunEventSink}. */
  take(event: RunEvent): Promise<void> {
    this.#failure.took(this.#run.state, event);
    this.#options.trace?.took(event);
    const taken = this.#run.append(event);
    this.#dashboard?.took(event);
    this.#survivors.took(event);
    this.#standstill.took();
    if (event.event === "spawn" && event.inspected === true) void this.#announce(event);
    return taken;
  }

  /** Runs the program, and exits. */
  async run(): Promise<never> {
    keepThread();
    this.#listenForSignals();
    this.#listenForWhy();
    onStopSignal({
      stop: () => this.#node.pause("SIGSTOP"),
      resume: () => this.#node.pause("SIGCONT"),
    });
    const shown = this.#show();
    const { dashboardPort } = this.#settings;
    if (dashboardPort !== undefined) this.#dashboard = await this.#openDashboard(dashboardPort);
    void this.#terminal.stdoutGone.then(() => this.#end("SIGTERM", () => STDOUT_GONE_CODE));
    await this.#startFirst();
    await this.#node.idle();
    await this.#unlessEnding();
    await this.#node.stop();
    this.#run.close();
    await shown;
    await this.#sayFailure();
    await this.#announceNone();
    this.#exit();
  }

  /** Says at the end of the run that there was nothing to debug, if that was wanted. */
  async #announceNone(): Promise<void> {
    const { inspection } = this.#settings;
    if (inspection === undefined || this.#inspected) return;
    const { announceNone } = await import("./inspectors.ts");
    await announceNone({ inspection, remark: (line) => this.#terminal.remark(line) });
  }

  /** Says how to attach a debugger. */
  async #announce(event: RunEvent): Promise<void> {
    this.#inspected = true;
    const { announceInspector } = await import("./inspectors.ts");
    await announceInspector(event, {
      inspection: this.#settings.inspection!,
      port: (pid) => this.#node.inspectorPort(pid),
      remark: (line) => this.#terminal.remark(line),
    });
  }

  async #openDashboard(port: number): Promise<LocalDashboard> {
    try {
      return await openDashboard(ownName(), port, {
        samples: () => this.#node.samples(),
        kill: (pid, how) => void this.#node.kill(pid, how),
        stop: ({ graceMs }) => {
          const told = this.#run.state;
          if (graceMs === 0) void this.#node.stop();
          void this.#end("SIGTERM", () => stoppedExitCodeOf(this.#run.state, "SIGTERM", told));
        },
      }, say);
    } catch (error) {
      exitWith(1, messageOf(error));
    }
  }

  /** Says what failed first, to people. */
  async #sayFailure(): Promise<void> {
    if (this.#settings.format !== "human") return;
    const text = this.#failure.text(this.#run.state, this.#code());
    if (text !== undefined) await this.#terminal.remark(`deploy: ${text}`);
  }

  /** Exits, once all processes have ended. */
  #exit(): never {
    this.#options.boots.enforcement?.close();
    Deno.exit(this.#code());
  }

  /** Starts the first process. */
  async #startFirst(): Promise<void> {
    try {
      const pid = await this.#master.spawn(this.#options.first, { wait: true });
      const stdin = this.#node.stdin(pid);
      // It is a pipe only if this program was started in the background.
      if (stdin !== undefined) void forwardInput(Deno.stdin, stdin);
    } catch (error) {
      await this.#unlessEnding();
      if (!(error instanceof NotStartedError)) exitWith(1, messageOf(error));
      await this.#showRaw(error);
      exitWith(
        1,
        `Cannot start: the first process ${describeEnd(error.start)} before init() resolved` +
          adviceFor(error.start),
      );
    }
  }

  /** Shows the run; resolves when all of it has been shown, or output has failed. */
  async #show(): Promise<void> {
    try {
      for await (const { records } of this.#run.view()) {
        await Promise.all(records.map(({ event }) => this.#terminal.sink(event)));
      }
    } catch (error) {
      if (!this.#ending) {
        say(`deploy: Cannot show the output of this program: ${messageOf(error)}\n`);
      }
      void this.#end("SIGTERM", () => 1);
    }
  }

  /** Shows the output of a first process that never became a process of the run. */
  async #showRaw(error: NotStartedError): Promise<void> {
    for (const { fd, bytes } of error.start.output) {
      // In the json format, there is nothing but events on stdout.
      const target = fd === 1 && this.#settings.format !== "json" ? Deno.stdout : Deno.stderr;
      await writeOutput(target, bytes);
    }
  }

  /** Adds a line of the system about the run. */
  #say(text: string): void {
    void this.#run.append({ event: "said", text, time: Date.now() });
  }

  /** Ctrl-\ at the terminal shows what each process waits for. */
  #listenForWhy(): void {
    onWhySignal(async () => {
      const states = await this.#node.waits();
      const lines = describeWaits(runningProcesses(this.#run.state), states);
      for (const line of waitLines(lines)) await this.#terminal.remark(line);
    });
  }

  #listenForSignals(): void {
    onEndSignals({
      tell: (signal) => {
        const told = this.#run.state;
        void this.#end(signal, () => stoppedExitCodeOf(this.#run.state, signal, told));
      },
      kill: () => {
        void this.#node.stop();
        this.#exitAfter(KILL_MS);
      },
      leave: () => Deno.exit(this.#code()),
    });
  }

  /** Tells every process to stop, shows how they end, and exits. Only the first call counts. */
  async #end(signal: EndSignal, code: () => number): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.#code = code;
    const { graceMs } = this.#settings;
    this.#exitAfter(graceMs + STOP_MS);
    await this.#node.stop({ signal, graceMs });
    this.#exit();
  }

  /** The watchdog ends the remaining processes. */
  #exitAfter(ms: number): void {
    setTimeout(() => Deno.exit(this.#code()), ms);
  }

  /** Resolves at once, or never if the run is being ended, since the exit follows. */
  async #unlessEnding(): Promise<void> {
    if (this.#ending) await new Promise(() => {});
    this.#ending = true;
  }
}

/** The exit code of a run whose log does not say how it ended, which is a bug of this system. */
function unknownEnd(): number {
  say("deploy: Cannot tell how the program ended: its run has no exit status\n");
  return 1;
}
