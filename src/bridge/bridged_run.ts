/** One run, as a bridge keeps it: the nodes that host it on one side, its log and viewers on the other. */

import type { Pid } from "../core/pid.ts";
import type { ProcessSample } from "../core/samples.ts";
import { KiB, MiB } from "../core/resources.ts";
import { type StartTimer, startTimer } from "../core/timer.ts";
import type { Store } from "../store/store.ts";
import type { WaitingSpawn } from "../core/waits.ts";
import type { LostProcess } from "../wire/bridge_messages.ts";
import { type Clock, SYSTEM_CLOCK } from "../net/clock.ts";
import { type LivenessOptions, LOCAL_NETWORK } from "../net/liveness.ts";
import { endOf, LinkError, type Received } from "../net/message_link.ts";
import { ProtocolError } from "../core/errors.ts";
import {
  type NodeToBridge,
  type ProcessUsage,
  STDIN_WINDOW_BYTES,
  type StdinMessage,
  type StdinTakenMessage,
  type StdinWantedMessage,
} from "../wire/run_messages.ts";
import { EventMerger } from "../run/event_merger.ts";
import { EventRecord } from "../run/event_record.ts";
import { MemoryLog } from "../run/memory_log.ts";
import { isLifeEvent } from "../run/process_table.ts";
import { Run, type RunViewer } from "../run/run.ts";
import type { RunLog } from "../run/run_log.ts";
import { EventOrderError, runningProcesses, type RunState } from "../run/run_state.ts";
import { StandstillWatch } from "../run/standstill_watch.ts";
import { SurvivorNotice } from "../run/survivors.ts";
import { describeSamples } from "../run/process_samples.ts";
import { ChannelMeter, type Sent } from "../run/channel_meter.ts";
import { describeWaits, type WaitLine } from "../run/wait_lines.ts";
import type { RunNews } from "./master_client.ts";
import { type HostConnection, HostLink, refuseHost } from "./host_link.ts";
import { inTime, RunWaits } from "./run_waits.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What a node reports about the stdin of the first process. */
export type StdinAnswer = StdinTakenMessage | StdinWantedMessage;

/** How far the run may be ahead of the fastest viewer. A node has one more output in flight. */
const ROOM_BYTES = 256 * KiB;

/** How much is kept for slower viewers after the fastest one has been sent it. */
const KEEP_BYTES = 1 * MiB;

