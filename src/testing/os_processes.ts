/** The processes of this machine, as Linux tells of them, and signals to those that a test started. */

/** An OS process. */
export interface OsProcess {
  readonly id: number;
  readonly parent: number;
  /** Its command line, for a person. */
  readonly command: string;
}

/** Whether this system tells of other processes in the way that is needed here. */
export const canListProcesses: boolean = Deno.build.os === "linux";

/** The variable by which processes that a test started are recognised, with all that they start. */
export const MARK_VARIABLE = "TEST_RUN_MARK";

/** The processes with a mark that begins with `mark`. It is empty where {@linkcode canListProcesses} is false. */
export async function markedProcesses(mark: string): Promise<OsProcess[]> {
  const text = `\0${MARK_VARIABLE}=${mark}`;
  return await listProcesses(async (id) => {
    const environment = await readIfThere(`/proc/${id}/environ`);
    return `\0${environment}`.includes(text);
  });
}

/** The processes in whose command line a text occurs. It is empty where {@linkcode canListProcesses} is false. */
export async function processesNaming(text: string): Promise<OsProcess[]> {
  return (await listProcesses(() => true)).filter(({ command }) => command.includes(text));
}

/** The processes that descend from that one, which is not among them. */
export async function descendantsOf(id: number): Promise<OsProcess[]> {
  const children = Map.groupBy(await listProcesses(() => true), ({ parent }) => parent);
  const found: OsProcess[] = [];
  const visit = (parent: number): void => {
    for (const child of children.get(parent) ?? []) {
      found.push(child);
      visit(child.id);
    }
  };
  visit(id);
  return found;
}

/** Sends a signal to a child of this process, unless it has ended; it may end at the same moment. */
export function signalChild(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    // Deno's error for a child that has ended.
    if (!(error instanceof TypeError)) throw error;
  }
}

/** Sends a signal to a process, unless it has ended. */
export function signalProcess(id: number, signal: Deno.Signal): void {
  try {
    Deno.kill(id, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function listProcesses(
  wanted: (id: number) => boolean | Promise<boolean>,
): Promise<OsProcess[]> {
  if (!canListProcesses) return [];
  const found: OsProcess[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const id = Number(name);
    if (!Number.isInteger(id) || !(await wanted(id))) continue;
    const stat = await readIfThere(`/proc/${id}/stat`);
    // The name in parentheses can contain anything. After it come the state and the parent.
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // One in state Z has ended; its parent has not looked yet.
    if (parent === undefined || state === "Z" || state === "X") continue;
    const command = (await readIfThere(`/proc/${id}/cmdline`)).replaceAll("\0", " ").trimEnd();
    found.push({ id, parent: Number(parent), command });
  }
  return found;
}

/** The text of a file in `/proc`; empty if the process is gone, or another user's. */
export async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (isGoneOrForbidden(error)) return "";
    throw error;
  }
}

/** Whether an error of reading in `/proc` says that the process is gone, or another user's. */
export function isGoneOrForbidden(error: unknown): boolean {
  if (error instanceof Deno.errors.NotFound) return true;
  if (error instanceof Deno.errors.PermissionDenied) return true;
  // ESRCH: it ended between the open and the read, or is the kernel's. Deno has no class for that.
  return error instanceof Error && error.message.includes("(os error 3)");
}
