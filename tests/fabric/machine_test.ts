/** The limits of control groups, as the kernel's files tell them. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals } from "@std/assert";
import { shareOf } from "../../src/fabric/dev.ts";
import { groupLimits, lentResources, machineResources } from "../../src/fabric/machine.ts";

const GiB = 1024 ** 3;
const V2 = "/sys/fs/cgroup";

const TABLE: [name: string, files: Record<string, string>, expected: unknown][] = [
  ["there are no control groups", {}, {}],
  ["version 2 limits memory and cores", {
    "/proc/self/cgroup": "0::/job\n",
    [`${V2}/job/memory.max`]: `${4 * GiB}\n`,
    [`${V2}/job/cpu.max`]: "150000 100000\n",
  }, { mem: 4 * GiB, cpu: 1.5 }],
  ["version 2 has no limit", {
    "/proc/self/cgroup": "0::/job\n",
    [`${V2}/job/memory.max`]: "max\n",
    [`${V2}/job/cpu.max`]: "max 100000\n",
  }, {}],
  ["a group around it has a lower limit", {
    "/proc/self/cgroup": "0::/user/job\n",
    [`${V2}/user/memory.max`]: `${GiB}\n`,
    [`${V2}/user/job/memory.max`]: `${4 * GiB}\n`,
  }, { mem: GiB }],
  ["in a container, the limits are at the root", {
    "/proc/self/cgroup": "0::/system.slice/docker-1\n",
    [`${V2}/memory.max`]: `${2 * GiB}\n`,
  }, { mem: 2 * GiB }],
  ["version 1 limits memory and cores", {
    "/proc/self/cgroup": "4:memory:/slurm/job\n3:cpu,cpuacct:/slurm/job\n1:name=systemd:/\n",
    "/sys/fs/cgroup/memory/slurm/job/memory.limit_in_bytes": `${GiB}\n`,
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    "/sys/fs/cgroup/cpu/slurm/job/cpu.cfs_quota_us": "50000\n",
    "/sys/fs/cgroup/cpu/slurm/job/cpu.cfs_period_us": "100000\n",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
  }, { mem: GiB, cpu: 0.5 }],
];

Deno.test("groupLimits() finds the lowest limit of a control group and of those around it", () => {
  for (const [name, files, expected] of TABLE) {
    assertEquals(groupLimits((path) => files[path]), expected, name);
  }
});

Deno.test("a machine lends 5 % less than it has", () => {
  const [all, lent] = [machineResources(), lentResources()];
  assert(all.mem <= Deno.systemMemoryInfo().total);
  assert(all.cpu > 0 && all.cpu <= navigator.hardwareConcurrency);
  assertEquals(lent, {
    mem: Math.floor(all.mem * 0.95),
    cpu: Number((all.cpu * 0.95).toPrecision(4)),
  });
});

Deno.test("the nodes of fabric dev share the memory, and each has all cores", () => {
  const machine = { mem: 6 * GiB, cpu: 2 };
  assertEquals(shareOf(machine, 3, {}), { mem: 2 * GiB, cpu: 2 });
  assertEquals(shareOf(machine, 3, { mem: GiB, cpu: 8 }), { mem: GiB, cpu: 8 });
});
