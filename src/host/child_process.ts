/** One OS process of a run: its start, its output, and how it ended. The monitor of the process. */

import type { OutputFd } from "../core/events.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import { MiB } from "../core/resources.ts";
import { inNewSession } from "./new_session.ts";
import { pumpOutput } from "./output_pump.ts";
import type { Program } from "./program.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A piece of what a process wrote. */
export interface OutputChunk {
  readonly fd: OutputFd;
  readonly bytes: Bytes;
}

/** Takes what a process writes; resolves when more may come, in the place of these bytes. */
export type OutputSink = (fd: OutputFd, bytes: Bytes) => Promise<void>;

/** How much a process may write before it is known who it is. */
export const MAX_HELD_BYTES: number = 1 * MiB;

/** What a held chunk costs besides its bytes, so that very many small ones are not free. */
const CHUNK_OVERHEAD_BYTES = 64;

/** Kills every process of a group, if there still are any. */
export function killGroup(group: number): void {
  send(-group, "SIGKILL");
}

/** Sends a signal to a process, or, if `target` is negative, to a group; `false` if nobody is there. */
function send(target: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(target, signal);
    return true;
  } catch (error) {
    // NotFound: nobody is left. PermissionDenied: what is left is another user's, or (on macOS) dead.
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

/**
 * A started OS process, the leader of a session and process group of its own.
 *
 * What it writes is held until {@linkcode ChildProcess.release}, and goes straight to a sink from then
 * on, as fast as the sink takes it. When it ends, whatever is left of its group is killed.
 */
export class ChildProcess {
  /** The id of the process, and of its group. */
  readonly group: number;
  /** Its stdin, if it has one. */
  readonly stdin: WritableStream<Bytes> | null;
  /** Resolves when the process has ended and its group is killed; output may still come. */
  readonly exited: Promise<ExitStatus>;
  /** For each stream: resolves when the sink has taken all of it. */
  readonly drained: Readonly<Record<OutputFd, Promise<void>>>;

  #held: OutputChunk[] = [];
  #heldBytes = 0;
  #overflowed = false;
  #sink: OutputSink | undefined;
  #flushed: Promise<unknown> = Promise.resolve();
  #alive = true;

  /**
   * Starts `program` with `env` added to its environment.
   *
   * @throws {Error} If it cannot be started: the executable is gone, or too many files are open.
   */
  constructor(program: Program, options: { env: Record<string, string>; stdin: boolean }) {
    const { command, args, detached } = inNewSession(program);
    const child = new Deno.Command(command, {
      args: [...args],
      cwd: program.cwd,
      clearEnv: program.env !== undefined,
      env: { ...program.env, ...options.env },
      stdin: options.stdin ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
      detached,
    }).spawn();
    this.group = child.pid;
    this.stdin = options.stdin ? child.stdin : null;
    this.exited = this.#awaitExit(child.status);
    this.drained = { 1: this.#pump(1, child.stdout), 2: this.#pump(2, child.stderr) };
  }

  /** What it wrote so far, in order, while nobody has released it. */
  get held(): readonly OutputChunk[] {
    return this.#held;
  }

  /** Whether it was killed for writing more than {@linkcode MAX_HELD_BYTES} before its release. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** Hands what was held to `sink`, and from then on all that comes. */
  release(sink: OutputSink): void {
    this.#sink = sink;
    this.#flushed = Promise.all(this.#held.map(({ fd, bytes }) => sink(fd, bytes)));
    this.#held = [];
  }

  /** Kills the process and all of its group. */
  kill(): void {
    if (!this.#alive) return;
    killGroup(this.group);
    send(this.group, "SIGKILL"); // it may not have its group yet
  }

  /**
   * Sends a signal to the process and all of its group, as a terminal does at Ctrl-C: what a process has
   * started, such as a compiler, hears of it as it would if the user had started the process in a shell.
   *
   * @throws {TypeError} If this system has no such signal.
   */
  signal(signal: Deno.Signal): void {
    // Before it has made its group, it is alone.
    if (this.#alive && !send(-this.group, signal)) send(this.group, signal);
  }

  async #awaitExit(ended: Promise<Deno.CommandStatus>): Promise<ExitStatus> {
    const { code, signal } = await ended;
    this.#alive = false;
    // What it started ends with it.
    killGroup(this.group);
    // Nobody reads it any more. Fails if there is still something in it, which is as good as closed.
    if (this.stdin !== null && !this.stdin.locked) await this.stdin.abort().catch(() => {});
    return signal === null ? { code } : { signal };
  }

  async #pump(fd: OutputFd, stream: ReadableStream<Bytes>): Promise<void> {
    await pumpOutput(stream, this.exited, (bytes) => this.#take(fd, bytes));
    await this.#flushed;
  }

  #take(fd: OutputFd, bytes: Bytes): Promise<void> {
    if (this.#sink !== undefined) return this.#sink(fd, bytes);
    this.#heldBytes += bytes.length + CHUNK_OVERHEAD_BYTES;
    if (this.#heldBytes > MAX_HELD_BYTES) {
      this.#overflowed = true;
      this.kill();
    } else {
      this.#held.push({ fd, bytes: bytes.slice() });
    }
    return Promise.resolve();
  }
}
