/** What the page knows: from its server, and from its own address. */

import type { NodeReport } from "../../core/node_report.ts";
import type { Pid } from "../../core/pid.ts";
import type { RunEntry } from "../../core/run_entry.ts";
import type { PageEvent, ServerToPage } from "../messages.ts";
import type { Output } from "../model/output.ts";
import type { Connection } from "../model/texts.ts";
import { type Route, routeOf } from "../model/route.ts";
import { RunModel } from "../model/run_model.ts";
import { batch, type ReadonlySignal, type Signal, signal } from "./packages.ts";

export const connection: Signal<Connection> = signal("connecting");
/** What is looked at. */
export const title: Signal<string> = signal("");
/** The runs, the latest first, and the nodes; `null` until they have come. */
export const cluster: Signal<
  { readonly runs: readonly RunEntry[]; readonly nodes: readonly NodeReport[] } | null
> = signal(null);
/** Why nothing new of the cluster comes; `null` if it does. */
export const problem: Signal<string | null> = signal(null);
/** Why the run on the page cannot be shown, or not any more. */
export const runProblem: Signal<string | null> = signal(null);
/** What the last request to end something has led to. */
export const answer: Signal<{ readonly failed: boolean; readonly text: string } | null> = signal(
  null,
);

/** The time of the server, in ms, a few times a second. */
const now: Signal<number> = signal(Date.now());
export const nowMs: ReadonlySignal<number> = now;

const currentRoute: Signal<Route> = signal(routeOf(location.pathname));
export const route: ReadonlySignal<Route> = currentRoute;

/** The run on the page. */
let model = new RunModel();
let shownRun = "";
/** Grows when the run on the page has changed, but for its output: who reads it is shown again. */
const version: Signal<number> = signal(0);
/** The same for its output, which may change with every frame. */
const outputVersion: Signal<number> = signal(0);

/** What is known of the run on the page, but for its output; whoever calls it is shown again when that changes. */
export function currentModel(): Omit<RunModel, "output"> {
  void version.value;
  return model;
}

/** The output of the run on the page; whoever calls it is shown again when that changes. */
export function currentOutput(): Output {
  void outputVersion.value;
  return model.output;
}

/** How much later the server's clock is than this one's. */
let aheadMs = 0;
/** What has changed since the last frame, if anything has. */
let undrawn: Set<Signal<number>> | undefined;

/** Shows what has changed with the next frame. */
function changed(...versions: readonly Signal<number>[]): void {
  if (undrawn === undefined) {
    requestAnimationFrame(() => {
      const drawn = undrawn!;
      undrawn = undefined;
      batch(() => {
        for (const version of drawn) version.value++;
      });
    });
  }
  undrawn ??= new Set();
  for (const version of versions) undrawn.add(version);
}

/** Takes a message of the server. */
export function take(message: ServerToPage): void {
  switch (message.type) {
    case "hello":
      title.value = message.title;
      aheadMs = message.nowMs - Date.now();
      return;
    case "cluster":
      cluster.value = message;
      return endWithRun();
    case "problem":
      problem.value = message.text;
      return;
    case "showing":
      model = new RunModel();
      shownRun = message.run;
      runProblem.value = null;
      return changed(version, outputVersion);
    case "not-shown":
      runProblem.value = message.text;
      return;
    case "events":
      if (message.run !== shownRun) return;
      model.took(message.events);
      if (message.events.some(isLife)) changed(version);
      endWithRun();
      return changed(outputVersion);
    case "samples":
      if (message.run !== shownRun) return;
      model.sampled(message.atMs, message.processes);
      return changed(version);
    case "answer":
      answer.value = message;
      return;
  }
}

/** The run on the page is another one: nothing of it is known yet. */
export function forget(): void {
  model = new RunModel();
  shownRun = "";
  runProblem.value = null;
  version.value++;
  outputVersion.value++;
}

/** Processes whose end nobody has noted ended with their run. */
function endWithRun(): void {
  const endedMs = cluster.value?.runs.find(({ id }) => id === shownRun)?.endedMs ?? null;
  if (endedMs !== null && model.runEnded(endedMs)) changed(version, outputVersion);
}

/** Whether an event is the start or the end of a process. */
function isLife({ event }: PageEvent): boolean {
  return event === "spawn" || event === "exit";
}

/** Shows another page of this site, without loading it. */
export function go(path: string): void {
  history.pushState(null, "", path);
  currentRoute.value = routeOf(path);
  scrollTo(0, 0);
}

/** Follows links within this site. */
export function followLinks(): void {
  addEventListener("popstate", () => currentRoute.value = routeOf(location.pathname));
  addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (link === null || !isPlain || link.origin !== location.origin) return;
    event.preventDefault();
    go(link.pathname);
  });
}

/** Keeps the time. */
export function startClock(): void {
  setInterval(() => now.value = Date.now() + aheadMs, 250);
}

/** What the page asks to be ended, so that a dialog can be shown. */
export interface KillTarget {
  readonly run: string;
  readonly pid: Pid | null;
  readonly name: string;
  /** How many processes run. */
  readonly running: number;
}

export const killTarget: Signal<KillTarget | null> = signal(null);
