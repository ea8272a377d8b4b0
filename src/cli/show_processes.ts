/** `deploy ps <run>`: the processes of one run. */

import type { RunEvent } from "../core/events.ts";
import type { Pid } from "../core/pid.ts";
import { visibleJson } from "../core/visible.ts";
import { endedWithRun, processTable } from "../run/process_table.ts";
import { stdoutColumns } from "../terminal/columns.ts";
import type { OutputFormat } from "../terminal/formats.ts";
import { leftLines, processData, processLines, type UsageNow } from "../terminal/process_lines.ts";
import type { BridgeToViewer } from "../wire/viewer_messages.ts";

/** Where they are shown. */
export interface ShowProcessesContext {
  readonly format: OutputFormat;
  readonly out: (line: string) => void;
  readonly say: (text: string) => void;
}

/** Shows what a bridge answers; returns the exit code, or `undefined` if the answer ends too early. */
export async function showProcesses(
  messages: AsyncIterable<BridgeToViewer>,
  { format, out, say }: ShowProcessesContext,
): Promise<number | undefined> {
  const events: RunEvent[] = [];
  const usage = new Map<Pid, UsageNow>();
  for await (const message of messages) {
    switch (message.type) {
      case "refused":
        say(`deploy: ${message.why}\n`);
        return 1;
      case "viewing":
        if (message.missing > 0) {
          say(`deploy: the first ${message.missing} starts and ends are no longer kept\n`);
        }
        break;
      case "missing":
        say(`deploy: ${message.events} more starts and ends are no longer kept\n`);
        break;
      case "event":
        events.push(message.event);
        break;
      case "usages":
        for (const process of message.processes) usage.set(process.pid, process);
        break;
      case "over": {
        const { endedMs } = message.run;
        const processes = processTable(events).map((process) =>
          endedMs === null ? process : endedWithRun(process, endedMs)
        );
        if (format === "json") {
          for (const data of processData(processes, usage)) out(visibleJson(data));
          return 0;
        }
        const options = { usage, nowMs: Date.now(), width: stdoutColumns() };
        for (const line of processLines(processes, options)) out(line);
        for (const line of leftLines(processes)) say(`deploy: ${line}\n`);
        return 0;
      }
    }
  }
  return undefined;
}
