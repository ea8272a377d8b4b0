/** `deploy logs`: what a run has shown, from its start, and with `-f` what it shows. */

import type { SeenDoing } from "../core/doing.ts";
import type { RunEvent } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";
import { SYSTEM_CLOCK } from "../net/clock.ts";
import { Purpose } from "../net/protocol.ts";
import { MessageLink } from "../net/message_link.ts";
import { isLifeEvent } from "../run/process_table.ts";
import type { OutputFormat } from "../terminal/formats.ts";
import { createTerminal, writeRaw } from "../terminal/terminal.ts";
import {
  BRIDGE_TO_VIEWER,
  type BridgeToViewer,
  type ViewerToBridge,
} from "../wire/viewer_messages.ts";
import type { Bridge } from "./dial_bridge.ts";
import { AGAIN_LINE, gaveUpLine, lostLine, reconnect } from "./reconnect.ts";
import type { Since } from "./runs_arguments.ts";

/** What of which run to show, and how. */
export interface LogsOptions {
  /** An id, the start of one, or a name; empty for the only one that runs. */
  readonly run: string;
  /** Whether to go on until the run ends. */
  readonly follow: boolean;
  /** The digits that a Pid begins with, or the name of processes; `undefined` for all. */
  readonly process: string | undefined;
  readonly since: Since | undefined;
  /** As a trace, in place of `format`. */
  readonly isTrace: boolean;
  readonly format: OutputFormat;
  /** Whether a terminal gets what programs wrote as it is. */
  readonly raw: boolean;
  readonly say: (text: string) => void;
  /** The time, in ms since the epoch. */
  readonly nowMs: number;
}

type ViewerLink = MessageLink<ViewerToBridge, BridgeToViewer>;

/**
 * Shows it. A connection that is lost is replaced, for 30 s, and the events go on where they were, also if the
 * bridge has been started again.
 *
 * @returns The exit code.
 * @throws {ConnectError} If the bridge cannot be reached.
 */
export async function logs(bridge: Bridge, options: LogsOptions): Promise<number> {
  const { follow, say } = options;
  const limitMs = bridge.liveness.reconnectMs;
  let link = await dial(bridge);
  try {
    void link.send({ type: "view", run: options.run, follow, from: 0 });
    let messages = link.messages();
    const { value: first } = await messages.next();
    if (first?.type === "refused") {
      say(`deploy: ${first.why}\n`);
      return 1;
    }
    if (first?.type !== "viewing") {
      say(`deploy: lost the bridge ${bridge.address}: ${(await link.ended).message}\n`);
      return 1;
    }
    const { id } = first.run;
    const show = options.isTrace
      ? await traceShow(say, {
        fromMs: fromMsOf(options.since, options.nowMs),
        endMs: first.run.endedMs ?? options.nowMs,
      })
      : terminalShow(options.format, options.raw);
    const shown = new ShownEvents(show, options);
    await shown.missing(first.missing);
    let asked: "events" | "doings" = "events";
    const request = (): ViewerToBridge =>
      asked === "events"
        ? { type: "view", run: id, follow, from: shown.next }
        : { type: "doings", run: id, from: shown.next };
    for (;;) {
      for await (const message of messages) {
        if (message.type === "event") await shown.take(message.event);
        else if (message.type === "does") await shown.does(message);
        else if (message.type === "missing") await shown.missing(message.events);
        else if (message.type === "viewing") await shown.missing(message.missing);
        else if (message.type === "over") {
          if (!options.isTrace || asked === "doings") return await shown.end();
          asked = "doings";
          shown.next = 0;
          void link.send(request());
        }
      }
      await shown.remark(lostLine(bridge.address, (await link.ended).message, limitMs));
      const outcome = await reconnect({
        dial: (signal) => dial(bridge, signal),
        hello: request(),
        answer: "viewing",
        limitMs,
        clock: SYSTEM_CLOCK,
        signal: new AbortController().signal,
      });
      if (!("link" in outcome)) {
        const line = "refused" in outcome
          ? `deploy: cannot go on with run ${id}: ${outcome.refused}`
          : gaveUpLine(bridge.address, outcome.failed, limitMs);
        await shown.remark(line);
        return 1;
      }
      ({ link, messages } = outcome);
      await shown.remark(AGAIN_LINE);
      await shown.missing(outcome.answer.missing);
    }
  } finally {
    link.drop();
  }
}

