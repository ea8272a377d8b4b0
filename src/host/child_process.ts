/** One OS process of a run: its start, its output, and its end. The monitor of the process. */

import type { OutputFd } from "../core/events.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import { MiB, type Resources } from "../core/resources.ts";
import type { ProcessLimits } from "./enforcement.ts";
import { inNewSession } from "./new_session.ts";
import { pumpOutput } from "./output_pump.ts";
import type { Program } from "./program.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A piece of what a process wrote. */
export interface OutputChunk {
  readonly fd: OutputFd;
  readonly bytes: Bytes;
}

/** What a process has as stdin: nothing, a pipe from this process, or the stdin of this process. */
export type StdinKind = "null" | "piped" | "inherit";

/** Takes the output of a process; resolves when more may come, in the same memory. */
export type OutputSink = (fd: OutputFd, bytes: Bytes) => Promise<void>;

/** How much a process may write before it is released. */
export const MAX_HELD_BYTES: number = 1 * MiB;

/** The accounted overhead of a held chunk, so that many small ones are not free. */
const CHUNK_OVERHEAD_BYTES = 64;

/** Kills every process of a group, if any is left. */
function killGroup(group: number): void {
  send(-group, "SIGKILL");
}

/** Sends a signal to a process, or, if `target` is negative, to a group; `false` if there is none. */
function send(target: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(target, signal);
    return true;
  } catch (error) {
    // NotFound: no process is left. PermissionDenied: those left belong to another user, or (on macOS) are
    // dead.
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

/**
 * A started OS process, the leader of a session and process group of its own.
 *
 * Its output is held until {@linkcode ChildProcess.release}, and then goes straight to a sink, as fast as
 * the sink takes it. When it ends, the rest of its group is killed.
 */
export class ChildProcess {
  /** The id of the process, and of its group. */
  readonly group: number;
  /** Whether its stderr is the same pipe as its stdout. */
  readonly oneOutput: boolean;
  /** Its stdin, if that is a pipe. */
  readonly stdin: WritableStream<Bytes> | null;
  /** Resolves when the process has ended and its group is killed; output may still come. */
  readonly exited: Promise<ExitStatus>;
  /** For each stream: resolves when the sink has taken all of it. */
  readonly drained: Readonly<Record<OutputFd, Promise<void>>>;

  #held: OutputChunk[] = [];
  #heldBytes = 0;
  #overflowed = false;
  #sink: OutputSink | undefined;
  /** Set while the sink takes the held output. */
  #flushing: Promise<void> | undefined;
  #alive = true;
  /** Why it was ended, if that is its status. */
  #why: string | undefined;
  readonly #limits: ProcessLimits | undefined;

  /**
   * Starts `program` with `env` added to its environment, and with `mark` on everything that it starts.
   *
   * @param options.limits For it and what it starts. @default none
   * @param options.groupFiles As {@linkcode ProcessLimits.prepare} gives them. @default it is moved while it boots
   * @param options.nice How much lower its priority is. @default 0
   * @throws {Error} If it cannot be started: the executable is gone, or too many files are open.
   */
  constructor(
    program: Program,
    options: {
      env: Record<string, string>;
      stdin: StdinKind;
      mark: string;
      limits?: ProcessLimits | undefined;
      groupFiles?: readonly string[] | undefined;
      nice?: number | undefined;
    },
  ) {
    const { mark, nice = 0, limits, groupFiles } = options;
    const { command, args, cwd, env, detached, oneOutput } = inNewSession(program, {
      ...{ mark, nice, env: options.env, ...groupFiles && { groupFiles } },
    });
    const child = new Deno.Command(command, {
      args: [...args],
      cwd,
      clearEnv: program.env !== undefined || program.user !== undefined,
      env,
      stdin: options.stdin,
      stdout: "piped",
      stderr: oneOutput ? "null" : "piped",
      detached,
    }).spawn();
    this.oneOutput = oneOutput;
    this.group = child.pid;
    this.#limits = limits;
    limits?.began(child.pid, () => this.kill());
    this.stdin = options.stdin === "piped" ? child.stdin : null;
    this.exited = this.#awaitExit(child.status);
    this.drained = {
      1: this.#pump(1, child.stdout),
      2: oneOutput ? Promise.resolve() : this.#pump(2, child.stderr),
    };
  }

  /** Whether it was killed since the machine had no memory left for it. */
  get starved(): boolean {
    return this.#limits?.starved ?? false;
  }

  /** Its output so far, in order, until it is released. */
  get held(): readonly OutputChunk[] {
    return this.#held;
  }

  /** Whether it was killed for writing more than {@linkcode MAX_HELD_BYTES} before its release. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Limits the process, and all that it starts, to these resources, if limits are enforced. */
  limit(resources: Readonly<Resources>): void {
    this.#limits?.set(resources);
  }

  /** Passes the held output to `sink`, and then all further output. */
  release(sink: OutputSink): void {
    this.#sink = sink;
    const held = this.#held;
    this.#held = [];
    if (held.length > 0) this.#flushing = this.#flush(held, sink);
  }

  async #flush(held: readonly OutputChunk[], sink: OutputSink): Promise<void> {
    for (const { fd, bytes } of held) await sink(fd, bytes);
    this.#flushing = undefined;
  }

  /** Kills the process and all of its group. */
  kill(): void {
    if (!this.#alive) return;
    killGroup(this.group);
    send(this.group, "SIGKILL"); // it may not have its group yet
  }

  /** Kills the process and all of its group; its status is `killed`, for that reason. */
  end(why: string): void {
    if (this.#alive) this.#why ??= why;
    this.kill();
  }

  /**
   * Sends a signal to the process and all of its group, as a terminal does at Ctrl-C: its children, such as
   * a compiler, get it as if the user had started the process in a shell.
   *
   * @throws {TypeError} If this system has no such signal.
   */
  signal(signal: Deno.Signal): void {
    // Before it has created its group, it is alone.
    if (this.#alive && !send(-this.group, signal)) send(this.group, signal);
  }

  async #awaitExit(ended: Promise<Deno.CommandStatus>): Promise<ExitStatus> {
    const { code, signal } = await ended;
    this.#alive = false;
    // Before the group ends, whose counters say whether it was for memory.
    const overLimit = this.#limits?.ended();
    const killed = this.#why ?? overLimit;
    // Its children end with it.
    killGroup(this.group);
    // It has no reader left. Closing fails if data is still buffered, which has the same effect.
    if (this.stdin !== null && !this.stdin.locked) await this.stdin.abort().catch(() => {});
    // One that has ended with success had done what it was to do.
    if (killed !== undefined && (signal !== null || code !== 0)) return { killed };
    return signal === null ? { code } : { signal };
  }

  async #pump(fd: OutputFd, stream: ReadableStream<Bytes>): Promise<void> {
    await pumpOutput(stream, this.exited, (bytes) => this.#take(fd, bytes));
    await this.#flushing;
  }

  async #take(fd: OutputFd, bytes: Bytes): Promise<void> {
    if (this.#flushing !== undefined) await this.#flushing;
    if (this.#sink !== undefined) return await this.#sink(fd, bytes);
    this.#heldBytes += bytes.length + CHUNK_OVERHEAD_BYTES;
    if (this.#heldBytes > MAX_HELD_BYTES) {
      this.#overflowed = true;
      this.kill();
    } else {
      this.#held.push({ fd, bytes: bytes.slice() });
    }
  }
}
