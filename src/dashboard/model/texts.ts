/** Numbers and states as a page says them. */

import { formatStatus } from "../../core/exit_status.ts";
import { formatMem } from "../../core/resources.ts";
import { phaseOf, type RunEntry } from "../../core/run_entry.ts";
import type { Activity } from "../../core/samples.ts";
import type { ProcessEntry } from "../../run/process_table.ts";

/** `0 ms`, `12.3 s`, `4 min 5 s`, `2 h 3 min`, `1 d 2 h` */
export function durationText(ms: number): string {
  const whole = Math.max(0, ms);
  if (whole < 1_000) return `${Math.round(whole)} ms`;
  if (whole < 60_000) return `${(whole / 1_000).toFixed(1)} s`;
  const seconds = Math.floor(whole / 1_000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `12:30:05`: a time of the day here. */
export function clockText(timeMs: number): string {
  return new Date(timeMs).toTimeString().slice(0, 8);
}

/** `1.2 k/s`: a number a second. */
export function rateText(perSecond: number): string {
  if (perSecond === 0) return "–";
  return `${countText(perSecond)}/s`;
}

/** `950`, `1.2 k`, `3.4 M` */
export function countText(count: number): string {
  if (count >= 999.5e6) return `${short(count / 1e9)} G`;
  if (count >= 999_500) return `${short(count / 1e6)} M`;
  if (count >= 999.5) return `${short(count / 1e3)} k`;
  return short(count);
}

function short(value: number): string {
  return value >= 99.5 || Number.isInteger(value)
    ? value.toFixed(0)
    : Number(value.toPrecision(2)).toString();
}

/** `1.2 MiB/s` */
export function byteRateText(perSecond: number): string {
  return perSecond === 0 ? "–" : `${formatMem(Math.round(perSecond))}/s`;
}

/** `–` where it is not known. */
export function memText(bytes: number | null | undefined): string {
  return bytes === null || bytes === undefined ? "–" : formatMem(bytes);
}

/** `12 %` of a core; `–` where it is not known. */
export function coresText(cores: number | null | undefined): string {
  return cores === null || cores === undefined ? "–" : `${Math.round(cores * 100)} %`;
}

/** What a process does, in one word. */
export const ACTIVITY_TEXTS: Readonly<Record<Activity | "unseen", string>> = {
  computes: "computing",
  waits: "waiting",
  idle: "own I/O",
  stopped: "stopped",
  silent: "silent",
  unseen: "running",
};

/** `running`, `exited`, `exited: 3`, … */
export function processState({ status }: ProcessEntry): string {
  if (status === null) return "running";
  const text = formatStatus(status);
  return text === "" ? "exited" : `exited: ${text}`;
}

/** The page's connection to its server. */
export type Connection = "connecting" | "open" | "lost";

/** Whether what a page shows is what is now: its server may be there, and know nothing of the cluster. */
export function connectionState(
  connection: Connection,
  problem: string | null,
): { readonly state: Connection; readonly text: string } {
  if (connection === "connecting") return { state: "connecting", text: "connecting" };
  if (connection === "lost") return { state: "lost", text: "disconnected" };
  return problem === null
    ? { state: "open", text: "live" }
    : { state: "lost", text: "cluster not connected" };
}

/** `waiting`, `running`, `ended`, `ended: 3` */
export function runState(run: RunEntry): string {
  const phase = phaseOf(run);
  return phase === "ended" && run.code !== 0 ? `ended: ${run.code}` : phase;
}
