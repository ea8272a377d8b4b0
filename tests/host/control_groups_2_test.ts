/** Linux control groups of version 2, on a machine of values that has the rules of Linux. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import type { GroupFiles } from "../../src/host/control_group_files.ts";
import { type Controller, type Places, usablePlaces } from "../../src/host/control_group_places.ts";
import { ControlGroups } from "../../src/host/control_groups.ts";

const MIB = 1024 ** 2;

/** The groups of version 2 of a machine, with the rules of Linux for their files. */
class MachineOfVersion2 implements GroupFiles {
  readonly #groups = new Map<string, Map<string, string>>();
  /** Groups that belong to somebody else. */
  readonly foreign = new Set<string>();

  constructor(readonly root: string, controllers: string) {
    this.#groups.set(root, MachineOfVersion2.#filesOf(controllers));
  }

  static #filesOf(controllers: string): Map<string, string> {
    const all = controllers.split(" ");
    const files = new Map([["cgroup.procs", ""], ["cgroup.subtree_control", ""]]);
    files.set("cgroup.controllers", controllers);
    if (all.includes("memory")) {
      for (const name of ["max", "oom.group", "swap.max"]) files.set(`memory.${name}`, "");
      files.set("memory.events", "oom 0\noom_kill 0\n");
    }
    if (all.includes("cpu")) files.set("cpu.weight", "100");
    if (all.includes("pids")) files.set("pids.max", "max");
    return files;
  }

  folders(): string[] {
    return [...this.#groups.keys()];
  }

  make(folder: string): Promise<void> {
    return this.#try(() => {
      const parent = this.#group(folder.slice(0, folder.lastIndexOf("/")));
      if (this.#groups.has(folder)) throw new Deno.errors.AlreadyExists(folder);
      const passed = parent.get("cgroup.subtree_control")!;
      this.#groups.set(folder, MachineOfVersion2.#filesOf(passed));
    });
  }

  write(folder: string, file: string, value: string | number): Promise<void> {
    return this.#try(() => {
      const files = this.#group(folder);
      if (!files.has(file)) throw new Deno.errors.NotFound(`${folder}/${file}`);
      if (file === "cgroup.procs") {
        // A group that passes controllers on may have no processes.
        if (files.get("cgroup.subtree_control") !== "") throw new Error("busy");
        for (const each of this.#groups.values()) {
          const lines = each.get(file)!.split("\n").filter((line) => line !== String(value));
          each.set(file, lines.join("\n"));
        }
        files.set(file, `${files.get(file)}${value}\n`);
      } else if (file === "cgroup.subtree_control") {
        const name = String(value).slice(1);
        if (!files.get("cgroup.controllers")!.split(" ").includes(name)) throw new Error("none");
        if (files.get("cgroup.procs") !== "") throw new Error("busy");
        files.set(file, `${files.get(file)} ${name}`.trim());
      } else files.set(file, String(value));
    });
  }

  read(path: string): string | undefined {
    const at = path.lastIndexOf("/");
    return this.#groups.get(path.slice(0, at))?.get(path.slice(at + 1));
  }

  list(folder: string): Promise<string[]> {
    const names = this.folders().filter((each) => each.startsWith(`${folder}/`))
      .map((each) => each.slice(folder.length + 1));
    return Promise.resolve(names.filter((name) => !name.includes("/")));
  }

  remove(folder: string): Promise<void> {
    return this.#try(() => {
      const isParent = this.folders().some((each) => each.startsWith(`${folder}/`));
      if (isParent || this.#group(folder).get("cgroup.procs") !== "") throw new Error("busy");
      this.#groups.delete(folder);
    });
  }

  removeNow(folder: string): void {
    void this.remove(folder).catch(() => {}); // it does all before it returns
  }

  #group(folder: string): Map<string, string> {
    const files = this.#groups.get(folder);
    if (files === undefined) throw new Deno.errors.NotFound(folder);
    if (this.foreign.has(folder)) throw new Deno.errors.PermissionDenied(folder);
    return files;
  }

  #try(work: () => void): Promise<void> {
    return new Promise((resolve) => resolve(work()));
  }
}

const ROOT = "/sys/fs/cgroup/system.slice/fabric.service";
const placesAt = (folder: string): Places => {
  const place = { version: 2, folder } as const;
  return { memory: place, cpu: place, pids: place };
};

