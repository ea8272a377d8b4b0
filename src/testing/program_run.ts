/** A program that a test has started: its events as they come, and how it ends. */

import { startTimer } from "../core/timer.ts";
import { EventRecorder, type OutputMatch, type ProcessRecord } from "./events.ts";
import type { ProcessSoFar, ProgramEvent } from "./events.ts";
import { checkNothingLeft } from "./leftovers.ts";
import { MARK_VARIABLE, signalChild } from "./os_processes.ts";
import { writeStdin } from "./write_stdin.ts";

/** How long a run that is told to stop may take, its grace of 3 s and all, before it is killed, in ms. */
const STOPPED_WITHIN_MS = 10_000;

const DEFAULT_TIMEOUT_MS = 60_000;

/** What a program is run with, wherever that is. */
export interface ProgramOptions {
  /** The program's arguments. @default none */
  readonly args?: readonly string[];
  /**
   * Variables of the program. A local run has those of the test, too; on a cluster it has no others but
   * what each node passes on, such as `PATH`. If `TMPDIR` is one of them, it is not looked for files that
   * are left. @default none
   */
  readonly env?: Readonly<Record<string, string>>;
  /** What the first process reads from stdin. @default nothing: stdin is at its end */
  readonly stdin?: string | Uint8Array<ArrayBuffer>;
  /** The working directory of a local run; where `deploy` is started. @default that of the test */
  readonly cwd?: string;
  /** How long the run may take, in milliseconds; then it is ended, and has failed. @default 60,000 */
  readonly timeoutMs?: number;
}

/** What a run did, from its start to its end. */
export interface RunResult {
  /** The exit code of the run: that of `deno run main.ts`, or of `deploy main.ts`. */
  readonly code: number;
  /** What all processes wrote to stdout, in the order of the events. */
  readonly stdout: string;
  /** What all processes wrote to stderr, in the order of the events. */
  readonly stderr: string;
  /** What the system itself said on stderr: lines that begin with `deploy: `, or why nothing ran. */
  readonly said: string;
  /** All processes in the order in which they were spawned, the first process first. */
  readonly processes: readonly ProcessRecord[];
  /** All events, as `DEPLOY_FORMAT=json` prints them. */
  readonly events: readonly ProgramEvent[];
}

/** How a run is started. */
export interface Command {
  readonly path: string;
  readonly args: readonly string[];
  /** Besides those of the test. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
  readonly stdin: string | Uint8Array<ArrayBuffer> | undefined;
  readonly timeoutMs: number | undefined;
}

/** How what is left of a run is found. */
export interface Traces {
  /** What the run is called in messages: `main.ts`. */
  readonly name: string;
  /** The value of {@linkcode MARK_VARIABLE} in its processes. */
  readonly mark: string;
  /** Folders that belong to the run alone. They are removed. */
  readonly folders: readonly string[];
  /** Called when they are looked for. */
  readonly closed?: () => void;
}

interface Watcher {
  readonly pattern: RegExp;
  resolve(found: OutputMatch): void;
  reject(error: Error): void;
}

/**
 * A program that runs. `TestCluster.deploy()` gives one.
 *
 * Disposing of it tells it to stop if it has not ended, as SIGTERM at the terminal does, waits for its end,
 * and checks that nothing is left of it.
 */
export class ProgramRun implements AsyncDisposable {
  /**
   * Resolves when the run is over, with what it did: also if it failed, as its `code` tells. It rejects with
   * an `Error` if the run took longer than `timeoutMs`, or if its events are not complete and in order.
   */
  readonly ended: Promise<RunResult>;
  readonly #child: Deno.ChildProcess;
  readonly #traces: Traces;
  readonly #recorder = new EventRecorder();
  readonly #timeoutMs: number;
  #watchers: Watcher[] = [];
  #said = "";
  #over = false;
  #timedOut = false;
  #closed: Promise<void> | undefined;

  /** Use `runProgram()` or `TestCluster.deploy()` instead. */
  constructor(command: Command, traces: Traces) {
    const { path, args, env, cwd, stdin, timeoutMs = DEFAULT_TIMEOUT_MS } = command;
    this.#traces = traces;
    this.#timeoutMs = timeoutMs;
    this.#child = new Deno.Command(path, {
      args: [...args],
      env: { ...env, [MARK_VARIABLE]: traces.mark },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.ended = this.#run(stdin);
    // A test may be interested in the output alone.
    this.ended.catch(() => {});
  }

  /** The events so far. */
  get events(): readonly ProgramEvent[] {
    return this.#recorder.events;
  }

  /** The processes so far, in the order in which they were spawned. */
  get processes(): readonly ProcessSoFar[] {
    return this.#recorder.processes();
  }

