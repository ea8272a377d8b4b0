/** A run with very many processes, for the dashboard, of which none is a real one. */

import type { NodeReport } from "../../src/core/node_report.ts";
import { makePid, type Pid } from "../../src/core/pid.ts";
import type { RunEntry } from "../../src/core/run_entry.ts";
import type { ProcessSample } from "../../src/core/samples.ts";
import type { Told, Watched } from "../../src/dashboard/watched.ts";

/** So many processes, each started by the first. */
function manyProcesses(count: number): Pid[] {
  return Array.from(
    { length: count },
    (_, index) => makePid(index.toString(16).padStart(32, "0"), "127.0.0.1", 1),
  );
}

/** A run with many processes, all of which compute. */
export class ManyWatched implements Watched {
  readonly title = "many";
  readonly pids: readonly Pid[] = manyProcesses(1_000);

  runs(): Promise<readonly RunEntry[]> {
    const [running, spawned] = [this.pids.length, this.pids.length];
    return Promise.resolve([{
      ...{ id: "many", name: "many.ts", by: "me", from: "", startedMs: Date.now() },
      ...{ endedMs: null, code: null, running, spawned },
    }]);
  }

  nodes(): Promise<readonly NodeReport[]> {
    return Promise.resolve([]);
  }

  async *events(_run: string, signal: AbortSignal): AsyncGenerator<Told> {
    const [first = null] = this.pids;
    for (const [index, pid] of this.pids.entries()) {
      const parent = index === 0 ? null : first;
      yield { event: "spawn", pid, parent, name: `worker-${index}`, node: "n:1", time: Date.now() };
    }
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  }

  samples(): Promise<readonly ProcessSample[]> {
    return Promise.resolve(this.pids.map((pid) => ({
      ...{ pid, activity: "computes" as const, on: null, waits: "computing for 1 s", traffic: [] },
      usage: { memBytes: 1_000_000, cpuMs: 1_000, ageMs: 0 },
    })));
  }

  kill(): Promise<string> {
    return Promise.resolve("");
  }
}
