/** The resources that a machine lends where nobody says how many. */

import type { Resources } from "../core/resources.ts";

/** The share of the machine that is left to the system, and to the fabric itself. */
const SYSTEM_SHARE = 0.05;

/** Reads a file of the kernel; `undefined` if there is none. */
export type ReadFile = (path: string) => string | undefined;

/**
 * What this machine lends: the limits of its control group (a container, a batch job), else its memory and
 * cores; 5 % less in both cases.
 */
export function lentResources(): Resources {
  const { mem, cpu } = machineResources();
  return {
    mem: Math.floor(mem * (1 - SYSTEM_SHARE)),
    cpu: Number((cpu * (1 - SYSTEM_SHARE)).toPrecision(4)),
  };
}

/** All that this process may use of the machine. */
export function machineResources(): Resources {
  const { mem = Infinity, cpu = Infinity } = groupLimits(readFile);
  return {
    mem: Math.min(mem, Deno.systemMemoryInfo().total),
    cpu: Math.min(cpu, navigator.hardwareConcurrency),
  };
}

/**
 * The limits of this process's control group: the lowest of the group and of all groups around it, for
 * version 1 and 2 of Linux control groups. A resource without a limit is missing.
 */
export function groupLimits(read: ReadFile): Partial<Resources> {
  const memory: number[] = [];
  const cpu: number[] = [];
  for (const line of (read("/proc/self/cgroup") ?? "").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const group of groupsAround(path)) {
      if (controllers === "") {
        const folder = `/sys/fs/cgroup${group}`;
        memory.push(amount(read(`${folder}/memory.max`)));
        const [quota, period] = (read(`${folder}/cpu.max`) ?? "").split(" ");
        cpu.push(amount(quota) / amount(period));
        continue;
      }
      const names = controllers.split(",");
      if (names.includes("memory")) {
        memory.push(amount(read(`/sys/fs/cgroup/memory${group}/memory.limit_in_bytes`)));
      }
      if (names.includes("cpu")) {
        const folder = `/sys/fs/cgroup/cpu${group}`;
        const period = amount(read(`${folder}/cpu.cfs_period_us`));
        cpu.push(amount(read(`${folder}/cpu.cfs_quota_us`)) / period);
      }
    }
  }
  const found: Partial<Resources> = {};
  const [mem, cores] = [lowest(memory), lowest(cpu)];
  if (mem < Infinity) found.mem = mem;
  if (cores < Infinity) found.cpu = cores;
  return found;
}

/** `/a/b`, `/a`, and the root. In a container, the group's own path may not be visible: its root is. */
function groupsAround(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "");
  return [...parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`).reverse(), ""];
}

/** A positive number; `NaN` for `max`, `-1` and everything else. */
function amount(text: string | undefined): number {
  const value = /^\d+$/.test(text?.trim() ?? "") ? Number(text) : NaN;
  return value > 0 ? value : NaN;
}

function lowest(amounts: readonly number[]): number {
  return Math.min(Infinity, ...amounts.filter((value) => !Number.isNaN(value)));
}

function readFile(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined; // another system, or another version of control groups
  }
}
