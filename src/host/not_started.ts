/** What is said of a process that died before it ran its function. */

import { SpawnError } from "../core/errors.ts";
import { type ExitStatus, formatStatus } from "../core/exit_status.ts";
import { formatMem, KiB } from "../core/resources.ts";
import { type ChildProcess, MAX_HELD_BYTES, type OutputChunk } from "./child_process.ts";

const MAX_TAIL_LINES = 10;
const MAX_TAIL_BYTES = 2 * KiB;

/** How a process ended that never ran its function, and what it had written by then. */
export interface DeadStart {
  readonly status: ExitStatus;
  readonly output: readonly OutputChunk[];
  /** Whether it was ended for writing too much. */
  readonly overflowed: boolean;
}

/** How a process ended that was never released; resolves when all that it wrote is here. */
export async function deadStart(child: ChildProcess): Promise<DeadStart> {
  const status = await child.exited;
  await Promise.all([child.drained[1], child.drained[2]]);
  return { status, output: child.held, overflowed: child.overflowed };
}

/** A process died before it ran its function. */
export class NotStartedError extends SpawnError {
  readonly start: DeadStart;

  /** `fn` is the registered name of the function; `null` for the first process. */
  constructor(fn: string | null, start: DeadStart) {
    super("not-started", describe(fn, start));
    this.start = start;
  }
}

function describe(fn: string | null, start: DeadStart): string {
  const [what, aim] = fn === null
    ? ["the first process", "init() resolved"]
    : [`${fn}()`, `it ran ${fn}()`];
  const written = stderrTail(start.output);
  const stderr = written === ""
    ? "it wrote nothing to stderr"
    : `its last lines on stderr:\n${written}`;
  return `Cannot start ${what}: its process ${describeEnd(start)} before ${aim}${
    adviceFor(start)
  }; ${stderr}`;
}

/** For example `exited with 3` or `was killed by SIGTRAP`. */
export function describeEnd({ status, overflowed }: DeadStart): string {
  if (overflowed) return `was killed for writing more than ${formatMem(MAX_HELD_BYTES)}`;
  if ("code" in status) return `exited with ${status.code}`;
  return "signal" in status
    ? `was killed by ${status.signal}`
    : `was ended: ${formatStatus(status)}`;
}

/**
 * What to do about a start that failed as programs often do, as the end of a sentence; the empty string if
 * that cannot be told from what the process wrote.
 */
export function adviceFor({ output }: DeadStart): string {
  // Whoever holds the address is the process that the user started: it has run the same lines before.
  if (!/\bAddrInUse\b/.test(stderrTail(output))) return "";
  return "; code before `await init()` runs in every process of the program, so only the first one can " +
    "bind a port: listen after `await init()`";
}

/** The last lines of what was written to stderr: at most 10, and at most 2 KiB. */
export function stderrTail(output: readonly OutputChunk[]): string {
  let bytes = new Uint8Array();
  for (let index = output.length - 1; index >= 0 && bytes.length < MAX_TAIL_BYTES; index--) {
    const chunk = output[index];
    if (chunk?.fd !== 2) continue;
    const joined = new Uint8Array(chunk.bytes.length + bytes.length);
    joined.set(chunk.bytes);
    joined.set(bytes, chunk.bytes.length);
    bytes = joined;
  }
  // A character that the cut goes through is left out.
  let start = Math.max(0, bytes.length - MAX_TAIL_BYTES);
  while (start > 0 && start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  const lines = new TextDecoder().decode(bytes.subarray(start)).trimEnd().split("\n");
  return lines.slice(-MAX_TAIL_LINES).join("\n");
}
