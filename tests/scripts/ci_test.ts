/** How CI splits the tests, and reports the results. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { entriesOf, writeEntries } from "../../scripts/ci/entries.ts";
import { type Job, type JobResult, runJob, runJobs } from "../../scripts/ci/job.ts";
import { ON_LATEST, onOldest, planLanes } from "../../scripts/ci/lanes.ts";
import { describeResult, report } from "../../scripts/ci/report.ts";
import { seedOf } from "../../scripts/ci/seed.ts";
import { failureText, readCounts } from "../../scripts/ci/test_output.ts";

function job(name: string, script: string, tests = false): Job {
  return { name, command: ["/bin/sh", "-c", script], env: { WHO: name }, tests };
}

function result(output: string, success: boolean, tests = true): JobResult {
  return { job: job("2.9 units", "", tests), success, output, seconds: 1 };
}

const PASSED = "running 2 tests\nok | 2 passed (3 steps) | 0 failed (5ms)\n";
const FAILED = `one ... FAILED

 ERRORS 

one => ./tests/one_test.ts:3:6
error: AssertionError: Values are not equal.

 FAILURES 

one => ./tests/one_test.ts:3:6

FAILED | 4 passed (1 step) | 1 failed (2 steps) | 2 ignored (5ms)

error: Test failed
`;

Deno.test("planLanes() puts each file in one lane, and balances the lanes of whole programs", () => {
  const files = [
    ...["channel/peer", "core/pid", "wire/frame", "layers", "process/init"],
    ...["chaos/faults", "fabric/fabric", "fabric/losses", "system/deploy_ends", "system/deploy"],
    ...["system/hosts", "system/processes", "compiled/build"],
  ].map((name) => `tests/${name}_test.ts`);
  const lanes = planLanes(files, 2);
  assertEquals(lanes.flatMap((lane) => lane.files).sort(), files.toSorted());
  const names = lanes.map(({ name }) => name);
  assertEquals(names.toSorted(), ["compiled", "faults", "system 1", "system 2", "units"]);
  for (const { name, files, parallel, costs } of lanes) {
    assertEquals(parallel, name === "units");
    assert(costs > 0, name);
    if (name !== "units") continue;
    assertEquals(
      files,
      ["channel/peer", "core/pid", "wire/frame"].map((f) => `tests/${f}_test.ts`),
    );
  }
  const [one, two] = lanes.filter(({ name }) => name.startsWith("system")).map((l) => l.costs);
  assert(one! / two! < 1.5, `${one} and ${two}`);
  const costs = lanes.map((lane) => lane.costs);
  assertEquals(costs, costs.toSorted((a, b) => b - a));
});

Deno.test("onOldest() leaves out what is the same on every version, by names of files that are there", async () => {
  const left = ["tests/system/deploy_runs_test.ts", "tests/chaos/faults_test.ts"];
  const kept = [
    ...["tests/system/alike_test.ts", "tests/system/api_spawn_test.ts", "tests/core/pid_test.ts"],
    ...["tests/compiled/build_test.ts", "tests/process/init_test.ts"],
  ];
  assertEquals(onOldest([...left, ...kept]), kept);
  const root = new URL("../../", import.meta.url);
  for (const path of ON_LATEST) assert((await Deno.stat(new URL(path, root))).isFile, path);
});

Deno.test("entriesOf() has one isolate for the files of a folder, where these may share one", () => {
  const paths = (names: string[]) => names.map((name) => `tests/${name}_test.ts`);
  const files = paths(["bridge/a", "bridge/b", "cli/c", "codec/d", "codec/e", "layers"]);
  assertEquals(entriesOf(files), [
    { name: "bridge_test.ts", files: paths(["bridge/a", "bridge/b"]) },
    ...paths(["cli/c", "codec/d", "codec/e", "layers"]).map((file) => ({ file })),
  ]);
});

Deno.test("writeEntries() makes modules with all tests of their files", async () => {
  const folder = await Deno.makeTempDir({ prefix: "deploy-ci-test-" });
  try {
    for (const name of ["a", "b"]) {
      await Deno.writeTextFile(`${folder}/${name}_test.ts`, `Deno.test("${name}", () => {});`);
    }
    const entry = { name: "both_test.ts", files: ["a_test.ts", "b_test.ts"] };
    const root = new URL(`file://${folder}/`);
    const written = await writeEntries([entry, { file: "c_test.ts" }], `${folder}/made`, root);
    assertEquals(written, [`${folder}/made/both_test.ts`, "c_test.ts"]);
    const command = [Deno.execPath(), "test", "--no-config", "--no-check", written[0]!] as const;
    const { output } = await runJob({ name: "", command, env: {}, tests: true }, folder);
    assertEquals(readCounts(output), { passed: 2, failed: 0, ignored: 0 }, output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("seedOf() gives each commit a seed of its own, always the same, and a random one without a commit", () => {
  assertEquals(seedOf("00000101f7a2c1e934a97c91a4302c1d32f0d63a", 0.5), 257);
  assertEquals(seedOf("ffffffff", 0.5), 2 ** 32 - 1);
  for (const none of [undefined, "", "fatal: no"]) assertEquals(seedOf(none, 0.5), 2 ** 31);
});

Deno.test("planLanes() makes no empty lanes", () => {
  assertEquals(planLanes([], 2), []);
  assertEquals(planLanes(["tests/system/a_test.ts"], 2).map(({ name }) => name), ["system 1"]);
});

Deno.test("readCounts() takes the last counts of deno test", () => {
  assertEquals(readCounts(PASSED), { passed: 2, failed: 0, ignored: 0 });
  assertEquals(readCounts(FAILED), { passed: 4, failed: 1, ignored: 2 });
  assertEquals(readCounts(PASSED + FAILED), { passed: 4, failed: 1, ignored: 2 });
  assertEquals(readCounts("ok | 3 passed | 0 failed | 5 filtered out (1ms)"), {
    passed: 3,
    failed: 0,
    ignored: 0,
  });
  for (
    const text of ["", "ok", "the test said: ok | 2 passed | 0 failed", "error: no such module"]
  ) {
    assertEquals(readCounts(text), undefined, text);
  }
});

Deno.test("readCounts() reads the output of the current deno, with and without failures", async () => {
  const folder = await Deno.makeTempDir({ prefix: "deploy-ci-test-" });
  try {
    const write = (text: string) => Deno.writeTextFile(`${folder}/a_test.ts`, text);
    const test = () =>
      runJob({
        name: "",
        command: [Deno.execPath(), "test", "--no-config", "--no-check", folder],
        env: { FORCE_COLOR: "1" },
        tests: true,
      }, folder);
    await write(`Deno.test("a", () => {}); Deno.test.ignore("b", () => {});`);
    const good = await test();
    assertEquals(good.success, true, good.output);
    assertEquals(readCounts(good.output), { passed: 1, failed: 0, ignored: 1 });
    await write(`Deno.test("a", () => { throw new Error("as expected"); });`);
    const bad = await test();
    assertEquals(bad.success, false);
    assertEquals(readCounts(bad.output), { passed: 0, failed: 1, ignored: 0 });
    const text = failureText(bad.output);
    assertStringIncludes(text, "as expected");
    assert(text.startsWith("a => ./a_test.ts:1:"), text);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("failureText() gives the errors, or the last lines if there are none", () => {
  assertEquals(
    failureText(FAILED),
    "one => ./tests/one_test.ts:3:6\nerror: AssertionError: Values are not equal.",
  );
  const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`);
  assertEquals(failureText(lines.join("\n") + "\n"), lines.slice(60).join("\n"));
});

Deno.test("report() counts tests, and fails for anything unexpected", () => {
  const good = result(PASSED, true);
  assertEquals(report([good, good]), { success: true, text: "4 passed, 0 failed" });
  assertEquals(
    report([good, result("unformatted", false, false)]).text,
    "── failed: 2.9 units\nunformatted\nTo repeat it: /bin/sh -c \n\n2 passed, 1 failed",
  );
  const cases: [results: JobResult[], others: string[], last: string, told: string][] = [
    [[good, result(FAILED, false)], [], "6 passed, 1 failed", "Values are not equal"],
    [[result("no such file", false)], [], "0 passed, 1 failed", "no counts"],
    [[result("", true)], [], "0 passed, 1 failed", "no counts"],
    [
      [result("ok | 1 passed | 0 failed | 3 ignored (1ms)", true)],
      [],
      "1 passed, 1 failed",
      "3 tests",
    ],
    [[good], ["deno.lock was changed"], "2 passed, 1 failed", "deno.lock was changed"],
    [[result(PASSED, false)], [], "2 passed, 1 failed", "ok | 2 passed"],
  ];
  for (const [results, others, last, told] of cases) {
    const { success, text } = report(results, others);
    assertEquals(success, false);
    assertEquals(text.split("\n").at(-1), last);
    assertStringIncludes(text, told);
  }
});

Deno.test("runJobs() runs the given number at a time, in order, and reports each with its whole output", async () => {
  let [running, most] = [0, 0];
  const told: string[] = [];
  const jobs = ["a", "b", "c", "d", "e"].map((name) => job(name, ""));
  const results = await runJobs(jobs, 2, async (each) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    return { job: each, success: true, output: each.name, seconds: 0 };
  }, ({ output }) => told.push(output));
  assertEquals(most, 2);
  assertEquals(told.toSorted(), ["a", "b", "c", "d", "e"]);
  assertEquals(results.length, 5);
});

Deno.test("runJob() gives the exit, and both streams", async () => {
  const { success, output, job: { name } } = await runJob(
    job("me", 'echo "é $WHO"; echo two >&2; exit 3'),
    "/",
  );
  assertEquals([success, name], [false, "me"]);
  assertEquals(output.split("\n").sort(), ["", "two", "é me"]);
  assertEquals(describeResult(result("", true)), "── 2.9 units: ok (1 s)");
});

Deno.test("runJob() does not wait for what a job leaves running, and counts it as a failure", async () => {
  const file = await Deno.makeTempFile();
  try {
    const script = `sleep 30 & echo $! >${file}`;
    const { success, output } = await runJob(job("parent", script), "/", 100);
    Deno.kill(Number(await Deno.readTextFile(file)), "SIGKILL");
    assertEquals(success, false);
    assertStringIncludes(output, "leave a process behind");
  } finally {
    await Deno.remove(file);
  }
});
