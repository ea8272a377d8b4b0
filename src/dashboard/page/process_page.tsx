/** One process. */

import { formatCpu, formatMem } from "../../core/resources.ts";
import { success } from "../../core/exit_status.ts";
import { coresText, durationText, memText, processState } from "../model/texts.ts";
import { runPath } from "../model/route.ts";
import { Curves } from "./curves.tsx";
import { OutputView } from "./output_view.tsx";
import type { VNode } from "./packages.ts";
import { Fact, PidDigits, Pill } from "./parts.tsx";
import { stateText } from "./processes_view.tsx";
import { currentModel, killTarget, nowMs } from "./state.ts";
import { ProcessLink, TrafficView } from "./traffic_view.tsx";

export function ProcessPage({ run, pid: start }: { run: string; pid: string }): VNode {
  const model = currentModel();
  const process = model.find(start);
  if (process === undefined) {
    return (
      <p class="empty">
        There is no process <code>{start}</code> in this run, or it has not been shown yet.{" "}
        <a href={runPath(run)}>All processes</a>
      </p>
    );
  }
  const { pid, name, parent, node, resources, startedMs, endedMs, status, record } = process;
  const seen = status === null ? model.seen(pid) : undefined;
  const kind = status === null ? "live" : success(status) ? "good" : "bad";
  return (
    <>
      <div class="headline">
        <div>
          <h1>
            <PidDigits pid={pid} /> {name}
          </h1>
          <Pill kind={kind}>{processState(process)}</Pill>
        </div>
        {status === null && (
          <button
            type="button"
            class="danger"
            onClick={() => killTarget.value = { run, pid, name, running: 1 }}
          >
            Stop process…
          </button>
        )}
      </div>
      {seen !== undefined && (
        <p class="doing">
          <span class={`swatch ${seen.segments.at(-1)?.activity ?? "unseen"}`} aria-hidden="true" />
          {stateText(seen)}
        </p>
      )}
      <dl class="facts">
        <Fact name="Node">{node ?? "this machine"}</Fact>
        {parent !== null && (
          <Fact name="Started by">
            <ProcessLink run={run} pid={parent} />
          </Fact>
        )}
        {resources !== null && (
          <Fact name="Asked for">{formatMem(resources.mem)}, {formatCpu(resources.cpu)}</Fact>
        )}
        <Fact name={endedMs === null ? "Running for" : "Took"}>
          {durationText((endedMs ?? nowMs.value) - startedMs)}
        </Fact>
        {seen !== undefined && (
          <Fact name="Uses">
            {memText(seen.sample.usage?.memBytes)}, {coresText(seen.cores)} of a core
          </Fact>
        )}
        {record !== null && record.peakBytes !== null && (
          <Fact name="Peak memory">{formatMem(record.peakBytes)}</Fact>
        )}
        {record !== null && record.cpuMs !== null && (
          <Fact name="CPU time">{durationText(record.cpuMs)}</Fact>
        )}
        <Fact name="Pid">
          <span class="mono long">{pid}</span>
        </Fact>
      </dl>
      {(status === null || model.seen(pid) !== undefined) && (
        <Curves series={model.seen(pid)?.series} asked={resources} />
      )}
      <h2>Traffic</h2>
      <TrafficView run={run} pid={pid} />
      <h2>Output</h2>
      <OutputView run={run} pid={pid} />
    </>
  );
}
