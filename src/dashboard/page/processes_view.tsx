/** The processes of a run: a tree, and beside it a time line. */

import { success } from "../../core/exit_status.ts";
import type { Pid } from "../../core/pid.ts";
import type { TreeEntry } from "../../run/process_table.ts";
import { processPath } from "../model/route.ts";
import type { Seen } from "../model/run_model.ts";
import { positionOf, ticksOf } from "../model/timeline.ts";
import { ACTIVITY_TEXTS, clockText, coresText, memText, processState } from "../model/texts.ts";
import { windowOf } from "../model/window.ts";
import { useMemo, useRef, useState, type VNode } from "./packages.ts";
import { Choices, PidDigits } from "./parts.tsx";
import { currentModel, go, nowMs } from "./state.ts";
import { NARROW, TICK_GAP, Timeline } from "./timeline.tsx";
import { useScroll } from "./use_scroll.ts";

const ROW_HEIGHT = 30;

const FILTERS = [["all", "All"], ["running", "Running"], ["failed", "Failed"]] as const;
type Filter = typeof FILTERS[number][0];

const RANGES = [["all", "All"], ["600", "10 min"], ["60", "1 min"]] as const;
type Range = typeof RANGES[number][0];

const LEGEND = ["computes", "waits", "idle", "unseen"] as const;

export function ProcessesView(
  { run, endedMs }: { run: string; endedMs: number | null },
): VNode {
  const [filter, setFilter] = useState<Filter>("all");
  const [range, setRange] = useState<Range>("all");
  const [chosen, setChosen] = useState<Pid | undefined>(undefined);
  const scroller = useRef<HTMLDivElement>(null);
  const { top, height } = useScroll(scroller);
  const { tree } = currentModel();
  const rows = useMemo(() => tree.filter(({ process }) => passes(process, filter)), [tree, filter]);
  if (tree.length === 0) {
    return <p class="empty">No process has started yet. It may be waiting for room on a node.</p>;
  }
  const { first, end } = windowOf({ top, height, rowHeight: ROW_HEIGHT, count: rows.length });
  const toMs = endedMs ?? nowMs.value;
  const startMs = tree.reduce((first, { process }) => Math.min(first, process.startedMs), toMs);
  const fromMs = range === "all" ? startMs : Math.max(startMs, toMs - Number(range) * 1_000);
  const choose = (index: number) => {
    const row = rows[Math.min(Math.max(index, 0), rows.length - 1)];
    if (row === undefined) return;
    setChosen(row.process.pid);
    const at = rows.indexOf(row) * ROW_HEIGHT;
    const element = scroller.current!;
    if (at < element.scrollTop) element.scrollTop = at;
    if (at + ROW_HEIGHT > element.scrollTop + height) element.scrollTop = at + ROW_HEIGHT - height;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = rows.findIndex(({ process }) => process.pid === chosen);
    const page = Math.max(1, Math.floor(height / ROW_HEIGHT) - 1);
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: rows.length - 1,
    };
    const to = steps[event.key];
    if (to !== undefined) {
      event.preventDefault();
      choose(to);
    } else if (event.key === "Enter" && chosen !== undefined) {
      go(processPath(run, chosen));
    }
  };
  return (
    <>
      <div class="toolbar">
        <Choices label="Processes" choices={FILTERS} value={filter} onChoose={setFilter} />
        <Choices label="Time" choices={RANGES} value={range} onChoose={setRange} />
        <ul class="legend" aria-label="Colours of the time line">
          {LEGEND.map((kind) => (
            <li key={kind}>
              <span class={`swatch ${kind}`} aria-hidden="true" />
              {kind === "unseen" ? "not looked at" : ACTIVITY_TEXTS[kind]}
            </li>
          ))}
        </ul>
      </div>
      <div class="card processes">
        <div class="columns head" aria-hidden="true">
          <span>Process</span>
          <span>State</span>
          <span class="number">CPU</span>
          <span class="number">Memory</span>
          <Times fromMs={fromMs} toMs={toMs} />
        </div>
        <div class="body">
          <div
            ref={scroller}
            class="rows"
            role="treegrid"
            aria-label={`${rows.length} processes: process, state, CPU, memory`}
            aria-rowcount={rows.length}
            aria-activedescendant={chosen === undefined ? undefined : rowId(chosen)}
            tabIndex={0}
            onKeyDown={onKeyDown}
            style={{ "--rows": `${Math.min(rows.length, 18)}` }}
          >
            <div class="list" role="rowgroup" style={{ height: `${rows.length * ROW_HEIGHT}px` }}>
              {rows.slice(first, end).map((row, index) => (
                <Row
                  key={row.process.pid}
                  run={run}
                  row={row}
                  index={first + index}
                  isChosen={row.process.pid === chosen}
                />
              ))}
            </div>
          </div>
          <Timeline rows={rows} top={top} rowHeight={ROW_HEIGHT} fromMs={fromMs} toMs={toMs} />
        </div>
        {rows.length === 0 && <p class="empty">No process is {filter}.</p>}
      </div>
    </>
  );
}

/** The times of the lines in the time line. */
function Times({ fromMs, toMs }: { fromMs: number; toMs: number }): VNode {
  const scale = { fromMs, toMs, width: NARROW };
  return (
    <span class="times">
      {ticksOf(scale, TICK_GAP).map((at) => (
        <span key={at} style={{ left: `${positionOf(at, scale) / NARROW * 100}%` }}>
          {clockText(at)}
        </span>
      ))}
    </span>
  );
}

/** What a process does: of one that waits, or uses the CPU meanwhile, also in one word. */
export function stateText({ sample, segments }: Seen): string {
  const activity = segments.at(-1)?.activity ?? sample.activity;
  const isSaid = activity === sample.activity && activity !== "waits";
  return isSaid ? sample.waits : `${ACTIVITY_TEXTS[activity]} · ${sample.waits}`;
}

function passes({ status }: TreeEntry["process"], filter: Filter): boolean {
  if (filter === "all") return true;
  return filter === "running" ? status === null : status !== null && !success(status);
}

function rowId(pid: Pid): string {
  return `process-${pid.slice(0, 32)}`;
}

function Row(
  { run, row: { process, depth }, index, isChosen }: {
    run: string;
    row: TreeEntry;
    index: number;
    isChosen: boolean;
  },
): VNode {
  const { pid, name, status } = process;
  const seen = status === null ? currentModel().seen(pid) : undefined;
  const activity = seen?.segments.at(-1)?.activity;
  const kind = status === null ? activity ?? "unseen" : success(status) ? "ended" : "failed";
  const state = seen === undefined ? processState(process) : stateText(seen);
  return (
    <div
      id={rowId(pid)}
      class={`columns row${isChosen ? " chosen" : ""}${status === null ? "" : " over"}`}
      role="row"
      aria-rowindex={index + 1}
      aria-level={depth + 1}
      aria-selected={isChosen}
      data-pid={pid}
      style={{ top: `${index * ROW_HEIGHT}px`, "--depth": `${Math.min(depth, 12)}` }}
    >
      <span role="rowheader" class="name">
        <a href={processPath(run, pid)} tabIndex={-1}>
          <PidDigits pid={pid} /> {name}
        </a>
      </span>
      <span role="gridcell" class="state" title={state}>
        <span class={`swatch ${kind}`} aria-hidden="true" />
        <span>
          {state}
        </span>
      </span>
      <span role="gridcell" class="number">{coresText(seen?.cores)}</span>
      <span role="gridcell" class="number">
        {memText(seen?.sample.usage?.memBytes ?? process.record?.peakBytes)}
      </span>
    </div>
  );
}