  /**
   * Resolves with the first line, written already or from now on, in which `pattern` is found: a line that a
   * process wrote to stdout or stderr, also one that it has not finished. Lines are looked at one by one,
   * without their newline.
   *
   * @throws {Error} If the run ends without such a line, or takes longer than its `timeoutMs`.
   */
  output(pattern: RegExp): Promise<OutputMatch> {
    // With these two, a RegExp remembers where it was in another line.
    const stateless = new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ""));
    const found = this.#recorder.find(stateless);
    if (found !== undefined) return Promise.resolve(found);
    if (this.#over) return Promise.reject(this.#without(stateless));
    return new Promise((resolve, reject) => {
      this.#watchers.push({ pattern: stateless, resolve, reject });
    });
  }

  /** Sends a signal to the run as its terminal would: SIGINT is Ctrl-C. Nothing happens if it has ended. */
  kill(signal: Deno.Signal = "SIGTERM"): void {
    signalChild(this.#child, signal);
  }

  /**
   * Ends the run if it has not ended, and looks for what is left of it.
   *
   * @throws {LeftoverError} If processes of the run are left 5 s after its end, or files in the folder for
   * temporary files that it was given.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    if (!this.#over) await this.#stop();
    const { name, mark, folders, closed } = this.#traces;
    closed?.();
    await checkNothingLeft(`The run of ${name}`, mark, folders);
  }

  async #stop(): Promise<void> {
    this.kill();
    const cancel = startTimer(STOPPED_WITHIN_MS, () => this.kill("SIGKILL"));
    await this.#child.status;
    cancel();
    await this.ended.catch(() => {}); // whoever is interested has it, too
  }

  async #run(stdin: string | Uint8Array<ArrayBuffer> | undefined): Promise<RunResult> {
    const cancel = startTimer(this.#timeoutMs, () => {
      this.#timedOut = true;
      this.#stop();
    });
    try {
      const [code] = await Promise.all([
        this.#child.status.then((status) => status.code),
        this.#readEvents(),
        this.#readSaid(),
        stdin === undefined ? undefined : writeStdin(this.#child.stdin, stdin),
      ]);
      if (this.#timedOut) throw new Error(this.#describe(`took longer than ${this.#timeoutMs} ms`));
      return {
        code,
        stdout: this.#recorder.text(1),
        stderr: this.#recorder.text(2),
        said: this.#said,
        processes: this.#ended(),
        events: this.#recorder.events,
      };
    } finally {
      cancel();
      this.#over = true;
      for (const { pattern, reject } of this.#watchers) reject(this.#without(pattern));
      this.#watchers = [];
    }
  }

  #ended(): ProcessRecord[] {
    try {
      return this.#recorder.ended();
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new Error(this.#describe(`is not complete: ${what}`), { cause });
    }
  }

  async #readEvents(): Promise<void> {
    let rest = "";
    try {
      for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) this.#take(line);
      }
    } catch (error) {
      // Nobody reads its events any more, so it would wait for a reader until its time is up.
      this.kill("SIGKILL");
      throw error;
    }
    if (rest !== "") throw new Error(`The run's last line is not finished: ${rest}`);
  }

  #take(line: string): void {
    const changed = this.#recorder.add(line);
    if (changed === undefined) return;
    this.#watchers = this.#watchers.filter(({ pattern, resolve }) => {
      const found = this.#recorder.find(pattern, changed);
      if (found !== undefined) resolve(found);
      return found === undefined;
    });
  }

  async #readSaid(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#said += text;
    }
  }

  #without(pattern: RegExp): Error {
    const how = this.#timedOut ? `took longer than ${this.#timeoutMs} ms` : "ended";
    return new Error(this.#describe(`${how} without a line that matches ${pattern}`));
  }

  /** What a person needs to know of a run that did not do what it should. */
  #describe(what: string): string {
    const processes = this.#recorder.processes().map(({ pid, name, status }) =>
      `${pid.slice(0, 7)} ${name}: ${status === null ? "running" : JSON.stringify(status)}`
    );
    const parts = [
      ["processes", processes.join("\n")],
      ["stdout", lastOf(this.#recorder.text(1))],
      ["stderr", lastOf(this.#recorder.text(2))],
      ["said", lastOf(this.#said)],
    ].filter(([, text]) => text !== "").map(([title, text]) => `--- ${title}\n${text}`);
    return [`The run of ${this.#traces.name} ${what}`, ...parts].join("\n");
  }
}

const SHOWN_LENGTH = 4_000;

function lastOf(text: string): string {
  return text.length <= SHOWN_LENGTH ? text.trimEnd() : `…${text.slice(-SHOWN_LENGTH).trimEnd()}`;
}
