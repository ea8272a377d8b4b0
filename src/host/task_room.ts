/** How many processes and threads the control groups around this process still allow, as Linux counts them. */

import { SYSTEM_GROUPS } from "./control_group_files.ts";
import { findPlaces } from "./control_group_places.ts";

/** How many threads of V8 a runtime has at most; else one for each core. */
const MAX_V8_THREADS = 16;

/** What else a process takes that boots: its threads for calls that block, and the commands that lead it into its session. */
const OTHER_TASKS = 8;

/** What stays free for those that run. They start threads when they need them, and end if they get none. */
const KEPT_TASKS = 16;

/** What is read of control groups; `undefined` for what there is not. */
type Read = (path: string) => string | undefined;

/** Those of them that have a limit, or may get one. */
let folders: readonly string[] | undefined;

/** Whether there may be `boots` processes more, which have not started their threads yet, besides those that there are. */
export function haveTasksFor(boots: number): boolean {
  const { read } = SYSTEM_GROUPS;
  folders ??= countingGroups(read);
  if (folders.length === 0) return true;
  return fitTasks(leftTasks(folders, read), boots, navigator.hardwareConcurrency);
}

/** Whether so many boots fit into what is left. Pure. */
export function fitTasks(left: number, boots: number, cores: number): boolean {
  const perBoot = OTHER_TASKS + Math.min(cores, MAX_V8_THREADS);
  return boots * perBoot + KEPT_TASKS <= left;
}

/** The folders of the groups that count the processes of this one: its own, and those around it; that of a machine has no limit. */
export function countingGroups(read: Read): string[] {
  const [cgroup, mountinfo] = [read("/proc/self/cgroup"), read("/proc/self/mountinfo")];
  if (cgroup === undefined || mountinfo === undefined) return [];
  const found: string[] = [];
  let folder = findPlaces(cgroup, mountinfo).pids?.folder ?? "";
  while (read(`${folder}/pids.max`) !== undefined) {
    found.push(folder);
    folder = folder.slice(0, folder.lastIndexOf("/"));
  }
  return found;
}

/** The least that is left in any of these groups; infinite if none has a limit. */
export function leftTasks(folders: readonly string[], read: Read): number {
  const left = folders.map((folder) => {
    const max = Number.parseInt(read(`${folder}/pids.max`) ?? "");
    if (Number.isNaN(max)) return Infinity; // it is `max`
    return max - Number.parseInt(read(`${folder}/pids.current`) ?? "0");
  });
  return Math.min(...left);
}
