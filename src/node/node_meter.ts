/** What a node counts, for its operator. */

import type { RunEvent } from "../core/events.ts";
import { success } from "../core/exit_status.ts";
import type { Metric } from "../core/metrics.ts";

/** Counts the processes of a node, of all runs, and what they write. */
export class NodeMeter {
  #started = 0;
  readonly #ended = { success: 0, failure: 0, signal: 0, killed: 0, lost: 0 };
  readonly #outputBytes = { 1: 0, 2: 0 };

  /** Something has happened in a run on the node. */
  took(event: RunEvent): void {
    switch (event.event) {
      case "spawn":
        this.#started++;
        return;
      case "output":
        this.#outputBytes[event.fd] += event.bytes.length;
        return;
      case "exit":
        this.#ended[howItEnded(event)]++;
    }
  }

  /**
   * As metrics of the node of that address.
   *
   * @param receivedBytes How much of shipped files its store has received.
   */
  metrics(node: string, receivedBytes: number): Metric[] {
    const ended = Object.entries(this.#ended);
    const running = this.#started - ended.reduce((sum, [, count]) => sum + count, 0);
    const labels = { node };
    return [
      {
        ...{ name: "deploy_processes", type: "gauge" },
        help: "Processes of programs that run on the node.",
        samples: [{ labels, value: running }],
      },
      {
        ...{ name: "deploy_processes_started_total", type: "counter" },
        help: "Processes of programs that have started on the node.",
        samples: [{ labels, value: this.#started }],
      },
      {
        ...{ name: "deploy_processes_ended_total", type: "counter" },
        help: "Processes of programs that have ended on the node, by how they ended.",
        samples: ended.map(([how, value]) => ({ labels: { node, how }, value })),
      },
      {
        ...{ name: "deploy_output_bytes_total", type: "counter" },
        help: "What processes on the node have written to stdout and stderr.",
        samples: [
          { labels: { node, stream: "stdout" }, value: this.#outputBytes[1] },
          { labels: { node, stream: "stderr" }, value: this.#outputBytes[2] },
        ],
      },
      {
        ...{ name: "deploy_artifact_received_bytes_total", type: "counter" },
        help: "Pieces of shipped files that the store of the part has received.",
        samples: [{ labels: { part: "node", address: node }, value: receivedBytes }],
      },
    ];
  }
}

function howItEnded(
  { status }: Extract<RunEvent, { event: "exit" }>,
): "success" | "failure" | "signal" | "killed" | "lost" {
  if (success(status)) return "success";
  if ("code" in status) return "failure";
  return "signal" in status ? "signal" : "killed" in status ? "killed" : "lost";
}
