/** The messages between the dashboard's server and its page: JSON objects over one WebSocket. */

import type { OutputFd, RunEvent } from "../core/events.ts";
import type { NodeReport } from "../core/node_report.ts";
import { isPid, type Pid } from "../core/pid.ts";
import type { RunEntry } from "../core/run_entry.ts";
import type { ProcessSample } from "../core/samples.ts";

/** An event of a run as the page gets it: output as text. */
export type PageEvent =
  | Exclude<RunEvent, { event: "output" | "eof" | "noticed" }>
  | { event: "output"; pid: Pid; fd: OutputFd; text: string; time: number }
  /** Output that is not shown: so many events of a log that are gone, or bytes that came too fast. */
  | { event: "missing"; events: number; bytes: number }
  /** The run is over: there are no more events. */
  | { event: "over" };

/** What a page asks for. */
export type PageToServer =
  /** Show this run, by its id, from its start, and nothing of the one before; `null`: no run. */
  | { type: "look"; run: string | null }
  /** The page has taken so many messages: as many more may be sent. */
  | { type: "taken"; messages: number }
  /** End a process, or with `null` the whole run: told first, with a grace, or `atOnce`. Answer: `answer`. */
  | { type: "kill"; request: number; run: string; pid: Pid | null; atOnce: boolean };

/** What the server tells. */
export type ServerToPage =
  /** The first message: what is looked at, and the server's time. */
  | { type: "hello"; title: string; nowMs: number }
  /** The runs, the latest first, and the nodes. */
  | { type: "cluster"; runs: RunEntry[]; nodes: NodeReport[] }
  /** Nothing can be seen at the moment, and why; `null`: it can again. */
  | { type: "problem"; text: string | null }
  /** The run is shown from its start: what the page has of it is void. */
  | { type: "showing"; run: string }
  /** The run cannot be shown, or not any more, and why; it is tried again. */
  | { type: "not-shown"; run: string; text: string }
  | { type: "events"; run: string; events: PageEvent[] }
  | { type: "samples"; run: string; atMs: number; processes: ProcessSample[] }
  | { type: "answer"; request: number; failed: boolean; text: string };

/** The longest message that a page may send, in UTF-16 code units. */
export const MAX_PAGE_MESSAGE = 4_096;

/** Reads what a page has sent; `undefined` if it is not a message. */
export function readPageMessage(data: unknown): PageToServer | undefined {
  if (typeof data !== "string" || data.length > MAX_PAGE_MESSAGE) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { type, run, pid, request, atOnce, messages } = value as Record<string, unknown>;
  switch (type) {
    case "look":
      return run === null || typeof run === "string" ? { type, run } : undefined;
    case "taken":
      return isCount(messages) ? { type, messages } : undefined;
    case "kill":
      if (typeof run !== "string" || !isCount(request) || typeof atOnce !== "boolean") return;
      return pid === null || isPid(pid) ? { type, run, request, pid, atOnce } : undefined;
    default:
      return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
