/** Small parts of all views. */

import { PID_COLORS } from "../../terminal/process_title.ts";
import { type Pid, shortPid } from "../../core/pid.ts";
import { paletteColor } from "../model/ansi.ts";
import type { ComponentChildren, VNode } from "./packages.ts";

/** A state. */
export function Pill(
  { kind, children }: { kind: "live" | "good" | "bad" | "quiet"; children: ComponentChildren },
): VNode {
  return <span class={`pill ${kind}`}>{children}</span>;
}

/** How much of something is in use. */
export function Meter(
  { label, value, max, text }: { label: string; value: number; max: number; text: string },
): VNode {
  const share = max <= 0 ? 0 : Math.min(1, value / max);
  return (
    <div class="meter">
      <div
        class="track"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={max}
        aria-valuenow={value}
        aria-valuetext={text}
      >
        <div class="fill" style={{ width: `${share * 100}%` }} />
      </div>
      <span class="quiet">{text}</span>
    </div>
  );
}

/** The colour of a process, as on the terminal. */
function pidColor(pid: Pid): string {
  const index = parseInt(shortPid(pid), 16) % PID_COLORS.length;
  return paletteColor(PID_COLORS[index]!);
}

/** The digits of a process, in its colour, as far as that is readable: see style.css. */
export function PidDigits({ pid }: { pid: Pid }): VNode {
  return <span class="pid" style={{ "--pid": pidColor(pid) }}>{shortPid(pid)}</span>;
}

/** A name and what it stands for, in a list of facts. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** One of several choices. */
export function Choices<Value extends string>(
  { label, choices, value, onChoose }: {
    label: string;
    choices: readonly (readonly [Value, string])[];
    value: Value;
    onChoose: (value: Value) => void;
  },
): VNode {
  return (
    <div class="choices" role="group" aria-label={label}>
      {choices.map(([each, text]) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === value}
          onClick={() => onChoose(each)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
