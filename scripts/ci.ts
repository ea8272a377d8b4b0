/**
 * Checks everything, on both supported versions of Deno at the same time: what `.ci/run` runs. The oldest version runs
 * the tests in which versions differ (`ci/lanes.ts`), with `--every` all of them. A minute of chaos is one of the jobs.
 *
 * With `--fast`, the checks before a commit: on this version only, without the tests that run whole
 * programs (`deno task ok`).
 *
 * The other version is the one in `COMPILE_DENO`, which also compiles the programs of `tests/compiled`.
 * Each job's output is printed when it ends, with `--fast` only if it failed. The errors are repeated at the
 * end. The last line is `N passed, N failed`; the exit code is 1 if anything failed.
 */

// @ts-types="../types/std_cli.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { ownCache } from "./bench/own_cache.ts";
import { run } from "./bench/tools.ts";
import { entriesOf, writeEntries } from "./ci/entries.ts";
import { type Job, type JobResult, runJob, runJobs } from "./ci/job.ts";
import { type Lane, onOldest, planLanes } from "./ci/lanes.ts";
import { describeResult, report } from "./ci/report.ts";
import { seedOf } from "./ci/seed.ts";

const ROOT = new URL("../", import.meta.url).pathname;

const PAGE = "src/dashboard/page";
const PAGE_CONFIG = `${PAGE}/deno.json`;

/** The number of lanes for the tests of whole programs. */
const SYSTEM_LANES = 3;

/** The number of concurrent jobs; some of them are idle most of the time. */
const SLOTS = navigator.hardwareConcurrency + 1;

