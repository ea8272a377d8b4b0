/** One process of a run, from its start message to its exit event. */

import { messageOf, SpawnError } from "../core/errors.ts";
import type { OutputFd, RunEventSink } from "../core/events.ts";
import type { ExitStatus } from "../core/exit_status.ts";
import type { Logger } from "../core/logger.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import type { MasterPort, SpawnRequest } from "../core/roles.ts";
import { isAtOnce, KILL, type Termination } from "../core/signals.ts";
import type { StartTimer } from "../core/timer.ts";
import type { WaitState } from "../core/waits.ts";
import { failedMessage, type ProcessMessage } from "../wire/control.ts";
import { ProtocolError } from "../core/protocol_error.ts";
import type { BootedProcess } from "./booter.ts";
import type { ChildProcess } from "./child_process.ts";
import type { Arrival } from "./control_server.ts";
import { WaitInquiry } from "./wait_inquiry.ts";
import { readsStdin } from "./stdin_reader.ts";
import { takeWill } from "./will_store.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Delivers the will of a process, in its name; resolves when all of it is acknowledged or its receivers are
 * gone. When `signal` is aborted, it stops.
 */
export type DeliverWill = (
  will: Bytes,
  context: {
    key: Bytes;
    /** The folder with the Unix sockets of the run's processes on this host; `undefined` for none. */
    sockets: string | undefined;
    /** How the process ended. */
    status: ExitStatus;
    signal: AbortSignal;
    ended: (pid: Pid) => Promise<ExitStatus>;
  },
) => Promise<void>;

/** The context shared by all processes of a run. */
export interface RunContext {
  readonly master: MasterPort;
  /** The key of the run, 32 bytes, with which its processes authenticate each other. */
  readonly key: Bytes;
  readonly sink: RunEventSink;
  /** The address of the node; `null` in a local run. */
  readonly node: string | null;
  readonly logger: Logger;
  readonly deliverWill: DeliverWill;
  /** For timeouts. */
  readonly startTimer: StartTimer;
}

/** How long a process whose link is closed may take to end by itself: Deno closes it before the rest. */
const UNLINKED_MS = 10_000;

/**
 * How long after the end of a process its last requests may take to be read from the buffers of the system,
 * on a busy machine. Its link ends after them, so this is only for one that something else keeps open.
 */
const LAST_WORDS_MS = 10_000;

/** A spawn in progress. */
interface PendingSpawn {
  /** Resolves when the process that asked for it has been answered. */
  readonly answered: Promise<void>;
  /** It should not wait for room any longer. */
  waitNoLonger(): void;
  /** The process is no longer wanted: it is not started, or it is ended. */
  cancel(): void;
}

/** A process that has been told what to run. */
export class HostedProcess {
  readonly pid: Pid;
  /** Resolves with `true` when the process runs its function, with `false` if it ends before. */
  readonly started: Promise<boolean>;
  /** Resolves when the process is gone, its will is delivered, and its exit is reported. */
  readonly ended: Promise<ExitStatus>;

  readonly #context: RunContext;
  readonly #request: SpawnRequest;
  readonly #child: ChildProcess;
  readonly #arrival: Arrival;
  readonly #willPath: string | null;
  readonly #sockets: string | undefined;
  readonly #start = Promise.withResolvers<boolean>();
  readonly #killed = new AbortController();
  /** Its unanswered spawn requests, by number. */
  readonly #spawns = new Map<number, PendingSpawn>();
  /** Processes that this one is killing. */
  readonly #kills: Pid[] = [];
  readonly #inquiry: WaitInquiry;
  #runs = false;
  #exited = false;

