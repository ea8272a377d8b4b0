/** How a debugger reaches an inspector that listens on loopback, in the words of Chrome and VS Code. */

import type { Inspection } from "../core/inspection.ts";
import { type Pid, shortPid } from "../core/pid.ts";
import { visibleLine } from "../core/visible.ts";

const LOOPBACK = "127.0.0.1";

/** How long an inspector may take to answer, on a busy machine, and over a bridge. */
const ANSWER_MS = 60_000;

/** The list of an inspector has one entry, of some hundred bytes. */
const MAX_LIST_BYTES = 64 * 1024;

/**
 * Asks what listens on that port for the path of its WebSocket, which is random; `undefined` if it does not answer as
 * an inspector does.
 */
export async function inspectorPath(port: number): Promise<string | undefined> {
  try {
    const response = await fetch(`http://${LOOPBACK}:${port}/json/list`, {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    return readInspectorPath(await textOf(response), port);
  } catch {
    // The process has ended, or the connection to it.
    return undefined;
  }
}

/** Reads the path of the WebSocket in an inspector's list; `undefined` if it is not such a list. */
export function readInspectorPath(list: string, port: number): string | undefined {
  const quoted = /"webSocketDebuggerUrl"\s*:\s*"ws:\/\/([^"/\s]+)(\/[\w/-]{1,200})"/.exec(list);
  return quoted?.[1] === `${LOOPBACK}:${port}` ? quoted[2] : undefined;
}

/** The line that tells people how to attach a debugger to a process. */
export function inspectorLine(
  { pid, name }: { readonly pid: Pid; readonly name: string },
  { port, path, breaks }: {
    readonly port: number;
    readonly path: string;
    /** Whether the process waits for it. */
    readonly breaks: boolean;
  },
): string {
  const does = breaks ? "waits for a debugger" : "can be debugged";
  const ws = `${LOOPBACK}:${port}${path}`;
  return `deploy: ${shortPid(pid)} ${visibleLine(name)} ${does}: port ${port}, or ` +
    `devtools://devtools/bundled/js_app.html?ws=${ws}&experiments=true&v8only=true`;
}

/** The line at the end of a run of which no process could be debugged; `undefined` if all were meant. */
export function uninspectedLine({ names }: Inspection): string | undefined {
  if (names === null) return undefined;
  const list = names.map(visibleLine).join(" or ");
  return `deploy: nothing to debug: no process of ${list} has been started`;
}

async function textOf(response: Response): Promise<string> {
  let text = "";
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (text.length > MAX_LIST_BYTES) throw new Error("the list is too long");
  }
  return text;
}