async function dial(bridge: Bridge, signal?: AbortSignal): Promise<ViewerLink> {
  const conn = await bridge.dial(Purpose.view, signal);
  return new MessageLink(conn, { schema: BRIDGE_TO_VIEWER, liveness: bridge.liveness });
}

/** Where the events go. */
interface Show {
  event(event: RunEvent): Promise<void>;
  /** What a process was seen to do; comes after all events. */
  does(seen: SeenDoing): Promise<void>;
  /** So many events before the next one are missing. */
  missing(events: number): Promise<void>;
  /** A line for people. */
  remark(line: string): Promise<void>;
  /** All events there are have been shown. */
  end(): Promise<void>;
}

function terminalShow(format: OutputFormat, raw: boolean): Show {
  const terminal = createTerminal({ format, raw });
  return {
    event: (event) => terminal.sink(event),
    does: () => Promise.resolve(),
    missing: (events) => terminal.missing(events),
    remark: (line) => terminal.remark(line),
    end: () => Promise.resolve(),
  };
}

/** Writes a trace to stdout, which is whole only if it is ended. */
async function traceShow(
  say: (text: string) => void,
  { fromMs, endMs }: { readonly fromMs: number | undefined; readonly endMs: number },
): Promise<Show> {
  const { ChromeTrace, TraceText } = await import("../run/chrome_trace.ts");
  const trace = new ChromeTrace({ keepsEnded: true, fromMs });
  const text = new TraceText();
  const encoder = new TextEncoder();
  const write = (part: string) => writeRaw(Deno.stdout, encoder.encode(part));
  return {
    event: (event) => write(text.add(trace.took(event))),
    does: (seen) => write(text.add(trace.does(seen))),
    missing: () => Promise.resolve(),
    remark: (line) => Promise.resolve(say(`${line}\n`)),
    end: () => write(text.end(trace.end(endMs))),
  };
}

/** The events that are shown, and how far they are. */
class ShownEvents {
  /** The number of the next event, or of the next message about what a process does. */
  next = 0;
  readonly #show: Show;
  readonly #isWanted: (event: RunEvent) => boolean;

  constructor(show: Show, options: EventFilter & Pick<LogsOptions, "nowMs">) {
    this.#show = show;
    this.#isWanted = eventFilter(options, options.nowMs);
  }

  async take(event: RunEvent): Promise<void> {
    this.next++;
    if (this.#isWanted(event)) await this.#show.event(event);
  }

  async does(seen: SeenDoing): Promise<void> {
    this.next++;
    await this.#show.does(seen);
  }

  async missing(events: number): Promise<void> {
    this.next += events;
    if (events > 0) await this.#show.missing(events);
  }

  remark(line: string): Promise<void> {
    return this.#show.remark(line);
  }

  /** Returns the exit code. */
  async end(): Promise<number> {
    await this.#show.end();
    return 0;
  }
}

/** The time from which on something is shown; `undefined`: from the start. */
function fromMsOf(since: Since | undefined, nowMs: number): number | undefined {
  if (since === undefined) return undefined;
  return "atMs" in since ? since.atMs : nowMs - since.agoMs;
}

type EventFilter = Pick<LogsOptions, "process" | "since" | "isTrace">;

/** Which events of a run are shown. A trace needs the starts and ends of all processes that are. */
export function eventFilter(
  { process, since, isTrace }: EventFilter,
  nowMs: number,
): (event: RunEvent) => boolean {
  const fromMs = fromMsOf(since, nowMs) ?? -Infinity;
  const chosen = new Set<Pid>();
  return (event) => {
    if (event.event === "said") return process === undefined && event.time >= fromMs;
    if (event.event === "spawn" && process !== undefined) {
      if (event.name === process || event.pid.startsWith(process)) chosen.add(event.pid);
    }
    const isChosen = process === undefined || chosen.has(event.pid);
    if (isTrace && isLifeEvent(event)) return isChosen;
    return isChosen && (!("time" in event) || event.time >= fromMs);
  };
}