  /**
   * Tells the process what to run.
   *
   * @throws {RangeError} If the argument is too large for a message.
   */
  constructor(context: RunContext, request: SpawnRequest, own: BootedProcess) {
    this.pid = own.pid;
    this.#context = context;
    this.#request = request;
    this.#child = own.child;
    this.#arrival = own.arrival;
    this.#willPath = own.willPath;
    this.#sockets = own.sockets;
    this.started = this.#start.promise;
    this.#inquiry = new WaitInquiry({
      osPid: own.child.group,
      send: (question) => own.arrival.link.send(question),
      startTimer: context.startTimer,
    });
    own.arrival.link.send({
      type: "start",
      parent: request.parent,
      function: request.function,
      name: request.name,
      arg: request.arg,
      resources: request.resources,
      cwd: request.cwd,
      env: request.env,
    });
    this.ended = this.#end(this.#serve());
  }

  /** Kills the process and its group; its will is not delivered. */
  kill(): void {
    this.#killed.abort();
    this.#child.kill();
  }

  /**
   * Sends a signal to the process and its group. If this ends the process, its will is still delivered.
   *
   * @throws {TypeError} If this system has no such signal.
   */
  signal(signal: Deno.Signal): void {
    this.#child.signal(signal);
  }

  /**
   * Sends the signal, and kills the process if it is still there after the grace.
   *
   * @throws {TypeError} If this system has no such signal.
   */
  terminate(how: Termination): void {
    if (isAtOnce(how)) return this.kill();
    this.signal(how.signal);
    const cancel = this.#context.startTimer(how.graceMs, () => this.kill());
    void this.#child.exited.then(cancel);
  }

  /** Whether the process waits for its stdin; `undefined` if that cannot be known. */
  readsStdin(): boolean | undefined {
    return readsStdin(this.#child.group);
  }

  /**
   * Asks the process what it waits for; gives `undefined` if it has not started, or has ended.
   *
   * A question that it has not read when it exits would reset the connection, and `started` could be lost.
   */
  waits(): Promise<WaitState | undefined> {
    return this.#exited || !this.#runs ? Promise.resolve(undefined) : this.#inquiry.ask();
  }

  /** Handles the messages of the process until its link ends. */
  async #serve(): Promise<void> {
    const { link, messages } = this.#arrival;
    let isEnded = false;
    try {
      for await (const message of messages) this.#take(message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#context.logger.warn(
        `Ended process ${
          shortPid(this.pid)
        }: invalid message on its control link: ${error.message}`,
      );
      this.#child.kill();
      isEnded = true;
    }
    link.close();
    this.#inquiry.end();
    if (isEnded || this.#exited) return;
    const cancel = this.#context.startTimer(UNLINKED_MS, () => {
      this.#context.logger.warn(
        `Ended process ${shortPid(this.pid)}: its control link ended, and it did not within ` +
          `${UNLINKED_MS / 1_000} s`,
      );
      this.#child.kill();
    });
    void this.#child.exited.then(cancel);
  }

  #take(message: ProcessMessage): void {
    if (message.type === "hello" || (message.type === "started") === this.#runs) {
      throw new ProtocolError(`"${message.type}" out of order`);
    }
    this.#inquiry.heard();
    const { master } = this.#context;
    switch (message.type) {
      case "started":
        return this.#run();
      case "spawn":
        return this.#spawn(message);
      case "cancel":
        return this.#spawns.get(message.request)?.cancel();
      case "wait": {
        const { request, pid } = message;
        void this.#answer(request, async () => {
          return { type: "ended", request, status: await master.wait(pid) };
        });
        return;
      }
      case "waits":
        return this.#inquiry.answer(message);
      case "noticed":
        return void this.#context.sink({ event: "noticed", pid: message.pid });
      case "kill": {
        const { request, pid, signal, graceMs, descendants } = message;
        const how = signal === null ? KILL : { signal, graceMs };
        void this.#answer(request, async () => {
          this.#kills.push(pid);
          const pids = await master.kill(pid, { ...how, descendants })
            .finally(() => this.#kills.splice(this.#kills.indexOf(pid), 1));
          for (const each of pids) this.#notice(each);
          return { type: "killed", request };
        });
        return;
      }
    }
  }

  #spawn(message: Extract<ProcessMessage, { type: "spawn" }>): void {
    const { request, wait, function: fn, name, arg, resources, cwd, env } = message;
    const { master, sink } = this.#context;
    const waiting = new AbortController();
    let cancelled = false;
    const answered = this.#answer(request, async () => {
      const wanted = { parent: this.pid, function: fn, name, arg, resources, cwd, env };
      const pid = await master.spawn(wanted, { wait, signal: waiting.signal });
      if (!cancelled) return { type: "spawned", request, pid };
      // It was started before the cancellation reached the placement or its node.
      void sink({ event: "noticed", pid });
      await master.kill(pid, { ...KILL, descendants: true });
      throw new SpawnError("lost", `Cannot spawn ${fn}(): it was cancelled`);
    });
    this.#spawns.set(request, {
      answered,
      waitNoLonger: () => waiting.abort(),
      cancel: () => {
        cancelled = true;
        waiting.abort();
      },
    });
    void answered.finally(() => this.#spawns.delete(request));
  }

  #run(): void {
    const { sink, node } = this.#context;
    const { pid } = this;
    const { parent, name } = this.#request;
    this.#runs = true;
    // Not awaited: a slow terminal slows only the process's output.
    void sink({ event: "spawn", parent, pid, name, node, time: Date.now() });
    this.#child.release((fd, bytes) => {
      return sink({ event: "output", pid, fd, bytes, time: Date.now() });
    });
    this.#start.resolve(true);
  }

  /** The program knows, or will know, how that process ended, so its failure is noticed. */
  #notice(pid: Pid): void {
    void this.#context.sink({ event: "noticed", pid });
  }

  async #answer(
    request: number,
    ask: () => Promise<Parameters<Arrival["link"]["send"]>[0]>,
  ): Promise<void> {
    const { link } = this.#arrival;
    try {
      link.send(await ask());
    } catch (error) {
      link.send(failedMessage(request, error));
    }
  }

  /** The end, in order: the OS process, its last requests, its output, its will, its exit. */
  async #end(served: Promise<void>): Promise<ExitStatus> {
    const { sink } = this.#context;
    const exited = await this.#child.exited;
    this.#exited = true;
    await withDeadline(served, LAST_WORDS_MS);
    this.#arrival.link.close();
    // Its pending spawns are no longer needed.
    for (const spawn of this.#spawns.values()) spawn.waitNoLonger();
    this.#start.resolve(false);
    if (!this.#runs) {
      await Promise.all([this.#child.drained[1], this.#child.drained[2]]);
      return await this.#executeWill(exited);
    }
    // The processes that it spawned are reported before its exit.
    await this.#unlessKilled(
      Promise.all(Array.from(this.#spawns.values(), ({ answered }) => answered)),
    );
    await Promise.all([this.#endOutput(1), this.#endOutput(2)]);
    const status = await this.#executeWill(exited);
    // It caused their ends, although it did not wait for them.
    for (const pid of this.#kills) this.#notice(pid);
    await sink({ event: "exit", pid: this.pid, status, time: Date.now() });
    return status;
  }

  async #endOutput(fd: OutputFd): Promise<void> {
    await this.#child.drained[fd];
    await this.#context.sink({ event: "eof", pid: this.pid, fd });
  }

  /**
   * Delivers its will, if there is one, and gives the status to report: a process of which values are lost
   * is lost itself, since its readers would take what they have for all.
   */
  async #executeWill(status: ExitStatus): Promise<ExitStatus> {
    const { key, master, deliverWill, logger } = this.#context;
    const { signal } = this.#killed;
    try {
      const will = this.#willPath === null ? undefined : await takeWill(this.#willPath);
      if (will === undefined) return status;
      const ended = (pid: Pid) => master.wait(pid);
      await deliverWill(will, { key, sockets: this.#sockets, status, signal, ended });
      return status;
    } catch (error) {
      const why = signal.aborted ? "it was killed before they had arrived" : messageOf(error);
      if (!signal.aborted) {
        logger.error(`Cannot deliver the last values of process ${shortPid(this.pid)}: ${why}`);
      }
      if (!("code" in status)) return status;
      return { lost: `it exited with ${status.code}, but its last values are lost: ${why}` };
    }
  }

  #unlessKilled(promise: Promise<unknown>): Promise<unknown> {
    const { signal } = this.#killed;
    if (signal.aborted) return Promise.resolve();
    const { promise: killed, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve(), { once: true });
    return Promise.race([promise, killed]);
  }
}

async function withDeadline(promise: Promise<unknown>, ms: number): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, over]);
  clearTimeout(timer);
}
