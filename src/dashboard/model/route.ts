/** The addresses of the page's views. */

import { type Pid, shortPid } from "../../core/pid.ts";

/** The views of a run. */
export const RUN_VIEWS = ["processes", "traffic", "output"] as const;
export type RunView = typeof RUN_VIEWS[number];

export type Route =
  | { readonly view: "cluster" }
  | { readonly view: RunView; readonly run: string }
  /** `pid` is the beginning of a Pid. */
  | { readonly view: "process"; readonly run: string; readonly pid: string };

/** The view at that path; the cluster for a path that is none. */
export function routeOf(path: string): Route {
  const [first, run, view = "processes", pid] = path.split("/").slice(1).map(decoded);
  if (first !== "runs" || run === undefined || run === "") return { view: "cluster" };
  if (view === "process" && pid !== undefined && pid !== "") return { view, run, pid };
  return { view: RUN_VIEWS.find((known) => known === view) ?? "processes", run };
}

export function runPath(run: string, view: RunView = "processes"): string {
  return `/runs/${encodeURIComponent(run)}${view === "processes" ? "" : `/${view}`}`;
}

export function processPath(run: string, pid: Pid): string {
  return `/runs/${encodeURIComponent(run)}/process/${shortPid(pid)}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // it is no encoded text, and so no address of this site
  }
}