Deno.test("with version 2, a service's process moves beside the groups that it makes, and these have all limits", async () => {
  const machine = new MachineOfVersion2(ROOT, "cpu memory pids");
  await machine.write(ROOT, "cgroup.procs", Deno.pid);
  const places = await usablePlaces(placesAt(ROOT), machine);
  assertEquals(places, placesAt(ROOT));
  assertEquals(machine.read(`${ROOT}/cgroup.procs`), "");
  assertEquals(machine.read(`${ROOT}/deploy-${Deno.pid}-node/cgroup.procs`), `${Deno.pid}\n`);
  const groups = await ControlGroups.open(places, machine);
  for (const each of ["memory", "cpu", "pids"] as const) {
    assertEquals(groups.version(each), 2, each);
  }
  const group = groups.next();
  await group.make();
  await group.limitMemory(100 * MIB);
  await group.weighCpu(2);
  await group.limitTasks(4_096);
  await group.enter(17);
  const folder = machine.folders().find((each) => each.endsWith("/0"))!;
  const written = ["memory.max", "memory.oom.group", "cpu.weight", "pids.max", "cgroup.procs"];
  assertEquals(
    written.map((name) => machine.read(`${folder}/${name}`)),
    ["104857600", "1", "200", "4096", "17\n"],
  );
  assertEquals(group.memoryKills(), 0);
  await machine.write(ROOT + `/deploy-${Deno.pid}-node`, "cgroup.procs", 17); // it has ended
  await group.remove();
  assert(!machine.folders().includes(folder));
});

Deno.test("with version 2, what cannot be had is not used, and then all is as it was", async () => {
  const enter = (machine: MachineOfVersion2, osPid: number) =>
    machine.write(ROOT, "cgroup.procs", osPid);
  const table: [what: string, controllers: string, others: number[], used: Controller[]][] = [
    ["all", "cpu memory pids", [], ["memory", "cpu", "pids"]],
    ["no cpu", "memory pids", [], ["memory", "pids"]],
    ["no memory", "cpu pids", [], []],
    ["no controllers, as where version 1 has them", "", [], []],
    ["others are in the group, as in that of a login", "cpu memory pids", [4711], []],
  ];
  for (const [what, controllers, others, used] of table) {
    const machine = new MachineOfVersion2(ROOT, controllers);
    for (const osPid of [...others, Deno.pid]) await enter(machine, osPid);
    const processes = machine.read(`${ROOT}/cgroup.procs`);
    const groups = await ControlGroups.open(await usablePlaces(placesAt(ROOT), machine), machine);
    const all = ["memory", "cpu", "pids"] as const;
    assertEquals(all.filter((each) => groups.version(each) === 2), used, what);
    if (used.length > 0) {
      const group = groups.next();
      await group.make();
      await group.limitMemory(100 * MIB);
      await group.limitTasks(4_096);
      const folder = machine.folders().find((each) => each.endsWith("/0"))!;
      const limits = ["memory.max", "pids.max"].map((name) => machine.read(`${folder}/${name}`));
      assertEquals(limits, ["104857600", "4096"], what);
      await group.remove();
      groups.close();
      const node = `${ROOT}/deploy-${Deno.pid}-node`;
      assertEquals(machine.folders(), [ROOT, node], what);
      continue;
    }
    assertEquals(machine.folders(), [ROOT], what);
    assertEquals(machine.read(`${ROOT}/cgroup.procs`), processes, what);
  }
  const foreign = new MachineOfVersion2(ROOT, "cpu memory pids");
  foreign.foreign.add(ROOT);
  assertEquals(await usablePlaces(placesAt(ROOT), foreign), {});
});

Deno.test("with version 2, open() removes the groups of nodes that have ended, but not what is in use", async () => {
  const machine = new MachineOfVersion2(ROOT, "cpu memory pids");
  const [ended, other, running] = [2 ** 30, 2 ** 30 + 1, Deno.ppid];
  const groupsOf = (osPid: number) => [
    `${ROOT}/deploy-${osPid}-node`,
    ...["", "/0", "/1"].map((name) => `${ROOT}/deploy-${osPid}-abc${name}`),
  ];
  for (const folder of [ended, other, running].flatMap(groupsOf)) await machine.make(folder);
  const occupied = `${ROOT}/deploy-${other}-abc/1`;
  await machine.write(occupied, "cgroup.procs", 4711); // of another container, whose ids are others
  (await ControlGroups.open(placesAt(ROOT), machine)).close();
  const left = [ROOT, `${ROOT}/deploy-${other}-abc`, occupied, ...groupsOf(running)];
  assertEquals(machine.folders().toSorted(), left.toSorted());
});