/** One version of Deno. */
interface Runtime {
  readonly name: string;
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The sanitizers are off by default in Deno 2.9; in 2.6 they are on, and these variables are unknown. */
const SANITIZERS = { DENO_TEST_SANITIZE_OPS: "1", DENO_TEST_SANITIZE_RESOURCES: "1" };

function job({ name, path, env }: Runtime, what: string, args: string[], tests = false): Job {
  return { name: `${name} ${what}`, command: [path, ...args], env, tests };
}

/**
 * A minute of random faults. It mostly waits, beside the tests of faults; two programs at a time are enough for
 * these to meet something, and leave the cores to tests. It prints its seed.
 */
function chaosJob(runtime: Runtime, seed: number): Job {
  const amount = ["--seconds", "60", "--programs", "2"];
  return job(runtime, "chaos", ["run", "-A", "scripts/chaos.ts", ...amount, "--seed", `${seed}`]);
}

/** The hash of the commit that is checked; `undefined` outside of a repository. */
async function commit(): Promise<string | undefined> {
  const git = new Deno.Command("git", { args: ["rev-parse", "HEAD"], cwd: ROOT, stderr: "null" });
  try {
    const { success, stdout } = await git.output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined; // there is no git
    throw error;
  }
}

/** Types are checked once for all lanes, by `deno check`. The modules with the tests of a lane are written into `folder`. */
async function laneJob(runtime: Runtime, lane: Lane, folder: string): Promise<Job> {
  const { name, files, parallel } = lane;
  const below = `${folder}/${runtime.name} ${name}`.replaceAll(" ", "-");
  const entries = await writeEntries(entriesOf(files), below, new URL("../", import.meta.url));
  const flags = ["-A", "--no-check", "--config", "deno.json", ...(parallel ? ["--parallel"] : [])];
  return job(runtime, name, ["test", ...flags, ...entries], true);
}

function checks(runtime: Runtime): Job[] {
  return [
    job(runtime, "fmt", ["fmt", "--check"]),
    job(runtime, "lint", ["lint"]),
    job(runtime, "check", ["check", "--quiet", "."]),
    ...pageChecks(runtime),
    job(runtime, "doc lint", ["doc", "--lint", "mod.ts", "src/pool/mod.ts", "src/testing/mod.ts"]),
    job(runtime, "doc tests", ["test", "-A", "--doc", "mod.ts", "src"], true),
  ];
}

/** The page of the dashboard runs in a browser, and so has a configuration of its own. */
function pageChecks(runtime: Runtime): Job[] {
  const config = ["--config", PAGE_CONFIG];
  return [
    job(runtime, "page fmt", ["fmt", "--check", ...config, PAGE]),
    job(runtime, "page lint", ["lint", ...config, PAGE]),
    job(runtime, "page check", ["check", "--quiet", ...config, `${PAGE}/main.tsx`]),
  ];
}

/**
 * Downloads everything that is downloaded at first use: two concurrent downloads of the same thing
 * can disturb each other.
 */
async function provide(
  runtimes: readonly Runtime[],
  runAll: (jobs: readonly Job[], slots: number) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryFolder();
  const bundle = ["bundle", "--output", `${folder.path}/hello.js`, "examples/hello.ts"];
  await runAll(
    runtimes.flatMap((runtime) => [
      job(runtime, "download", ["cache", ...DOWNLOADED]),
      job(runtime, "page download", ["cache", "--config", PAGE_CONFIG, `${PAGE}/main.tsx`]),
      job(runtime, "bundle", bundle),
    ]),
    1,
  );
}

/** An empty folder, which is removed when it is disposed. */
async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "deploy-ci-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** What users import and run: its types are also checked with those of the oldest version. */
const USED = ["mod.ts", "src/pool/mod.ts", "src/testing/mod.ts", "cli.ts", "fabric.ts"];

/** Modules that import every package of the program and of tests. */
const DOWNLOADED = ["cli.ts", "fabric.ts", "tests/project_test.ts", "tests/dashboard/browser.ts"];

async function versionOf(deno: string): Promise<string> {
  const { stdout } = await run(deno, ["eval", "console.log(Deno.version.deno)"]);
  return stdout.trim();
}

async function testFiles(folder = "tests/"): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${ROOT}${folder}`)) {
    if (isDirectory) found.push(...await testFiles(`${folder}${name}/`));
    else if (name.endsWith("_test.ts")) found.push(`${folder}${name}`);
  }
  return found.sort();
}

/** The jobs of `--fast`. */
async function fastJobs(latest: Runtime, lanes: readonly Lane[], folder: string): Promise<Job[]> {
  const units = lanes.filter(({ name }) => name === "units");
  const jobs = await Promise.all(units.map((lane) => laneJob(latest, lane, folder)));
  return [...jobs, ...checks(latest)];
}

/** All jobs, the longest first: those of either version run beside those of the other one. */
async function allJobs(
  latest: Runtime,
  oldest: Runtime | undefined,
  files: { readonly latest: readonly string[]; readonly oldest: readonly string[] },
  seed: number,
  folder: string,
): Promise<Job[]> {
  // Only the oldest version can compile.
  const lanes = planLanes(files.latest, SYSTEM_LANES)
    .filter(({ name }) => name !== "compiled")
    .map((lane) => ({ runtime: latest, lane }));
  if (oldest !== undefined) {
    lanes.push(...planLanes(files.oldest, SYSTEM_LANES).map((lane) => ({ runtime: oldest, lane })));
  }
  lanes.sort((a, b) => b.lane.costs - a.lane.costs);
  const types = oldest === undefined ? [] : [job(oldest, "check", ["check", "--quiet", ...USED])];
  return [
    ...await Promise.all(lanes.map(({ runtime, lane }) => laneJob(runtime, lane, folder))),
    chaosJob(latest, seed),
    ...checks(latest),
    ...types,
  ];
}

async function main(args: readonly string[]): Promise<number> {
  const { fast, every } = parseArgs(args, {
    boolean: ["fast", "every"],
    unknown: (arg) => {
      throw new TypeError(`unknown argument: ${arg}`);
    },
  });
  const lock = await Deno.readTextFile(`${ROOT}deno.lock`);
  const files = await testFiles();
  const latest = { name: Deno.version.deno, path: Deno.execPath(), env: SANITIZERS };
  const compileDeno = fast ? undefined : Deno.env.get("COMPILE_DENO");
  // Each version discards the other one's compiled code, and deploy the other one's bundle of the runtime: with
  // one cache, both would be twice as slow.
  await using cache = compileDeno === undefined ? undefined : await ownCache();
  // Not below the other one: Deno 2.6 does not resolve packages of a project in its own cache.
  await using user = await temporaryFolder();
  const oldest = compileDeno === undefined || cache === undefined ? undefined : {
    name: await versionOf(compileDeno),
    path: compileDeno,
    env: {
      ...SANITIZERS,
      DENO_DIR: cache.folder,
      XDG_CACHE_HOME: user.path,
      DEPLOY_TEST_EXECUTABLES: cache.folder,
      // Each promise is tested with spares by the latest version, and without them here. Tests of spares say how many.
      DEPLOY_SPARES: "0",
    },
  };

  const results: JobResult[] = [];
  const runAll = async (jobs: readonly Job[], slots: number): Promise<void> => {
    await runJobs(jobs, slots, (each) => runJob(each, ROOT), (result) => {
      results.push(result);
      console.log(describeResult(result));
      if (!fast) console.log(result.output);
    });
  };
  await using folder = await temporaryFolder();
  if (fast) {
    await runAll(await fastJobs(latest, planLanes(files, SYSTEM_LANES), folder.path), SLOTS);
  } else {
    await provide([latest, ...(oldest === undefined ? [] : [oldest])], runAll);
    const both = { latest: files, oldest: every ? files : onOldest(files) };
    const seed = seedOf(await commit(), Math.random());
    await runAll(await allJobs(latest, oldest, both, seed, folder.path), SLOTS);
  }

  const others: string[] = [];
  if (!fast && oldest === undefined) others.push("COMPILE_DENO is not set: only one version ran");
  if (await Deno.readTextFile(`${ROOT}deno.lock`) !== lock) others.push("deno.lock was changed");
  const { success, text } = report(results, others);
  console.log(text);
  return success ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
