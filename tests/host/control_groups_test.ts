/** Linux control groups. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { ControlGroup } from "../../src/host/control_group.ts";
import { findPlaces, type Places, placesIn } from "../../src/host/control_group_places.ts";
import { ControlGroups } from "../../src/host/control_groups.ts";
import { ownGroups } from "./own_groups.ts";

const MIB = 1024 ** 2;

const MOUNT_1 = (controllers: string, root = "/") =>
  `30 25 0:26 ${root} /sys/fs/cgroup/${controllers} rw,nosuid shared:11 - cgroup cgroup rw,${controllers}`;
const MOUNT_2 = (point = "/sys/fs/cgroup", root = "/") =>
  `35 24 0:30 ${root} ${point} rw,nosuid,nodev - cgroup2 cgroup2 rw,nsdelegate`;
const OTHER = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw";

Deno.test("findPlaces() finds the groups of this process, in version 1, version 2, and containers", () => {
  const table: [what: string, cgroup: string[], mountinfo: string[], places: Places][] = [
    ["nothing", [], [OTHER], {}],
    ["version 2", ["0::/a.slice/b.service"], [OTHER, MOUNT_2()], {
      memory: { version: 2, folder: "/sys/fs/cgroup/a.slice/b.service" },
      cpu: { version: 2, folder: "/sys/fs/cgroup/a.slice/b.service" },
      pids: { version: 2, folder: "/sys/fs/cgroup/a.slice/b.service" },
    }],
    ["version 2 in a container", ["0::/"], [MOUNT_2("/sys/fs/cgroup", "/")], {
      memory: { version: 2, folder: "/sys/fs/cgroup" },
      cpu: { version: 2, folder: "/sys/fs/cgroup" },
      pids: { version: 2, folder: "/sys/fs/cgroup" },
    }],
    [
      "version 1",
      ["8:pids:/z", "4:memory:/x", "3:cpu,cpuacct:/"],
      [MOUNT_1("memory"), MOUNT_1("cpu,cpuacct"), MOUNT_1("pids")],
      {
        memory: { version: 1, folder: "/sys/fs/cgroup/memory/x" },
        cpu: { version: 1, folder: "/sys/fs/cgroup/cpu,cpuacct" },
        pids: { version: 1, folder: "/sys/fs/cgroup/pids/z" },
      },
    ],
    [
      "both, one of which has the controllers",
      ["4:memory:/x", "0::/y"],
      [MOUNT_1("memory"), MOUNT_2("/sys/fs/cgroup/unified")],
      {
        memory: { version: 1, folder: "/sys/fs/cgroup/memory/x" },
        cpu: { version: 2, folder: "/sys/fs/cgroup/unified/y" },
        pids: { version: 2, folder: "/sys/fs/cgroup/unified/y" },
      },
    ],
    ["version 1 in a container", ["4:memory:/docker/1a/b"], [MOUNT_1("memory", "/docker/1a")], {
      memory: { version: 1, folder: "/sys/fs/cgroup/memory/b" },
    }],
    ["one that is not mounted", ["4:memory:/docker/1a"], [MOUNT_1("memory", "/docker/2b")], {}],
    ["one outside of its namespace", ["4:memory:/../1a"], [MOUNT_1("memory")], {}],
  ];
  for (const [what, cgroup, mountinfo, places] of table) {
    assertEquals(findPlaces(cgroup.join("\n"), mountinfo.join("\n")), places, what);
  }
});

Deno.test("a group has the files of its version written", async () => {
  const expected = {
    1: {
      "memory.limit_in_bytes": "104857600",
      "cpu.shares": "64",
      "pids.max": "4096",
      "cgroup.procs": "17",
    },
    2: {
      "memory.max": "104857600",
      "memory.oom.group": "1",
      "memory.swap.max": "0",
      "cpu.weight": "6",
      "pids.max": "4096",
      "cgroup.procs": "17",
    },
  };
  for (const version of [1, 2] as const) {
    const folder = await Deno.makeTempDir();
    const place = { version, folder };
    // A folder of the system has these files from the start.
    const group = new ControlGroup({ memory: place, cpu: place, pids: place }, "group");
    await group.make();
    for (const name of Object.keys(expected[version])) {
      await Deno.writeTextFile(`${folder}/group/${name}`, "");
    }
    await group.limitMemory(100 * MIB);
    await group.weighCpu(1 / 16);
    await group.limitTasks(4_096);
    await group.enter(17);
    for (const [name, value] of Object.entries(expected[version])) {
      assertEquals(await Deno.readTextFile(`${folder}/group/${name}`), value, name);
    }
    assertEquals(group.memoryKills(), undefined);
    const counters = version === 1 ? "memory.oom_control" : "memory.events";
    await Deno.writeTextFile(`${folder}/group/${counters}`, "oom 4\noom_kill 3\n");
    assertEquals(group.memoryKills(), 3);
    assertEquals(group.taskRefusal(), undefined);
    await Deno.writeTextFile(`${folder}/group/pids.events`, "max 12\n");
    assertEquals(group.taskRefusal(), "own");
    await Deno.writeTextFile(`${folder}/group/pids.peak`, "4096\n");
    assertEquals(group.taskRefusal(), "own");
    await Deno.writeTextFile(`${folder}/group/pids.peak`, "50\n");
    assertEquals(group.taskRefusal(), "around");
    await Deno.remove(folder, { recursive: true });
  }
});

const groups = await ControlGroups.open();
const isUsable = groups.version("memory") !== undefined && groups.version("cpu") !== undefined;
const limitsTasks = groups.version("pids") !== undefined;
groups.close();

Deno.test({
  name: "a group is limited, counts what Linux kills, and is removed with all that is left in it",
  ignore: !isUsable,
  async fn() {
    await using own = await ownGroups();
    const groups = await ControlGroups.open(own.places);
    const group = groups.next();
    await group.make();
    await group.limitMemory(20 * MIB);
    await group.weighCpu(1);
    // It waits until it is in the group, starts what outlives it, and reads a line that does not end.
    const script = "read go; setsid sleep 1000 & echo $!; exec tail /dev/zero";
    const child = new Deno.Command("sh", { args: ["-c", script], stdin: "piped", stdout: "piped" })
      .spawn();
    await group.enter(child.pid);
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("go\n"));
    await writer.close();
    assertEquals((await child.status).signal, "SIGKILL");
    // With version 2, Linux ends the whole group, and counts each process.
    const endsAll = groups.version("memory") === 2;
    const kills = group.memoryKills() ?? 0;
    assert(endsAll ? kills >= 1 : kills === 1, `${kills}`);
    assert((group.peakBytes() ?? 0) > 15 * MIB, `${group.peakBytes()}`);
    const reader = child.stdout.getReader();
    const sleeper = Number(new TextDecoder().decode((await reader.read()).value));
    assert(endsAll || isRunning(sleeper));
    await group.remove();
    assert(!isRunning(sleeper));
    await reader.cancel();
    groups.close();
    assertEquals(left(own), []);
  },
});

Deno.test({
  name: "a group that has as many processes as it may gets no more, and others do",
  ignore: !limitsTasks,
  async fn() {
    await using own = await ownGroups();
    const groups = await ControlGroups.open(own.places);
    const group = groups.next();
    await group.make();
    await group.limitTasks(10);
    // A shell ends at the first process that it cannot start.
    const script = "read go; while true; do sleep 1000 & done";
    const child = new Deno.Command("sh", {
      args: ["-c", script],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await group.enter(child.pid);
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("go\n"));
    await writer.close();
    assert(!(await child.status).success);
    assertEquals(group.taskRefusal(), "own");
    assert((await new Deno.Command("true").output()).success, "others are not limited");
    await group.remove();
    groups.close();
    assertEquals(left(own), []);
  },
});

Deno.test({
  name: "the limit of a group can be raised and lowered",
  ignore: !isUsable,
  async fn() {
    await using own = await ownGroups();
    const groups = await ControlGroups.open(own.places);
    const group = groups.next();
    await group.make();
    for (const mib of [100, 300, 70, 80]) {
      await group.limitMemory(mib * MIB);
      const file = groups.version("memory") === 1 ? "memory.limit_in_bytes" : "memory.max";
      const limits = left(own).flatMap((folder) => textOf(`${folder}/0/${file}`) ?? []);
      assertEquals(limits, [`${mib * MIB}\n`]);
    }
    await group.remove();
    groups.close();
  },
});

Deno.test({
  name: "open() removes what a process has left that has been killed, but not what is in use",
  ignore: !isUsable,
  async fn() {
    await using own = await ownGroups();
    const program = `
      import { ControlGroups } from ${
      JSON.stringify(new URL("../../src/host/control_groups.ts", import.meta.url).href)
    };
      const group = (await ControlGroups.open(${JSON.stringify(own.places)})).next();
      await group.make();
      console.log("made");
      await new Promise((resolve) => setTimeout(resolve, 1e6));`;
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(file, program);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", file],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    const count = left(own).length;
    assertEquals(count, placesIn(own.places).length);
    (await ControlGroups.open(own.places)).close();
    assertEquals(left(own).length, count);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    assertEquals(left(own).length, count);
    (await ControlGroups.open(own.places)).close();
    assertEquals(left(own), []);
    await Deno.remove(file);
  },
});

/** The groups around all others that are in these places. */
function left({ places }: { readonly places: Places }): string[] {
  return placesIn(places).flatMap(({ folder }) =>
    Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .filter((name) => name.startsWith("deploy-"))
      .map((name) => `${folder}/${name}`)
  );
}

function textOf(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function isRunning(id: number): boolean {
  try {
    return !/^State:\s*Z/m.test(Deno.readTextFileSync(`/proc/${id}/status`));
  } catch {
    return false;
  }
}
