/** The output of a run, or of one process: live, and searchable. */

import type { Pid } from "../../core/pid.ts";
import { paletteColor, type Span, type Style } from "../model/ansi.ts";
import { findLines, MAX_LINES, type OutputLine } from "../model/output.ts";
import { windowOf } from "../model/window.ts";
import { useLayoutEffect, useRef, useState, type VNode } from "./packages.ts";
import { ProcessLink } from "./traffic_view.tsx";
import { currentOutput } from "./state.ts";
import { useScroll } from "./use_scroll.ts";

const LINE_HEIGHT = 24;

/** So near to its end, the view follows it. */
const NEAR_END = 40;

export function OutputView({ run, pid }: { run: string; pid: Pid | null }): VNode {
  const [query, setQuery] = useState("");
  const [follows, setFollows] = useState(true);
  const scroller = useRef<HTMLDivElement>(null);
  const { top, height } = useScroll(scroller);
  const output = currentOutput();
  const lines = findLines(output.lines, { pid, query });
  const { first, end } = windowOf({ top, height, rowHeight: LINE_HEIGHT, count: lines.length });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (follows && element !== null) element.scrollTop = element.scrollHeight;
  }, [follows, lines.length, height]);
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = scroller.current!;
    setFollows(scrollHeight - scrollTop - clientHeight < NEAR_END);
  };
  return (
    <>
      <div class="toolbar">
        <input
          type="search"
          placeholder="Search the output"
          aria-label="Search the output"
          value={query}
          onInput={({ currentTarget }) => setQuery(currentTarget.value)}
        />
        <span class="quiet" role="status">
          {lines.length} line{lines.length === 1 ? "" : "s"}
          {query !== "" && " found"}
          {output.isCut && `, of the last ${MAX_LINES}`}
        </span>
        <button type="button" aria-pressed={follows} onClick={() => setFollows(!follows)}>
          Follow
        </button>
      </div>
      <div
        ref={scroller}
        class="card output"
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label="Output"
        onScroll={onScroll}
        style={{ "--rows": `${Math.min(Math.max(lines.length, 6), 26)}` }}
      >
        <div class="list" style={{ height: `${lines.length * LINE_HEIGHT}px` }}>
          {lines.slice(first, end).map((line, index) => (
            <Line
              key={line.number}
              run={run}
              line={line}
              at={(first + index) * LINE_HEIGHT}
              showsPid={pid === null}
              query={query}
            />
          ))}
        </div>
        {lines.length === 0 && (
          <p class="empty">
            {query === "" ? "Nothing has been printed yet." : "No line contains that."}
          </p>
        )}
      </div>
    </>
  );
}

function Line({ run, line: { pid, fd, spans }, at, showsPid, query }: {
  run: string;
  line: OutputLine;
  at: number;
  showsPid: boolean;
  query: string;
}): VNode {
  return (
    <div class={`line${fd === 2 ? " stderr" : ""}`} style={{ top: `${at}px` }}>
      {showsPid && (
        <span class="who">
          {pid === null ? <span class="quiet">deploy</span> : <ProcessLink run={run} pid={pid} />}
        </span>
      )}
      <span class="text">
        {spans.map((span, index) => <Text key={index} span={span} query={query} />)}
      </span>
    </div>
  );
}

/** Text in its style, with what is searched for marked, as far as that is within it. */
function Text({ span: { text, style }, query }: { span: Span; query: string }): VNode {
  const { className, css } = looks(style);
  return <span class={className} style={css}>{marked(text, query)}</span>;
}

function marked(text: string, query: string): (string | VNode)[] {
  if (query === "") return [text];
  const parts: (string | VNode)[] = [];
  const [lower, wanted] = [text.toLowerCase(), query.toLowerCase()];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), <mark>{text.slice(at, at + wanted.length)}</mark>);
    from = at + wanted.length;
  }
  return [...parts, text.slice(from)];
}

function looks(style: Style): { className: string; css: Record<string, string> } {
  const names: string[] = [];
  const css: Record<string, string> = {};
  for (const name of ["bold", "dim", "italic", "underline", "strike", "inverse"] as const) {
    if (style[name] === true) names.push(name);
  }
  for (const part of ["fg", "bg"] as const) {
    const color = style[part];
    if (color === undefined) continue;
    // The first 16 are the page's own, so that they can be read on its background.
    if (typeof color === "number" && color < 16) names.push(`${part}-${color}`);
    else {css[part === "fg" ? "color" : "background"] = typeof color === "string"
        ? color
        : paletteColor(color);}
  }
  return { className: names.join(" "), css };
}
