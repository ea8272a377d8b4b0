/** The assignment of test files to versions of Deno, and to lanes, which run at the same time. */

/** A part of the tests: one run of `deno test`. */
export interface Lane {
  readonly name: string;
  /** Paths from the project's root. */
  readonly files: readonly string[];
  /** Its files run at the same time, in threads of one process. */
  readonly parallel: boolean;
  /** Its cost in seconds of CPU time; the longest start first. */
  readonly costs: number;
}

/**
 * Folders whose tests share nothing with other tests: no working directory, environment, or host.
 * Their files run in threads of one process.
 */
const PARALLEL = [
  ...["bridge", "build", "channel", "cli", "codec", "core", "dashboard", "host", "master", "net"],
  ...["run", "scripts", "store", "terminal", "wire"],
];

/** Tests of faults of clusters: most of their time is spent waiting for a loss to be detected. */
const FAULTS = [
  ...["chaos/", "fabric/losses_test.ts", "system/deploy_ends_test.ts"],
  ...["system/firewall_test.ts", "fabric/left_test.ts"],
];

/**
 * Tests that are the same on every version of Deno: what is told of a run, how it is left, found, stopped and lost, its
 * limits, and other users; what is made of the API alone, such as pools, examples and `deploy/testing`; the commands
 * of `fabric`; what the files of the project say, and its scripts, CI itself among them; and what only computes.
 * Versions of Deno differ in how they load, bundle, start and serve programs: those tests run on each supported one.
 */
export const ON_LATEST = [
  ...["channel/assembly", "channel/frame_reader", "channel/outbox", "channel/queues"],
  ...["core/ended_processes", "core/fifo", "core/tree", "master/placement"],
  ...["master/placement_nodes", "master/process_tree", "master/room", "master/waiting_queue"],
  ...["run/event_merger", "run/first_failure", "run/process_table", "run/run_state"],
  ...["scripts/chaos", "scripts/ci", "scripts/load", "scripts/soak", "scripts/systemd"],
  ...["terminal/human", "terminal/json", "terminal/lines"],
  ...["bench", "dashboard/page", "examples", "fabric/cap", "fabric/dropped", "fabric/fabric"],
  ...["fabric/hidden_memory", "fabric/keep_running", "fabric/large_arg", "fabric/many_files"],
  ...["fabric/metrics", "fabric/nodes_file", "fabric/report", "layers", "master/placement_model"],
  ...["master/placement_simulation", "pool/cluster", "pool/pool", "process/boot_modules"],
  ...["project", "scripts/fuzz"],
  ...["system/deploy_attach", "system/deploy_cluster", "system/deploy_delayed"],
  ...["system/deploy_lost", "system/deploy_nodes", "system/deploy_refused", "system/deploy_runs"],
  ...["system/deploy_script", "system/deploy_stops", "system/deploy_waits", "system/descriptors"],
  ...["system/ends", "system/enforced", "system/full_disk", "system/hosts", "system/invitation"],
  ...["system/left", "system/load", "system/netns", "system/noticed", "system/other_user"],
  ...["system/programs_user", "system/run_records", "system/said", "system/stopping"],
  ...["system/trace", "system/users_check", "system/waits", "testing/chaos", "testing/run_program"],
  ...["testing/test_cluster"],
].map((name) => `tests/${name}_test.ts`);

/** Tests in a browser. */
const BROWSER = ["dashboard/page_test.ts"];