export class BridgedRun implements RunNews {
  readonly id: string;
  /** Resolves when no process is left, and all events are in the log. */
  readonly over: Promise<void>;
  readonly #over = Promise.withResolvers<void>();
  readonly #merger: EventMerger;
  readonly #log: RunLog;
  readonly #run: Run;
  /** The starts and ends of its processes alone. */
  readonly processes: RunLog;
  /** What they have been seen to do: bodies of messages `does`. */
  readonly doings: RunLog;
  readonly #stdinAnswer: (answer: StdinAnswer) => void;
  readonly #survivors = new SurvivorNotice({
    state: () => this.#run.state,
    startTimer,
    say: (text) => this.said(text),
  });
  readonly #startTimer: StartTimer;
  readonly #waits: RunWaits;
  readonly #waitingSpawns: () => Promise<WaitingSpawn[]>;
  readonly #standstill: StandstillWatch;
  #outputBytes = 0;
  readonly #channels = new ChannelMeter();
  readonly #spec: Bytes;
  readonly #by: string;
  readonly #store: Store;
  readonly #liveness: LivenessOptions;
  readonly #clock: Clock;
  readonly #nodes = new Set<HostLink>();
  /** Their links by id. */
  readonly #links = new Map<string, HostLink>();
  /** The node of the first process, once that exists. */
  #first: HostLink | undefined;
  #firstPid: Pid | undefined;
  /** Stdin that came before the first process. */
  #early: StdinMessage[] = [];
  #stdinBytes = 0;
  #stdinEnded = false;
  /** The total number of processes, once the master has reported that none is left. */
  #processes: number | undefined;
  /** A node's link has ended before it was done, so that some events may never come. */
  #gap = false;
  /** How many losses are being recorded. */
  #losing = 0;
  #ending = false;

  /**
   * `spec` is a `RunSpec`, encoded. `stdinAnswer` is called with what the first process has taken of stdin,
   * and asks for.
   */
  constructor(
    id: string,
    spec: Bytes,
    store: Store,
    stdinAnswer: (answer: StdinAnswer) => void,
    options: {
      /** Who deployed it. */
      by: string;
      /** @default one in memory */
      log?: RunLog;
      /** For the starts and ends of its processes. @default one in memory */
      processes?: RunLog;
      /** For what they do. @default one in memory */
      doings?: RunLog;
      /** Tells which of its spawns wait for room. @default none */
      waitingSpawns?: () => Promise<WaitingSpawn[]>;
      liveness?: LivenessOptions;
      clock?: Clock;
      startTimer?: StartTimer;
    },
  ) {
    this.#log = options.log ?? new MemoryLog({ keepBytes: KEEP_BYTES });
    this.processes = options.processes ?? new MemoryLog({ keepBytes: KEEP_BYTES });
    this.doings = options.doings ?? new MemoryLog({ keepBytes: KEEP_BYTES });
    this.#run = new Run({ log: this.#log, roomBytes: ROOM_BYTES });
    this.#spec = spec;
    this.#by = options.by;
    this.id = id;
    this.over = this.#over.promise;
    this.#store = store;
    this.#liveness = options.liveness ?? LOCAL_NETWORK;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#stdinAnswer = stdinAnswer;
    const start = this.#startTimer = options.startTimer ?? startTimer;
    this.#waits = new RunWaits(start);
    this.#waitingSpawns = options.waitingSpawns ?? (() => Promise.resolve([]));
    this.#standstill = new StandstillWatch({
      state: () => this.#run.state,
      waits: async () => (await this.#waits.ask()).states,
      startTimer: start,
      say: (text) => this.said(text),
    });
    this.#merger = new EventMerger((record) => this.#append(record));
    this.#merger.onChange(() => this.#check());
  }

  /** What is known of its processes. */
  get state(): RunState {
    return this.#run.state;
  }

  /** The number of the oldest event that is still there. */
  get start(): number {
    return this.#log.start;
  }

  /** How many events there have been. */
  get end(): number {
    return this.#log.end;
  }

  /** Begins to view the run; it ends when the run is over, and all of it has been seen. */
  view(offset = 0): RunViewer {
    return this.#run.view(offset);
  }

  /**
   * Serves a node that hosts processes of the run, on a connection that it has begun with `host`; `messages`
   * are the rest of what comes on it. Resolves when the link ends, which may continue on other connections,
   * or at once if the connection continues a link.
   *
   * @throws {ProtocolError} If the node breaks the protocol; its processes count as lost then.
   */
  async serve(
    host: Extract<NodeToBridge, { type: "host" }>,
    connection: HostConnection,
    messages: AsyncGenerator<Received<NodeToBridge>>,
  ): Promise<void> {
    const known = this.#links.get(host.link);
    if (known !== undefined) return known.attach(connection, messages, host.taken);
    // This bridge has ended that link.
    if (host.taken > 0) return await refuseHost(connection, messages);
    const node = new HostLink(host.node, { liveness: this.#liveness, clock: this.#clock });
    this.#links.set(host.link, node);
    node.attach(connection, messages, 0);
    try {
      await this.#serve(node);
    } finally {
      this.#links.delete(host.link);
    }
  }

  async #serve(node: HostLink): Promise<void> {
    this.#nodes.add(node);
    void node.send({ type: "run", spec: this.#spec, by: this.#by });
    this.#waits.add(node);
    let done = false;
    try {
      for await (const { message, body } of node.received()) {
        done = message.type === "done";
        if (message.type === "done") return await node.finish();
        await this.#take(node, message, body);
      }
      const reason = await node.ended;
      if (reason instanceof ProtocolError) throw reason;
    } catch (error) {
      node.end(error instanceof ProtocolError ? error : new LinkError("the bridge failed"));
      throw error;
    } finally {
      this.#waits.remove(node);
      const why = endOf(`node ${node.node}`, await node.ended);
      this.#gap ||= !done;
      void this.#left(node, why);
    }
  }

  /** Hands stdin, or its end, to the first process. @throws {ProtocolError} If it is too much. */
  stdin(message: StdinMessage): void {
    if (this.#stdinEnded) throw new ProtocolError("stdin sent after its end");
    if (message.type === "stdin-end") this.#stdinEnded = true;
    else {
      this.#stdinBytes += message.bytes.length;
      if (this.#stdinBytes > STDIN_WINDOW_BYTES || message.bytes.length === 0) {
        throw new ProtocolError(
          `${message.bytes.length} more bytes of stdin, ${this.#stdinBytes} unacknowledged`,
        );
      }
    }
    if (this.#first !== undefined) void this.#first.send(message);
    else if (this.#firstPid === undefined) this.#early.push(message);
  }

  /** What each process of the run waits for. */
  async waits(): Promise<WaitLine[]> {
    const [spawns, { states, silent }] = await Promise.all([
      inTime(this.#startTimer, this.#waitingSpawns()),
      this.#waits.ask(),
    ]);
    const context = { silent, spawns: spawns ?? [] };
    return describeWaits(runningProcesses(this.#run.state), states, context);
  }

  /**
   * Asks the node of a process to connect its inspector to this bridge, with that id.
   *
   * @returns Why that is not possible; `undefined` if the node is asked.
   */
  inspect(pid: Pid, id: string): string | undefined {
    const process = this.#run.state.running.get(pid);
    if (process === undefined) return "it has ended";
    const node = this.#nodes.values().find(({ node, connected }) =>
      connected && node === process.node
    );
    if (node === undefined) return `its node ${process.node} is not connected`;
    void node.send({ type: "inspect", pid, id });
    return undefined;
  }

  /** A sample of each running process. */
  async samples(): Promise<ProcessSample[]> {
    const [spawns, { samples, silent }] = await Promise.all([
      inTime(this.#startTimer, this.#waitingSpawns()),
      this.#waits.samples(),
    ]);
    const context = { silent, spawns: spawns ?? [] };
    return describeSamples(runningProcesses(this.#run.state), samples, context);
  }

  /** What the running processes use now, as far as their nodes know. */
  usage(): Promise<ProcessUsage[]> {
    return this.#waits.usage();
  }

  /** What its processes have sent to each other, as far as samples show that; takes one. */
  async sent(): Promise<Sent> {
    this.#channels.took(await this.samples());
    return this.#channels.total;
  }

  /** How much its processes have written. */
  get outputBytes(): number {
    return this.#outputBytes;
  }

  said(text: string): void {
    void this.#append(EventRecord.of({ event: "said", text, time: Date.now() }));
  }

  lost(process: LostProcess, why: string): void {
    void this.#lose(this.#merger.lose(process, why));
  }

  nodeGone(name: string, why: string): void {
    for (const node of this.#nodes) if (node.node === name) node.giveUp(why);
  }

  /** Called when the master has no process of the run left: waits for events in flight. */
  ended(processes: number): void {
    this.#processes = processes;
    this.#check();
  }

  #append(record: EventRecord): Promise<void> {
    const room = this.#run.append(record);
    const kept = isLifeEvent(record.event) ? keep(this.processes, record) : undefined;
    if (record.event.event === "output") this.#outputBytes += record.event.bytes.length;
    this.#survivors.took(record.event);
    if (record.event.event !== "said") this.#standstill.took();
    return kept === undefined ? room : kept.then(() => room);
  }

  async #left(node: HostLink, why: string): Promise<void> {
    if (this.#merger.has(node)) {
      await new Promise<void>((resolve) => this.#clock.after(this.#liveness.newsMs, resolve));
    }
    this.#nodes.delete(node);
    await this.#lose(this.#merger.loseAll(why, node));
  }

  /** The run is not over until a loss is recorded. */
  async #lose(told: Promise<void>): Promise<void> {
    this.#losing++;
    // It may wait for a parent that will not be reported.
    this.#check();
    await told;
    this.#losing--;
    this.#check();
  }

  /** `body` is the bytes of `message`: an event is passed to the log and to viewers as these bytes. */
  async #take(
    node: HostLink,
    message: Exclude<NodeToBridge, { type: "done" | "ack" }>,
    body: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    switch (message.type) {
      case "host":
        throw new ProtocolError(`a second "host" message`);
      case "need":
        return node.sendPieces(message.pieces, this.#store);
      case "does":
        return keep(this.doings, EventRecord.from(body));
      case "waits":
      case "usages":
      case "samples":
        return this.#waits.answer(node, message);
      case "stdin-taken":
        this.#stdinBytes -= Math.min(message.bytes, this.#stdinBytes);
        return this.#stdinAnswer(message);
      case "stdin-wanted":
        return this.#stdinAnswer(message);
      case "event": {
        const { event } = message;
        const isFirst = event.event === "spawn" && event.parent === null;
        if (isFirst && this.#firstPid === undefined) this.#begin(node, event.pid);
        if (event.event === "exit" && event.pid === this.#firstPid) this.#first = undefined;
        await this.#merger.add(node, EventRecord.from(body, event)).catch((error) => {
          // Nodes do not report such events, so this node is dropped.
          throw error instanceof EventOrderError ? new ProtocolError(error.message) : error;
        });
      }
    }
  }

  #begin(node: HostLink, pid: Pid): void {
    this.#first = node;
    this.#firstPid = pid;
    for (const message of this.#early) void node.send(message);
    this.#early = [];
  }

  /**
   * Closes the run once the master has reported that all processes have ended, and all events have arrived.
   */
  #check(): void {
    const over = this.#processes !== undefined;
    // Awaited processes are reported by a node that does not wait, if there is one.
    if ((this.#gap || over) && this.#merger.waits >= this.#nodes.size) this.#merger.release();
    if (this.#processes === undefined || this.#ending || this.#losing > 0) return;
    if (this.#merger.exited < this.#processes && this.#nodes.size > 0) return;
    this.#ending = true;
    void this.#finish();
  }

  async #finish(): Promise<void> {
    this.#standstill.stop();
    await this.#merger.loseAll("its node was lost while it was starting");
    this.#run.close();
    this.#over.resolve();
  }
}

/** Adds a record to a log that no viewer slows; the promise resolves when the log can take more. */
function keep(log: RunLog, record: EventRecord): Promise<void> | undefined {
  const kept = log.append(record);
  log.release(log.end);
  return kept;
}
