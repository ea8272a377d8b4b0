/** One process of a run, from its start message to its exit event. */

import { messageOf, ProtocolError } from "../core/errors.ts";
import type { OutputFd } from "../core/events.ts";
import { type EndStatus, type ExitStatus, ownStatus } from "../core/exit_status.ts";
import { inspectMode } from "../core/inspection.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import type { SpawnRequest } from "../core/roles.ts";
import type { NodeSample } from "../core/samples.ts";
import { isAtOnce, type Termination } from "../core/signals.ts";
import type { WaitState } from "../core/waits.ts";
import type { ProcessMessage } from "../wire/control.ts";
import type { BootedProcess } from "./booter.ts";
import type { ChildProcess } from "./child_process.ts";
import type { Arrival } from "./control_server.ts";
import type { ProcUsage } from "./proc_usage.ts";
import { ProcessRecord } from "./process_record.ts";
import type { Forgetting } from "./end_waits.ts";
import { ProcessRequests } from "./process_requests.ts";
import type { RunContext } from "./run_context.ts";
import { type Inquired, WaitInquiry } from "./wait_inquiry.ts";
import { ownsPort } from "./own_port.ts";
import { readsStdin } from "./stdin_reader.ts";
import { openWill, type WillSpace } from "./will_store.ts";

/** How long a process whose link is closed may take to end by itself: Deno closes it before the rest. */
const UNLINKED_MS = 10_000;

/**
 * How long after the end of a process its last requests may take to be read from the buffers of the system,
 * on a busy machine. Its link ends after them, so this is only for one that something else keeps open.
 */
const LAST_WORDS_MS = 10_000;

/** A process that has been told what to run. */
export class HostedProcess {
  readonly pid: Pid;
  /** Resolves with `true` when the process runs its function, with `false` if it ends before. */
  readonly started: Promise<boolean>;
  /** Resolves when the process is gone, its will is delivered, and its exit is reported. */
  readonly ended: Promise<EndStatus>;

  readonly #context: RunContext;
  /** What is shown of it; its argument is not kept. */
  readonly #request: Pick<SpawnRequest, "parent" | "name" | "resources">;
  readonly #child: ChildProcess;
  readonly #arrival: Arrival;
  readonly #willPath: string | null;
  /** The room for the wills of the run. */
  readonly #wills: WillSpace;
  readonly #sockets: string | undefined;
  readonly #start = Promise.withResolvers<boolean>();
  readonly #killed = new AbortController();
  readonly #requests: ProcessRequests;
  readonly #inquiry: WaitInquiry;
  readonly #record: ProcessRecord;
  #runs = false;
  #exited = false;
  #inspectorPort: number | undefined;

