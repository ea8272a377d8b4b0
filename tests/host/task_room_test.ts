// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { ControlGroup } from "../../src/host/control_group.ts";
import { ownPlaces } from "../../src/host/control_group_places.ts";
import { countingGroups, fitTasks, leftTasks } from "../../src/host/task_room.ts";

const MOUNT = "35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw";

Deno.test("leftTasks() is what the narrowest group around this process has left", () => {
  const files: Record<string, string> = {
    "/proc/self/cgroup": "0::/a.slice/b.service\n",
    "/proc/self/mountinfo": MOUNT,
    "/sys/fs/cgroup/a.slice/b.service/pids.max": "max\n",
    "/sys/fs/cgroup/a.slice/b.service/pids.current": "20\n",
    "/sys/fs/cgroup/a.slice/pids.max": "100\n",
    "/sys/fs/cgroup/a.slice/pids.current": "70\n",
  };
  const read = (path: string) => files[path];
  const folders = countingGroups(read);
  assertEquals(folders, ["/sys/fs/cgroup/a.slice/b.service", "/sys/fs/cgroup/a.slice"]);
  assertEquals(leftTasks(folders, read), 30);
  files["/sys/fs/cgroup/a.slice/b.service/pids.max"] = "25\n";
  assertEquals(leftTasks(folders, read), 5);
  assertEquals(leftTasks([], read), Infinity);
  assertEquals(countingGroups(() => undefined), [], "another system");
});

Deno.test("fitTasks() leaves room for all that boot, and some for those that run", () => {
  const table: [left: number, boots: number, cores: number, fit: boolean][] = [
    [36, 2, 2, true],
    [35, 2, 2, false],
    [40, 1, 16, true],
    [40, 1, 64, true],
    [39, 1, 64, false],
    [Infinity, 1_000, 64, true],
  ];
  for (const [left, boots, cores, fit] of table) {
    assertEquals(fitTasks(left, boots, cores), fit, `${left} ${boots} ${cores}`);
  }
});

const { pids } = await ownPlaces();

Deno.test({
  name: "haveTasksFor() counts the group of this process",
  ignore: pids === undefined,
  fn: async () => {
    const name = `test-${crypto.randomUUID()}`;
    const group = new ControlGroup({ pids: pids! }, name);
    await group.make();
    await group.limitTasks(120);
    const script = `
      const { haveTasksFor } = await import(${
      JSON.stringify(import.meta.resolve("../../src/host/task_room.ts"))
    });
      console.log(haveTasksFor(1), haveTasksFor(12));
    `;
    const child = new Deno.Command("sh", {
      args: ["-c", 'read go; exec "$0" eval "$1"', Deno.execPath(), script],
      ...{ stdin: "piped", stdout: "piped", stderr: "inherit" },
    }).spawn();
    await group.enter(child.pid);
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("go\n"));
    await writer.close();
    const { stdout } = await child.output();
    assertEquals(new TextDecoder().decode(stdout), "true false\n");
    await group.remove();
  },
});
