/** Information of the system about another process, where available. */

/** The unit of times in `/proc/PID/stat`: `getconf CLK_TCK` is 100 on every Linux. */
const TICK_MS = 10;

/** Information of Linux about a process. */
export interface OsProcess {
  /** A letter: `R` runs, `S` sleeps, `T` is stopped by a signal, `Z` has ended. */
  readonly state: string;
  /** The CPU time of all its threads. */
  readonly cpuMs: number;
  /** The CPU time of its children that have ended, and of theirs. */
  readonly childrenCpuMs: number;
}

/** Reads the state of a process; `undefined` if it is gone, or the system is not Linux. */
export function readOsProcess(id: number): OsProcess | undefined {
  try {
    return parseStat(Deno.readTextFileSync(`/proc/${id}/stat`));
  } catch {
    // There is no /proc on macOS, and no entry for a process that is gone.
    return undefined;
  }
}

/** Parses `/proc/PID/stat`; `undefined` if it is malformed. */
export function parseStat(text: string): OsProcess | undefined {
  // The name in parentheses can contain anything. After it come the state and, 11 fields on, utime, stime,
  // cutime and cstime.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ms = (at: number) => (Number(fields[at]) + Number(fields[at + 1])) * TICK_MS;
  const [state = "", cpuMs, childrenCpuMs] = [fields[0], ms(11), ms(13)];
  if (state === "" || Number.isNaN(cpuMs) || Number.isNaN(childrenCpuMs)) return undefined;
  return { state, cpuMs, childrenCpuMs };
}
