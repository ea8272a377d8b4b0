/** The control groups of a node's processes. */

import { randomId } from "../core/pid.ts";
import { ControlGroup, weigh } from "./control_group.ts";
import { type GroupFiles, SYSTEM_GROUPS } from "./control_group_files.ts";
import {
  type Controller,
  CONTROLLERS,
  ownPlaces,
  type Place,
  type Places,
  placesIn,
} from "./control_group_places.ts";

/** The names of the groups around all others: the process that made it, and a random part. */
const GROUP_NAME = /^deploy-(\d+)-/;

/**
 * The groups of a node's processes: one for each, and one around all of them, which weighs as much as the
 * machine has cores. So the processes of programs share among each other by what they asked for, and all of
 * them with the rest of the machine as any other processes do.
 */
export class ControlGroups {
  /** The group around all others. */
  readonly #around: Places;
  readonly #files: GroupFiles;
  #count = 0;

  private constructor(around: Places, files: GroupFiles) {
    this.#around = around;
    this.#files = files;
  }

  /**
   * Finds out which controllers this process may use, by making the group around all others, and removes
   * groups that processes left that have ended.
   *
   * @param own The group to make it in. @default that of this process
   */
  static async open(own?: Places, files: GroupFiles = SYSTEM_GROUPS): Promise<ControlGroups> {
    const places = own ?? await ownPlaces();
    const around: Places = {};
    const name = `deploy-${Deno.pid}-${randomId().slice(0, 8)}`;
    for (const controller of CONTROLLERS) {
      const place = places[controller];
      if (place === undefined) continue;
      const made = { version: place.version, folder: `${place.folder}/${name}` };
      if (await makeAround(controller, made, files)) around[controller] = made;
    }
    await sweep(placesIn(places), files);
    return new ControlGroups(around, files);
  }

  /** The version by which a controller is used; `undefined` if it cannot be. */
  version(controller: Controller): 1 | 2 | undefined {
    return this.#around[controller]?.version;
  }

  /** A group for another process. */
  next(): ControlGroup {
    return new ControlGroup(this.#around, String(this.#count++), this.#files);
  }

  /** Removes the group around all others, if they are removed. Otherwise the next start of a node does. */
  close(): void {
    for (const { folder } of placesIn(this.#around)) this.#files.removeNow(folder);
  }
}

/** Sets what a controller is for, as a try. */
const setAny: Readonly<Record<Controller, (group: ControlGroup) => Promise<void>>> = {
  memory: (group) => group.limitMemory(2 ** 40),
  cpu: (group) => group.weighCpu(1),
  pids: (group) => group.limitTasks(1_000),
};

/** Makes the group around all others for a controller, and tries it. Returns whether it can be used. */
async function makeAround(
  controller: Controller,
  place: Place,
  files: GroupFiles,
): Promise<boolean> {
  const { version, folder } = place;
  const probe = new ControlGroup({ [controller]: place }, "probe", files);
  // With version 2, it may be there for another controller.
  const isThere = files.read(`${folder}/cgroup.procs`) !== undefined;
  try {
    if (!isThere) await files.make(folder);
    if (version === 2) await files.write(folder, "cgroup.subtree_control", `+${controller}`);
    if (controller === "cpu") await weigh(place, navigator.hardwareConcurrency, files);
    await probe.make();
    await setAny[controller](probe);
    const isUsable = controller !== "memory" || probe.memoryKills() !== undefined;
    await probe.remove();
    if (isUsable) return true;
  } catch {
    // It is read-only, belongs to another user, or does not have this controller.
    await probe.remove().catch(() => {});
  }
  if (!isThere) await files.remove(folder).catch(() => {});
  return false;
}

/** Removes the groups of nodes that have ended. */
async function sweep(places: readonly Place[], files: GroupFiles): Promise<void> {
  for (const { folder } of places) {
    for (const name of await files.list(folder)) {
      const owner = GROUP_NAME.exec(name)?.[1];
      if (owner === undefined || await exists(`/proc/${owner}`)) continue;
      const around = `${folder}/${name}`;
      for (const each of await files.list(around)) {
        // One with processes in it stays: they may be of another container, whose processes have other ids.
        await files.remove(`${around}/${each}`).catch(() => {});
      }
      await files.remove(around).catch(() => {});
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
