/** Control groups of a test's own. */

import { ControlGroup } from "../../src/host/control_group.ts";
import { SYSTEM_GROUPS } from "../../src/host/control_group_files.ts";
import { CONTROLLERS, ownPlaces, type Places } from "../../src/host/control_group_places.ts";

/**
 * Makes a group inside that of this process, for each controller that there is. No node and no other test makes or
 * removes groups in it.
 */
export async function ownGroups(): Promise<AsyncDisposable & { readonly places: Places }> {
  const name = `test-${crypto.randomUUID()}`;
  const outer = await ownPlaces();
  const group = new ControlGroup(outer, name);
  await group.make();
  const places: Places = {};
  for (const controller of CONTROLLERS) {
    const place = outer[controller];
    if (place === undefined) continue;
    const folder = `${place.folder}/${name}`;
    places[controller] = { ...place, folder };
    if (place.version === 2) {
      await SYSTEM_GROUPS.write(folder, "cgroup.subtree_control", `+${controller}`);
    }
  }
  return { places, [Symbol.asyncDispose]: () => group.remove() };
}
