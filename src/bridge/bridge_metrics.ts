/** What a bridge knows of its runs, as metrics. */

import type { Metric } from "../core/metrics.ts";
import type { Sent } from "../run/channel_meter.ts";
import { type RefusedConnections, refusedMetric } from "../net/part_server.ts";
import { phaseOf, type RunEntry, type RunPhase } from "../core/run_entry.ts";

const PHASES: readonly RunPhase[] = ["waiting", "running", "ended"];

/** What a bridge measures of a run. */
export interface RunMeasures {
  /** How much its processes have written. */
  readonly outputBytes: number;
  /** What they have sent to each other. */
  readonly sent: Sent;
}

/** What a bridge measures. */
export interface BridgeMeasures {
  /** All runs that are known. */
  readonly runs: readonly RunEntry[];
  /** Of each run that is not over, by its id. */
  readonly present: ReadonlyMap<string, RunMeasures>;
  /** How many are shown a run now, or may come back. */
  readonly viewers: number;
  /** How much of shipped files its store has received. */
  readonly receivedBytes: number;
  /** The connections that it has refused. */
  readonly refused: RefusedConnections;
  /** Its address. */
  readonly address: string;
}

/** The metrics of a bridge. Runs that have ended are only counted: their ids would be new labels for ever. */
export function bridgeMetrics(
  { runs, present: measured, viewers, receivedBytes, refused, address }: BridgeMeasures,
): Metric[] {
  const counts = Map.groupBy(runs, phaseOf);
  const present = runs.filter((run) => phaseOf(run) !== "ended");
  const each = (value: (run: RunMeasures | undefined) => number | undefined) =>
    present.map((run) => ({ labels: labels(run), value: value(measured.get(run.id)) ?? 0 }));
  const labels = ({ id, name }: RunEntry) => ({ run: id, name });
  return [
    {
      ...{ name: "deploy_runs", type: "gauge" },
      help: "Runs that the bridge knows, by state.",
      samples: PHASES.map((state) => ({
        labels: { state },
        value: counts.get(state)?.length ?? 0,
      })),
    },
    {
      ...{ name: "deploy_run_processes", type: "gauge" },
      help: "Processes that a run has now.",
      samples: present.map((run) => ({ labels: labels(run), value: run.running })),
    },
    {
      ...{ name: "deploy_run_processes_started_total", type: "counter" },
      help: "Processes that a run has had.",
      samples: present.map((run) => ({ labels: labels(run), value: run.spawned })),
    },
    {
      ...{ name: "deploy_run_output_bytes_total", type: "counter" },
      help: "What the processes of a run have written to stdout and stderr.",
      samples: each((run) => run?.outputBytes),
    },
    {
      ...{ name: "deploy_run_channel_bytes_total", type: "counter" },
      help: "What the processes of a run have sent to each other; short-lived ones count in part.",
      samples: each((run) => run?.sent.bytes),
    },
    {
      ...{ name: "deploy_run_channel_values_total", type: "counter" },
      help: "How many values that were; of short-lived processes in part.",
      samples: each((run) => run?.sent.values),
    },
    {
      ...{ name: "deploy_viewers", type: "gauge" },
      help: "Terminals that are shown a run.",
      samples: [{ value: viewers }],
    },
    {
      ...{ name: "deploy_artifact_received_bytes_total", type: "counter" },
      help: "Pieces of shipped files that the store of the part has received.",
      samples: [{ labels: { part: "bridge", address }, value: receivedBytes }],
    },
    refusedMetric(refused, "bridge", address),
  ];
}