  /**
   * Tells the process what to run.
   *
   * @param wills The room for the wills of the run.
   * @throws {RangeError} If the argument is too large for a message.
   */
  constructor(
    context: RunContext,
    request: SpawnRequest,
    own: BootedProcess,
    wills: WillSpace,
  ) {
    this.pid = own.pid;
    this.#context = context;
    const { parent, name, resources } = request;
    this.#request = { parent, name, resources };
    this.#child = own.child;
    this.#arrival = own.arrival;
    this.#willPath = own.willPath;
    this.#wills = wills;
    this.#sockets = own.sockets;
    this.started = this.#start.promise;
    this.#inquiry = new WaitInquiry({
      osPid: own.child.group,
      send: (question) => own.arrival.link.send(question),
      startTimer: context.startTimer,
      inspected: () => this.inspectorPort !== undefined,
    });
    this.#requests = new ProcessRequests(context, {
      pid: own.pid,
      permissions: request.permissions,
      send: (answer) => own.arrival.link.send(answer),
    });
    own.child.limit(request.resources);
    this.#record = new ProcessRecord(own.child.group, own.heapBytes);
    const inspect = inspectMode(context.inspection, request);
    own.arrival.link.send({
      ...(inspect !== undefined && { inspect }),
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

  /** Kills the process and its group, for that reason, which is its status. Its will is delivered. */
  endFor(why: string): void {
    this.#child.end(why);
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

  /** The port of its inspector on loopback; `undefined` if it has none, or it listens at no such port itself. */
  get inspectorPort(): number | undefined {
    const port = this.#inspectorPort;
    if (this.#exited || port === undefined || !ownsPort(this.#child.group, port)) return undefined;
    return port;
  }

  /** Whether the OS process still runs. */
  get isAlive(): boolean {
    return !this.#exited;
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
  async waits(): Promise<WaitState | undefined> {
    return (await this.#ask())?.state;
  }

  /**
   * Takes a sample of it; gives `undefined` as {@linkcode waits} does.
   *
   * @param maxAgeMs How old what is known of its usage may be.
   */
  async sample(maxAgeMs: number): Promise<NodeSample | undefined> {
    const { pid } = this;
    const asked = await this.#ask();
    if (asked === undefined || this.#exited) return undefined;
    return { pid, usage: this.#record.usage.recent(maxAgeMs) ?? null, ...asked };
  }

  #ask(): Promise<Inquired | undefined> {
    return this.#exited || !this.#runs ? Promise.resolve(undefined) : this.#inquiry.ask();
  }

  /** What it uses now, with all that it has started; `undefined` if that is not known. */
  usage(): ProcUsage | undefined {
    return this.#exited ? undefined : this.#record.usage.look();
  }

  /** Handles the messages of the process until its link ends. */
  async #serve(): Promise<void> {
    const { link, messages } = this.#arrival;
    let isEnded = false;
    try {
      for await (const message of messages) {
        this.#take(message);
        const room = this.#requests.room();
        if (room !== undefined) await room;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#context.logger.about(
        "programs here",
        `Ended process ${
          shortPid(this.pid)
        }: invalid message on its control link: ${error.message}`,
      );
      this.#child.kill();
      isEnded = true;
    }
    link.close();
    this.#inquiry.end();
    // It closes its link before the rest, so that this is what it used at its end.
    this.#record.usage.look();
    if (isEnded || this.#exited) return;
    const cancel = this.#context.startTimer(UNLINKED_MS, () => {
      this.#context.logger.warn(
        `Killed process ${shortPid(this.pid)}: it still ran ${
          UNLINKED_MS / 1_000
        } s after its control link ` +
          "had ended",
      );
      this.#child.kill();
    });
    void this.#child.exited.then(cancel);
  }

  #take(message: ProcessMessage): void {
    // Strangers may connect at any time.
    if (message.type === "refused") {
      const { host, line } = message;
      return this.#context.logger.about(host, `process ${shortPid(this.pid)}: ${line}`);
    }
    if (message.type === "hello" || (message.type === "started") === this.#runs) {
      throw new ProtocolError(`"${message.type}" out of order`);
    }
    this.#inquiry.heard();
    switch (message.type) {
      case "started":
        this.#inspectorPort = message.inspector;
        return this.#run();
      case "waits":
        return this.#inquiry.answer(message);
      case "undelivered":
        this.#record.undelivered ??= `${shortPid(message.pid)} has not got all: ${message.why}`;
        return;
      case "unread":
        this.#record.unread = message.channels;
        return;
      default:
        return this.#requests.take(message);
    }
  }

  #run(): void {
    const { sink, node } = this.#context;
    const { pid } = this;
    const { parent, name, resources } = this.#request;
    this.#runs = true;
    this.#record.usage.begin();
    // Not awaited: a slow terminal slows only the process's output.
    const inspected = this.#inspectorPort === undefined ? {} : { inspected: true };
    const time = Date.now();
    void sink({ event: "spawn", parent, pid, name, node, resources, ...inspected, time });
    const tailed = this.#child.oneOutput ? 1 : 2;
    this.#child.release((fd, bytes) => {
      if (fd === tailed) this.#record.wrote(bytes);
      return sink({ event: "output", pid, fd, bytes, time: Date.now() });
    });
    this.#start.resolve(true);
  }

  /** The end, in order: the OS process, its last requests, its output, its will, its exit. */
  async #end(served: Promise<void>): Promise<EndStatus> {
    const { sink } = this.#context;
    const exited = await this.#child.exited;
    this.#exited = true;
    this.#record.usage.stop();
    await withDeadline(served, LAST_WORDS_MS);
    this.#arrival.link.close();
    this.#requests.waitNoLonger();
    this.#start.resolve(false);
    if (!this.#runs) {
      await Promise.all([this.#child.drained[1], this.#child.drained[2]]);
      return await this.#executeWill(exited);
    }
    // The processes that it spawned are reported before its exit.
    await this.#unlessKilled(this.#requests.spawned());
    await Promise.all([this.#endOutput(1), this.#endOutput(2)]);
    const status = await this.#executeWill(exited);
    const text = this.#record.fullHeap(this.pid, this.#request, exited);
    if (text !== undefined) void sink({ event: "said", text, time: Date.now() });
    this.#requests.noticeKills();
    const record = this.#record.atEnd(exited);
    const own = ownStatus(status);
    await sink({ event: "exit", pid: this.pid, status: own, record, time: Date.now() });
    return status;
  }

  async #endOutput(fd: OutputFd): Promise<void> {
    await this.#child.drained[fd];
    await this.#context.sink({ event: "eof", pid: this.pid, fd });
  }

  /**
   * Delivers its will, if there is one, and gives the status to pass on: a process of which values are lost is
   * lost to its channels, since their readers would take what they have for all.
   */
  async #executeWill(status: ExitStatus): Promise<EndStatus> {
    const { key, master, ends, deliverWill, logger } = this.#context;
    const { signal } = this.#killed;
    const waits: Forgetting = new Set();
    try {
      using will = this.#willPath === null
        ? undefined
        : await openWill(this.#willPath, this.#wills);
      if (will !== undefined) {
        const ended = (pid: Pid) => ends.of(pid, waits);
        const runs = (pid: Pid) => master.runs(pid);
        const sockets = this.#sockets;
        await deliverWill(will, { key, sockets, status, signal, ended, runs });
      }
    } catch (error) {
      const why = signal.aborted ? "it was killed before they had arrived" : messageOf(error);
      this.#record.undelivered = why;
      if (!signal.aborted) {
        logger.error(`Cannot deliver what process ${shortPid(this.pid)} sent: ${why}`);
      }
    } finally {
      for (const forget of waits) forget();
    }
    const { undelivered } = this.#record;
    return undelivered === undefined || !("code" in status) ? status : { ...status, undelivered };
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
