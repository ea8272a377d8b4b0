/** The dashboard of a local run. It is loaded only if `DEPLOY_DASHBOARD` asks for it. */

import type { RunEvent } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";
import { MiB } from "../core/resources.ts";
import type { RunEntry } from "../core/run_entry.ts";
import type { NodeSample, ProcessSample } from "../core/samples.ts";
import { isAtOnce, type Termination } from "../core/signals.ts";
import { pageAssets } from "../dashboard/assets.ts";
import { Dashboard } from "../dashboard/server.ts";
import type { Told, Watched } from "../dashboard/watched.ts";
import { EventRecord } from "../run/event_record.ts";
import { MemoryLog } from "../run/memory_log.ts";
import { isLifeEvent } from "../run/process_table.ts";
import { describeSamples } from "../run/process_samples.ts";
import { Run } from "../run/run.ts";
import { runningProcesses } from "../run/run_state.ts";

/** The last output is kept, and the last starts and ends of processes, up to so much of each. */
const KEEP_BYTES = 8 * MiB;

/** The id of the run: there is no other one. */
const ID = "local";

/** What a dashboard may ask the launcher for. */
export interface LocalRunPort {
  samples(): Promise<readonly NodeSample[]>;
  /** Ends a process. */
  kill(pid: Pid, how: Termination): void;
  /** Ends the run. */
  stop(how: Termination): void;
}

/** A local run, as a dashboard sees it: with a log of its own, which never delays the run. */
export class LocalDashboard implements Watched {
  readonly title = "this machine";
  readonly #log = new MemoryLog({ keepBytes: KEEP_BYTES });
  readonly #lives = new MemoryLog({ keepBytes: KEEP_BYTES });
  readonly #run = new Run({ log: this.#log, roomBytes: Number.MAX_SAFE_INTEGER });
  readonly #port: LocalRunPort;
  readonly #name: string;
  readonly #startedMs = Date.now();

  /** `name` is what the run is called. */
  constructor(name: string, port: LocalRunPort) {
    this.#name = name;
    this.#port = port;
  }

  /** Serves it; `onLink` gets the link that works next. @throws {Error} If the port is taken. */
  serve(port: number, onLink: (link: string) => void): void {
    new Dashboard({ watched: this, port, assets: pageAssets, onLink }).unref();
  }

  /** Takes an event. The bytes of an output are copied. */
  took(event: RunEvent): void {
    void this.#run.append(event);
    this.#log.release(this.#log.end);
    if (!isLifeEvent(event)) return;
    this.#lives.append(EventRecord.of(event));
    this.#lives.release(this.#lives.end);
  }

  runs(): Promise<readonly RunEntry[]> {
    const { running, spawns } = this.#run.state;
    return Promise.resolve([{
      ...{ id: ID, name: this.#name, by: "you", from: "", startedMs: this.#startedMs },
      ...{ endedMs: null, code: null, running: running.size, spawned: spawns },
    }]);
  }

  nodes(): ReturnType<Watched["nodes"]> {
    const inUse = { mem: 0, cpu: 0 };
    const processes = this.#run.state.running.size;
    const node = "this machine";
    return Promise.resolve([{ node, state: "up", why: "", capacity: null, inUse, processes }]);
  }

  async *events(_run: string, signal: AbortSignal): AsyncGenerator<Told> {
    for (const { event } of this.#lives.read(0, Infinity).records) yield event;
    const viewer = this.#run.view();
    const close = () => viewer.close();
    signal.addEventListener("abort", close);
    try {
      let next = 0;
      for await (const { from, records } of viewer) {
        if (from > next) yield { event: "missing", events: from - next };
        next = from + records.length;
        for (const { event } of records) yield event;
      }
    } finally {
      signal.removeEventListener("abort", close);
    }
  }

  async samples(): Promise<readonly ProcessSample[]> {
    const samples = await this.#port.samples();
    const processes = runningProcesses(this.#run.state);
    return describeSamples(processes, new Map(samples.map((sample) => [sample.pid, sample])));
  }

  kill(_run: string, pid: Pid | null, how: Termination): Promise<string> {
    if (pid === null) this.#port.stop(how);
    else this.#port.kill(pid, how);
    const what = pid === null ? "the run" : this.#run.state.running.get(pid)?.name ?? "it";
    return Promise.resolve(isAtOnce(how) ? `killed ${what}` : `told ${what} to stop`);
  }
}
