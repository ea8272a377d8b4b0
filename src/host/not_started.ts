/** Error messages for a process that died before it ran its function. */

import { SpawnError } from "../core/errors.ts";
import { type ExitStatus, formatStatus } from "../core/exit_status.ts";
import { formatMem, KiB } from "../core/resources.ts";
import { requestedProcess } from "../core/roles.ts";
import { faultIn, NO_MEMORY } from "./node_fault.ts";
import { type ChildProcess, MAX_HELD_BYTES, type OutputChunk } from "./child_process.ts";

const MAX_TAIL_LINES = 10;
const MAX_TAIL_BYTES = 2 * KiB;

/** The status and the output of a process that never ran its function. */
export interface DeadStart {
  readonly status: ExitStatus;
  readonly output: readonly OutputChunk[];
  /** Whether it was killed for writing too much. */
  readonly overflowed: boolean;
  /** Whether it was killed since the machine had no memory left. @default false */
  readonly starved?: boolean;
  /** After how many ms it was killed since it was not ready; `undefined` if it was not. */
  readonly lateMs?: number | undefined;
}

/** The end of a process that was never released; resolves when all its output has been read. */
export async function deadStart(child: ChildProcess, lateMs?: number): Promise<DeadStart> {
  const status = await child.exited;
  await Promise.all([child.drained[1], child.drained[2]]);
  // Where both streams are one, what it wrote is shown as what is on stderr: it says why it failed.
  const output = child.oneOutput
    ? child.held.map(({ bytes }) => ({ fd: 2 as const, bytes }))
    : child.held;
  return { status, output, overflowed: child.overflowed, starved: child.starved, lateMs };
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
  const what = requestedProcess({ function: fn });
  const aim = fn === null ? "init() resolved" : `it ran ${what}`;
  const written = stderrTail(start.output);
  const stderr = written === ""
    ? "it wrote nothing to stderr"
    : `its last lines on stderr:\n${written}`;
  return `Cannot start ${what}: its process ${describeEnd(start)} before ${aim}${
    adviceFor(start)
  }; ${stderr}`;
}

/** For example `exited with 3` or `was killed by SIGTRAP`. */
export function describeEnd({ status, overflowed, lateMs }: DeadStart): string {
  if (lateMs !== undefined) return `was killed after ${lateMs / 1_000} s`;
  if (overflowed) return `was killed for writing more than ${formatMem(MAX_HELD_BYTES)}`;
  if ("code" in status) return `exited with ${status.code}`;
  return "signal" in status
    ? `was killed by ${status.signal}`
    : `was ended: ${formatStatus(status)}`;
}

/**
 * Advice for common failures to start, as the end of a sentence; the empty string if the output shows none
 * of them.
 */
export function adviceFor({ output }: DeadStart): string {
  // The address is held by the process that the user started, which has run the same code before.
  if (!/\bAddrInUse\b/.test(stderrTail(output))) return "";
  return "; code before `await init()` runs in every process of the program, so only the first one can " +
    "bind a port: listen after `await init()`";
}

/** What the machine lacked, and what to do, if that is why the process ended. */
export function faultOfStart({ output, starved = false }: DeadStart): string | undefined {
  if (starved) return NO_MEMORY;
  const decoder = new TextDecoder();
  const stderr = output.filter(({ fd }) => fd === 2);
  return faultIn(stderr.map(({ bytes }) => decoder.decode(bytes, { stream: true })).join(""));
}

/** The last lines of stderr: at most 10, and at most 2 KiB. */
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
  // A character that is cut in two is left out.
  let start = Math.max(0, bytes.length - MAX_TAIL_BYTES);
  while (start > 0 && start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  const lines = new TextDecoder().decode(bytes.subarray(start)).trimEnd().split("\n");
  return lines.slice(-MAX_TAIL_LINES).join("\n");
}