/** How long the tests of a file take, in seconds of CPU time, where that is more than {@linkcode USUAL}. */
const COSTS: Readonly<Record<string, number>> = {
  "tests/bench_test.ts": 3,
  "tests/build/runtime_bundle_test.ts": 2,
  "tests/channel/channel_test.ts": 3,
  "tests/channel/connection_test.ts": 3,
  "tests/channel/will_test.ts": 5,
  "tests/chaos/faults_test.ts": 25,
  "tests/chaos/network_test.ts": 10,
  "tests/codec/value_codec_test.ts": 4,
  "tests/codec/value_hostile_test.ts": 2,
  "tests/compiled/alike_test.ts": 30,
  "tests/compiled/build_test.ts": 4,
  "tests/compiled/deploy_test.ts": 20,
  "tests/compiled/executables_test.ts": 24,
  "tests/compiled/hosts_test.ts": 20,
  "tests/dashboard/page_test.ts": 17,
  "tests/examples_test.ts": 21,
  "tests/fabric/fabric_test.ts": 4,
  "tests/fabric/large_arg_test.ts": 8,
  "tests/fabric/left_test.ts": 8,
  "tests/fabric/losses_test.ts": 24,
  "tests/host/trial_boot_test.ts": 10,
  "tests/local/launcher_test.ts": 5,
  "tests/master/placement_model_test.ts": 2,
  "tests/master/placement_simulation_test.ts": 5,
  "tests/node/fetched_args_test.ts": 5,
  "tests/node/node_run_test.ts": 4,
  "tests/pool/cluster_test.ts": 3,
  "tests/pool/pool_test.ts": 14,
  "tests/project_test.ts": 4,
  "tests/scripts/fuzz_test.ts": 3,
  "tests/system/alike_test.ts": 12,
  "tests/system/api_channels_test.ts": 4,
  "tests/system/api_ending_test.ts": 3,
  "tests/system/api_limits_test.ts": 4,
  "tests/system/api_select_test.ts": 2,
  "tests/system/api_spawn_test.ts": 5,
  "tests/system/api_terminal_test.ts": 8,
  "tests/system/deploy_cluster_test.ts": 5,
  "tests/system/deploy_ends_test.ts": 18,
  "tests/system/deploy_test.ts": 12,
  "tests/system/firewall_test.ts": 6,
  "tests/system/enforced_test.ts": 10,
  "tests/system/hosts_test.ts": 6,
  "tests/system/inspect_test.ts": 5,
  "tests/system/invitation_test.ts": 7,
  "tests/system/load_test.ts": 6,
  "tests/system/permissions_test.ts": 10,
  "tests/system/processes_test.ts": 9,
  "tests/system/run_records_test.ts": 8,
  "tests/system/users_check_test.ts": 7,
  "tests/testing/run_program_test.ts": 5,
  "tests/testing/test_cluster_test.ts": 15,
  "tests/testing/user_project_test.ts": 5,
};
const USUAL = 0.3;

/** The test files that run on the oldest supported version of Deno, too. */
export function onOldest(files: readonly string[]): string[] {
  return files.filter((path) => !ON_LATEST.includes(path) && !isFault(path));
}

/** Splits test files, given by their paths from the project's root, into lanes; each is in just one. */
export function planLanes(files: readonly string[], systemLanes: number): Lane[] {
  const groups = Map.groupBy(files, groupOf);
  const lanes: Lane[] = [];
  for (const [name, members] of groups) {
    if (name === "system") {
      for (const [index, part] of balance(members, systemLanes).entries()) {
        lanes.push(lane(`system ${index + 1}`, part));
      }
    } else {
      lanes.push(lane(name, members));
    }
  }
  return lanes.filter(({ files }) => files.length > 0).sort((a, b) => b.costs - a.costs);
}

function lane(name: string, files: readonly string[]): Lane {
  return { name, files, parallel: name === "units", costs: sum(files) };
}

function groupOf(path: string): "units" | "system" | "faults" | "browser" | "compiled" {
  const inside = path.replace(/^tests\//, "");
  const folder = inside.includes("/") ? inside.slice(0, inside.indexOf("/")) : "";
  if (folder === "compiled") return "compiled";
  if (BROWSER.includes(inside)) return "browser";
  if (isFault(path)) return "faults";
  return PARALLEL.includes(folder) ? "units" : "system";
}

function isFault(path: string): boolean {
  return FAULTS.some((start) => path.startsWith(`tests/${start}`));
}

/** Parts of about the same cost: files in descending order of cost each go to the cheapest part. */
function balance(files: readonly string[], count: number): string[][] {
  const parts = Array.from({ length: count }, () => ({ files: [] as string[], cost: 0 }));
  for (const file of files.toSorted((a, b) => costOf(b) - costOf(a) || (a < b ? -1 : 1))) {
    const cheapest = parts.reduce((best, part) => part.cost < best.cost ? part : best);
    cheapest.files.push(file);
    cheapest.cost += costOf(file);
  }
  return parts.map((part) => part.files.sort());
}

function costOf(path: string): number {
  return COSTS[path] ?? USUAL;
}

function sum(files: readonly string[]): number {
  return files.reduce((total, path) => total + costOf(path), 0);
}
