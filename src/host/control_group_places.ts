/** Where this process can make control groups, by controller. */

import { type GroupFiles, SYSTEM_GROUPS } from "./control_group_files.ts";

/** The controllers that are used. Those of version 2 are asked for in this order. */
export const CONTROLLERS = ["memory", "cpu", "pids"] as const;

/** One of them. */
export type Controller = typeof CONTROLLERS[number];

/** A group in which others can be made for one controller. */
export interface Place {
  readonly version: 1 | 2;
  /** Its folder. */
  readonly folder: string;
}

/** Where groups can be made. A controller that is not available is missing. */
export type Places = Partial<Record<Controller, Place>>;

/**
 * Finds the groups of this process, by the contents of `/proc/self/cgroup` and `/proc/self/mountinfo`.
 * Whether they may be used is another question.
 */
export function findPlaces(cgroup: string, mountinfo: string): Places {
  const places: Places = {};
  const mounts = mountinfo.split("\n").flatMap((line) => parseMount(line) ?? []);
  for (const line of cgroup.split("\n")) {
    const [, names, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (names === undefined || path === undefined) continue;
    const version = names === "" ? 2 : 1;
    const controllers = names.split(",");
    for (const controller of CONTROLLERS) {
      if (version === 1 && !controllers.includes(controller)) continue;
      const mount = mounts.find((each) =>
        each.version === version && (version === 2 || each.options.includes(controller))
      );
      const folder = mount && folderIn(mount, path);
      // In a mixed setup, a controller is used by version 1 where it is mounted there.
      if (folder !== undefined && places[controller]?.version !== 1) {
        places[controller] = { version, folder };
      }
    }
  }
  return places;
}

interface Mount {
  readonly version: 1 | 2;
  /** The group that is mounted. */
  readonly root: string;
  readonly point: string;
  readonly options: readonly string[];
}

/** Parses a line of `mountinfo`; `undefined` if it is not about control groups. */
function parseMount(line: string): Mount | undefined {
  const [left = "", right = ""] = line.split(" - ");
  const [root, point] = left.split(" ").slice(3);
  const [type, , options = ""] = right.split(" ");
  if (root === undefined || point === undefined) return undefined;
  if (type !== "cgroup" && type !== "cgroup2") return undefined;
  return { version: type === "cgroup" ? 1 : 2, root, point, options: options.split(",") };
}

/** The folder of a group; `undefined` if it is not below what is mounted, as in some containers. */
function folderIn({ root, point }: Mount, path: string): string | undefined {
  const isBelow = root === "/" || path === root || path.startsWith(`${root}/`);
  if (!isBelow || path.includes("/..")) return undefined;
  const inside = root === "/" ? path : path.slice(root.length);
  return point + (inside === "/" ? "" : inside);
}

/** The places: one that several controllers have is not listed twice. */
export function placesIn(places: Places): Place[] {
  const all = CONTROLLERS.map((name) => places[name]).filter((place) => place !== undefined);
  return all.filter(({ folder }, index) =>
    all.findIndex((each) => each.folder === folder) === index
  );
}

/** The groups of this process, in which it may make others. */
export async function ownPlaces(): Promise<Places> {
  // It never prompts for a permission.
  const isAllowed = (["read", "write"] as const).every((name) =>
    Deno.permissions.querySync({ name }).state === "granted"
  );
  if (!isAllowed || Deno.build.os !== "linux") return {};
  const [cgroup, mountinfo] = ["/proc/self/cgroup", "/proc/self/mountinfo"]
    .map(SYSTEM_GROUPS.read);
  if (cgroup === undefined || mountinfo === undefined) return {};
  return await usablePlaces(findPlaces(cgroup, mountinfo), SYSTEM_GROUPS);
}

/** Those of these places in which groups can be made, as far as the version is concerned. */
export async function usablePlaces(found: Places, files: GroupFiles): Promise<Places> {
  const places = { ...found };
  const folder = placesIn(places).find(({ version }) => version === 2)?.folder;
  if (folder !== undefined && !await delegate(folder, files)) {
    for (const controller of CONTROLLERS) {
      if (places[controller]?.version === 2) delete places[controller];
    }
  }
  return places;
}

/**
 * In version 2, a group that passes its controllers on to others may not have processes itself. So this
 * process moves into one of its own, beside those that it makes. That fails if the group has other
 * processes, as that of a login session: a service or a container of its own is needed.
 */
async function delegate(folder: string, files: GroupFiles): Promise<boolean> {
  const pass = async () => {
    await files.write(folder, "cgroup.subtree_control", "+memory");
    for (const other of ["+cpu", "+pids"]) {
      await files.write(folder, "cgroup.subtree_control", other).catch(() => {}); // it may not have it
    }
  };
  try {
    return await pass().then(() => true);
  } catch {
    // It has processes: this one.
  }
  const own = `${folder}/deploy-${Deno.pid}-node`;
  try {
    await files.make(own);
  } catch {
    return false; // The folder belongs to somebody else.
  }
  try {
    await files.write(own, "cgroup.procs", Deno.pid);
    await pass();
    return true;
  } catch {
    // There are others in it, or the system does not let it: all is as before.
    await files.write(folder, "cgroup.procs", Deno.pid).catch(() => {});
    await files.remove(own).catch(() => {});
    return false;
  }
}
