// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { runProgram } from "../../src/host/run_program.ts";
import { EMPTY_TREE } from "../../src/core/tree.ts";
import type { RunSpec } from "../../src/wire/run_spec.ts";

const manifest = { size: 0, pieces: [] };
const BUNDLE: RunSpec = {
  kind: "bundle",
  name: "main.ts",
  main: "main.mjs",
  cwd: "src",
  manifest,
  args: ["-x", "y"],
  env: { PATH: "/mine", GREETING: "hello" },
  tree: EMPTY_TREE,
};
const EXECUTABLE: RunSpec = { ...BUNDLE, kind: "executable", main: "main" };
const NODE_ENV: Record<string, string> = { PATH: "/bin", HOME: "/home/n", AWS_SECRET: "s" };
const variable = (name: string): string | undefined => NODE_ENV[name];
const fromSource = { execPath: "/usr/bin/deno", standalone: false, variable };
const compiled = { execPath: "/opt/fabric", standalone: true, variable };
const env = { PATH: "/mine", HOME: "/home/n", GREETING: "hello" };

Deno.test("runProgram() runs a bundle with deno where fabric runs from source", () => {
  assertEquals(runProgram(BUNDLE, "/runs/1", fromSource), {
    command: "/usr/bin/deno",
    args: [
      "run",
      "--allow-all",
      "--no-config",
      "--no-lock",
      "--no-prompt",
      "/runs/1/main.mjs",
      "-x",
      "y",
    ],
    cwd: "/runs/1/work/src",
    env,
  });
});

Deno.test("runProgram() runs a bundle with fabric itself where that is compiled", () => {
  assertEquals(runProgram(BUNDLE, "/runs/1", compiled), {
    command: "/opt/fabric",
    args: ["-x", "y"],
    cwd: "/runs/1/work/src",
    env: { ...env, DEPLOY_BUNDLE: "/runs/1/main.mjs" },
  });
});

Deno.test("runProgram() runs a program without a folder of its own in the root of its project", () => {
  assertEquals(runProgram({ ...BUNDLE, cwd: "" }, "/runs/1", compiled).cwd, "/runs/1/work");
});

for (const runtime of [fromSource, compiled]) {
  Deno.test(`runProgram() runs an executable as it is, standalone: ${runtime.standalone}`, () => {
    assertEquals(runProgram(EXECUTABLE, "/runs/1", runtime), {
      command: "/runs/1/main",
      args: ["-x", "y"],
      cwd: "/runs/1/work/src",
      env,
    });
  });
}

Deno.test("runProgram() passes only the variables of the node that a runtime needs", () => {
  assertEquals(runProgram(EXECUTABLE, "/runs/1", fromSource).env?.["AWS_SECRET"], undefined);
});
