/** One run: what is known of it, and its views. */

import { RUN_VIEWS, runPath, type RunView } from "../model/route.ts";
import { durationText, runState } from "../model/texts.ts";
import { pillOf } from "./cluster_view.tsx";
import { Curves } from "./curves.tsx";
import { OutputView } from "./output_view.tsx";
import type { VNode } from "./packages.ts";
import { Fact, Pill } from "./parts.tsx";
import { ProcessesView } from "./processes_view.tsx";
import { cluster, currentModel, killTarget, nowMs, runProblem } from "./state.ts";
import { TrafficView } from "./traffic_view.tsx";

const VIEW_NAMES: Readonly<Record<RunView, string>> = {
  processes: "Processes",
  traffic: "Traffic",
  output: "Output",
};

export function RunPage({ run: id, view }: { run: string; view: RunView }): VNode {
  const run = cluster.value?.runs.find((each) => each.id === id);
  const model = currentModel();
  if (cluster.value !== null && run === undefined) {
    return (
      <p class="empty">
        There is no run <code>{id}</code>. <a href="/">All runs</a>
      </p>
    );
  }
  const count = model.tree.length;
  return (
    <>
      <div class="headline">
        <div>
          <h1>{run?.name ?? id}</h1>
          {run !== undefined && <Pill kind={pillOf(run)}>{runState(run)}</Pill>}
        </div>
        {run !== undefined && run.endedMs === null && (
          <button
            type="button"
            class="danger"
            onClick={() =>
              killTarget.value = { run: id, pid: null, name: run.name, running: run.running }}
          >
            Stop run…
          </button>
        )}
      </div>
      <dl class="facts">
        <Fact name="Run">
          <span class="mono">{id}</span>
        </Fact>
        <Fact name="Processes">
          {model.running} running, {count} in all
        </Fact>
        {run !== undefined && (
          <>
            <Fact name={run.endedMs === null ? "Running for" : "Took"}>
              {durationText((run.endedMs ?? nowMs.value) - run.startedMs)}
            </Fact>
            <Fact name="By">{run.by}</Fact>
          </>
        )}
      </dl>
      {runProblem.value !== null && <p class="notice bad">{runProblem.value}</p>}
      {run !== undefined && (run.endedMs === null || model.series.times.length > 0) && (
        <Curves series={model.series} />
      )}
      <nav class="tabs" aria-label="Views of this run">
        {RUN_VIEWS.map((each) => (
          <a
            key={each}
            href={runPath(id, each)}
            aria-current={each === view ? "page" : undefined}
          >
            {VIEW_NAMES[each]}
          </a>
        ))}
      </nav>
      {view === "processes"
        ? <ProcessesView run={id} endedMs={run?.endedMs ?? null} />
        : view === "traffic"
        ? <TrafficView run={id} pid={null} />
        : <OutputView run={id} pid={null} />}
    </>
  );
}
