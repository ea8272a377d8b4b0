/** Who sends to whom. */

import type { Pid } from "../../core/pid.ts";
import { formatMem } from "../../core/resources.ts";
import { processPath } from "../model/route.ts";
import { byteRateText, countText, rateText } from "../model/texts.ts";
import type { VNode } from "./packages.ts";
import { PidDigits } from "./parts.tsx";
import { currentModel } from "./state.ts";

/** More would not be read; the busiest come first. */
const MAX_ROWS = 200;

/** The traffic of all processes of a run, or of one. */
export function TrafficView({ run, pid }: { run: string; pid: Pid | null }): VNode {
  const model = currentModel();
  const edges = model.traffic.edges().filter(({ from, to }) =>
    pid === null || from === pid || to === pid
  );
  if (edges.length === 0) {
    return (
      <p class="empty">
        {pid === null
          ? "No values have been sent between processes, or none since this page was opened."
          : "It has neither sent values to another process nor got any since this page was opened."}
      </p>
    );
  }
  const most = Math.max(...edges.map(({ bytesPerSecond }) => bytesPerSecond), 1);
  return (
    <div class="card scroll">
      <table class="traffic">
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col" class="number">Values/s</th>
            <th scope="col" class="number wide">Bytes/s</th>
            <th scope="col" class="number">Values</th>
            <th scope="col" class="number">Bytes</th>
            <th scope="col">Full channels</th>
          </tr>
        </thead>
        <tbody>
          {edges.slice(0, MAX_ROWS).map((edge) => (
            <tr key={edge.from + edge.to}>
              <td>
                <ProcessLink run={run} pid={edge.from} />
              </td>
              <td>
                <ProcessLink run={run} pid={edge.to} />
              </td>
              <td class="number">{rateText(edge.valuesPerSecond)}</td>
              <td class="number">
                <span class="flow" aria-hidden="true">
                  <span style={{ width: `${edge.bytesPerSecond / most * 100}%` }} />
                </span>
                <span>{byteRateText(edge.bytesPerSecond)}</span>
              </td>
              <td class="number">{countText(edge.values)}</td>
              <td class="number">{formatMem(edge.bytes)}</td>
              <td>
                {edge.full.map((name) => (
                  <span key={name} class="pill warn">{name === "" ? "(unnamed)" : name}</span>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {edges.length > MAX_ROWS && (
        <p class="quiet after">{edges.length - MAX_ROWS} more, with less traffic</p>
      )}
    </div>
  );
}

export function ProcessLink({ run, pid }: { run: string; pid: Pid }): VNode {
  const process = currentModel().process(pid);
  return (
    <a class="process" href={processPath(run, pid)}>
      <PidDigits pid={pid} /> {process?.name}
    </a>
  );
}
