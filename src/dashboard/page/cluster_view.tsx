/** The nodes and runs of a cluster. */

import type { NodeReport } from "../../core/node_report.ts";
import { formatMem } from "../../core/resources.ts";
import { phaseOf, type RunEntry } from "../../core/run_entry.ts";
import { runPath } from "../model/route.ts";
import { durationText, runState } from "../model/texts.ts";
import type { VNode } from "./packages.ts";
import { Meter, Pill } from "./parts.tsx";
import { cluster, nowMs } from "./state.ts";

export function ClusterView(): VNode {
  if (cluster.value === null) return <p class="empty">Looking at the cluster…</p>;
  const { nodes, runs } = cluster.value;
  return (
    <>
      <section aria-labelledby="nodes">
        <h2 id="nodes">Nodes</h2>
        {nodes.length === 0
          ? (
            <p class="empty">
              There are no nodes. Add one with <code>fabric join</code>.
            </p>
          )
          : <Nodes nodes={nodes} />}
      </section>
      <section aria-labelledby="runs">
        <h2 id="runs">Runs</h2>
        {runs.length === 0
          ? (
            <p class="empty">
              Nothing has run here yet. Start a program with <code>deploy main.ts</code>.
            </p>
          )
          : <Runs runs={runs} />}
      </section>
    </>
  );
}

function Nodes({ nodes }: { nodes: readonly NodeReport[] }): VNode {
  return (
    <div class="card scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">State</th>
            <th scope="col" class="wide">CPU in use</th>
            <th scope="col" class="wide">Memory in use</th>
            <th scope="col" class="number">Processes</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={node.node} data-node={node.node}>
              <th scope="row" class="mono">{node.node}</th>
              <td>
                <Pill
                  kind={node.state === "up" ? "good" : node.state === "leaving" ? "quiet" : "bad"}
                >
                  {node.state}
                </Pill>
                {node.why !== "" && <span class="quiet">{node.why}</span>}
              </td>
              <td>
                {node.capacity === null ? "–" : (
                  <Meter
                    label={`CPU of ${node.node}`}
                    value={node.inUse.cpu}
                    max={node.capacity.cpu}
                    text={`${round(node.inUse.cpu)} of ${round(node.capacity.cpu)}`}
                  />
                )}
              </td>
              <td>
                {node.capacity === null ? "–" : (
                  <Meter
                    label={`Memory of ${node.node}`}
                    value={node.inUse.mem}
                    max={node.capacity.mem}
                    text={`${formatMem(node.inUse.mem)} of ${formatMem(node.capacity.mem)}`}
                  />
                )}
              </td>
              <td class="number">{node.processes}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Runs({ runs }: { runs: readonly RunEntry[] }): VNode {
  return (
    <div class="card scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">State</th>
            <th scope="col" class="number">Processes</th>
            <th scope="col" class="number">Started</th>
            <th scope="col" class="number">Took</th>
            <th scope="col">By</th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.id} data-run={run.id}>
              <th scope="row">
                <a class="title" href={runPath(run.id)}>{run.name}</a>
                <span class="mono quiet">{run.id}</span>
              </th>
              <td>
                <Pill kind={pillOf(run)}>{runState(run)}</Pill>
              </td>
              <td class="number">
                {run.endedMs === null ? `${run.running} of ${run.spawned}` : run.spawned}
              </td>
              <td class="number">{durationText(nowMs.value - run.startedMs)} ago</td>
              <td class="number">
                {durationText((run.endedMs ?? nowMs.value) - run.startedMs)}
              </td>
              <td class="quiet">{run.by}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The kind of a run's state. */
export function pillOf(run: RunEntry): "live" | "good" | "bad" | "quiet" {
  const phase = phaseOf(run);
  if (phase === "waiting") return "quiet";
  if (phase === "running") return "live";
  return run.code === 0 ? "good" : "bad";
}

function round(cores: number): string {
  return Number(cores.toPrecision(3)).toString();
}
