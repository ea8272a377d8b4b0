/** Facts about other processes on Linux: parents, CPU time, memory. */

// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import { LeftOut } from "./row.ts";

/** The unit of times in `/proc`: USER_HZ, which is 100 on every system that Deno runs on. */
const TICK_MS = 10;

/** A tree of processes is idle if it used no CPU time for this long. */
const SETTLED_MS = 150;
const SETTLE_LIMIT_MS = 30_000;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** CPU time of the process and of its children that have ended, in ticks. */
  readonly ticks: number;
}

/** @throws {LeftOut} On systems without `/proc`. */
export function requireProc(): void {
  if (Deno.build.os !== "linux") throw new LeftOut("it reads /proc, which only Linux has");
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name, in parentheses, may contain anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
    const [, parent = 0] = fields;
    const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
    return { pid, parent, ticks: utime + stime + cutime + cstime };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isNoProcess(error)) return undefined;
    throw error;
  }
}

/** ESRCH, for which Deno has no class: the process ended between opening and reading the file. */
function isNoProcess(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("No such process");
}

/** A process and its descendants. */
function tree(root: number): Stat[] {
  const byParent = new Map<number, Stat[]>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(Number(name));
    if (stat === undefined) continue;
    const siblings = byParent.get(stat.parent);
    if (siblings === undefined) byParent.set(stat.parent, [stat]);
    else siblings.push(stat);
  }
  const own = readStat(root);
  const found = own === undefined ? [] : [own];
  for (let at = 0; at < found.length; at++) found.push(...byParent.get(found[at]!.pid) ?? []);
  return found;
}

/** The CPU time of a process and its descendants, in ms. */
export function treeCpuMs(root: number): number {
  return tree(root).reduce((sum, { ticks }) => sum + ticks, 0) * TICK_MS;
}

/** The processes that a process started, and those that they did. */
export function descendants(root: number): number[] {
  return tree(root).map(({ pid }) => pid).filter((pid) => pid !== root);
}

/** Resolves when a process and its descendants are idle. */
export async function settled(root: number): Promise<void> {
  const deadline = performance.now() + SETTLE_LIMIT_MS;
  let [before, sinceMs] = [treeCpuMs(root), performance.now()];
  while (performance.now() - sinceMs < SETTLED_MS) {
    if (performance.now() > deadline) {
      throw new Error(`Cannot wait for process ${root} to be idle: it did not become idle`);
    }
    await delay(25);
    const now = treeCpuMs(root);
    if (now !== before) [before, sinceMs] = [now, performance.now()];
  }
}

/** The memory of a process, in MiB. */
export interface Memory {
  /** All its pages: what `ps` and `top` show. */
  readonly resident: number;
  /** The pages that no other process shares: the cost of one more such process. */
  readonly own: number;
}

export function memoryOf(pid: number): Memory {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const mib = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]) / 1024;
  return { resident: mib("Rss"), own: mib("Private_Clean") + mib("Private_Dirty") };
}

/** The words of a process's command line. */
export function commandLine(pid: number): string[] {
  return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
}
