/** Memory and CPU over time. */

import { formatMem, GiB, KiB, MiB } from "../../core/resources.ts";
import { clockText } from "../model/texts.ts";
import type { Series } from "../model/series.ts";
import { uPlot, useEffect, useRef, type VNode } from "./packages.ts";
import { currentModel } from "./state.ts";

const HEIGHT = 120;

const MEMORY_STEPS = [KiB, MiB, GiB, 1024 * GiB].flatMap((unit) =>
  [1, 2, 5, 10, 20, 50, 100, 200, 500].map((count) => count * unit)
);

const CORE_STEPS = [0.01, 0.1, 1, 10, 100, 1_000].flatMap((unit) =>
  [1, 2, 5].map((count) => count * unit)
);

/** The curves of a run or a process: `series` has memory in bytes first, and then cores. */
export function Curves({ series, asked }: {
  series: Series | undefined;
  /** What was asked for, to be named beside what is used. */
  asked?: { readonly mem: number; readonly cpu: number } | null;
}): VNode {
  currentModel(); // drawn again when it changes
  const limit = (text: string | undefined) => text === undefined ? "" : ` of ${text} asked`;
  const [memory, cores] = series?.values ?? [];
  return (
    <div class="curves">
      <Curve
        name="Memory"
        now={lastText(memory, formatMem) + limit(asked ? formatMem(asked.mem) : undefined)}
        times={series?.times ?? []}
        values={memory ?? []}
        format={formatMem}
        steps={MEMORY_STEPS}
      />
      <Curve
        name="CPU"
        now={lastText(cores, coreText) + limit(asked ? coreText(asked.cpu) : undefined)}
        times={series?.times ?? []}
        values={cores ?? []}
        format={coreText}
        steps={CORE_STEPS}
      />
    </div>
  );
}

function lastText(
  values: readonly (number | null)[] | undefined,
  format: (value: number) => string,
): string {
  const last = values?.at(-1);
  return last === null || last === undefined ? "–" : format(last);
}

function coreText(cores: number): string {
  return `${Number(cores.toFixed(2))} ${cores === 1 ? "core" : "cores"}`;
}

interface CurveProps {
  readonly name: string;
  readonly now: string;
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
  readonly format: (value: number) => string;
  /** The distances that lines across it may have. */
  readonly steps: readonly number[];
}

function Curve({ name, now, times, values, format, steps }: CurveProps): VNode {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  useEffect(() => {
    const element = place.current!;
    // Asked for at each drawing, since the user may change from light to dark.
    const color = (name: string) => () => getComputedStyle(element).getPropertyValue(name).trim();
    const axis = {
      stroke: color("--quiet"),
      font: "11px Inter, system-ui, sans-serif",
      grid: { stroke: color("--line"), width: 1 },
    };
    const made = plot.current = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.15, 1e-3)] } },
        axes: [
          {
            ...axis,
            size: 24,
            ticks: { show: false },
            space: 70,
            values: (_, splits) => splits.map((seconds) => clockText(seconds * 1_000)),
          },
          {
            ...axis,
            size: 72,
            ticks: { show: false },
            space: 32,
            incrs: [...steps],
            values: (_, splits) => splits.map((value) => value === 0 ? "0" : format(value)),
          },
        ],
        series: [
          {},
          {
            stroke: color("--accent"),
            width: 1.75,
            fill: color("--accent-soft"),
            points: { show: false },
          },
        ],
      },
      [[], []],
      element,
    );
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => {
    plot.current?.setData([[...times], [...values]]);
  });
  return (
    <figure class="card curve">
      <figcaption>
        <span>{name}</span>
        <strong>{now}</strong>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={`${name} over time; now ${now}`} />
      {times.length === 0 && <p class="empty small">Measured while this page is open.</p>}
    </figure>
  );
}
