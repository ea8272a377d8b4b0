// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertThrows } from "@std/assert";
import { flagsOf, permissionsOf } from "../../src/core/permissions.ts";
import { ProgramError } from "../../src/host/program.ts";
import { NO_SETTINGS } from "../../src/core/runtime_settings.ts";
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
const hasFeature = (name: string): boolean => name === "kv";
const fromSource = { execPath: "/usr/bin/deno", standalone: false, variable, hasFeature };
const compiled = { execPath: "/opt/fabric", standalone: true, variable, hasFeature };
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
    flagsAt: 5,
    cwd: "/runs/1/work/src",
    env,
    isBundle: true,
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

Deno.test("runProgram() has a compiled fabric take on settings as far as it can", () => {
  const settings = {
    ...{ unstable: ["kv"], permissions: ["--deny-ffi", "--deny-run"], v8Flags: [] },
    certificates: "pem",
  };
  assertEquals(runProgram({ ...BUNDLE, settings }, "/runs/1", compiled).env, {
    ...env,
    DEPLOY_BUNDLE: "/runs/1/main.mjs",
    DEPLOY_REVOKED: "run,ffi",
    DENO_CERT: "/runs/1/certificates.pem",
  });
  assertThrows(
    () => runProgram({ ...BUNDLE, settings: { ...settings, unstable: ["ffi"] } }, "/1", compiled),
    ProgramError,
    "Cannot run main.ts with --unstable-ffi: this fabric is an executable",
  );
});

Deno.test("runProgram() refuses permissions with which a process cannot become one", () => {
  const settings = { unstable: [], permissions: ["--allow-net", "--allow-read"], v8Flags: [] };
  for (const runtime of [fromSource, compiled]) {
    assertThrows(
      () => runProgram({ ...BUNDLE, settings }, "/runs/1", runtime),
      ProgramError,
      "Cannot start: this program needs --allow-env and --allow-write; deploy it with: deploy -A main.ts",
    );
  }
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

Deno.test("runProgram() limits a bundle to what its node allows", () => {
  const cap = permissionsOf(["--allow-net=10.0.0.0/8", "--allow-read=."]);
  const settings = { unstable: [], permissions: ["--deny-net=10.1.1.1"], v8Flags: [] };
  const { permissions, capped, env } = runProgram({ ...BUNDLE, settings }, "/runs/1", fromSource, {
    cap,
  });
  // What Deno writes for it without asking goes with the run.
  assertEquals(env?.["DENO_DIR"], "/runs/1/deno");
  assertEquals(flagsOf(permissions!), [
    "--allow-read=.",
    "--allow-net=10.0.0.0/8",
    "--deny-net=10.1.1.1",
  ]);
  assertEquals(capped, ["read", "write", "net", "env", "sys", "run", "ffi", "import"]);
});

Deno.test("runProgram() has a compiled fabric give up what its node does not allow", () => {
  const cap = permissionsOf(["--deny-run", "--deny-ffi"]);
  const program = runProgram(BUNDLE, "/runs/1", compiled, { cap });
  assertEquals(program.env?.["DEPLOY_REVOKED"], "run,ffi");
  assertEquals(program.capped, ["run", "ffi"]);
});

Deno.test("runProgram() runs no executable on a node with limits", () => {
  assertThrows(
    () => runProgram(EXECUTABLE, "/runs/1", fromSource, { cap: permissionsOf(["--deny-run"]) }),
    ProgramError,
    "Cannot run main.ts: this node limits what programs may do, and an executable has the permissions that it was " +
      "compiled with; deploy the program without --release",
  );
});

Deno.test("runProgram() runs nothing with what could lift the limits of its node", () => {
  const { PATH: _, ...harmless } = BUNDLE.env;
  const run = (
    { env = {}, v8Flags = [] as string[] },
    cap: string | undefined = "--deny-run",
    runtime = fromSource,
  ) =>
    runProgram(
      { ...BUNDLE, env: { ...harmless, ...env }, settings: { ...NO_SETTINGS, v8Flags } },
      "/runs/1",
      runtime,
      { cap: cap === "" ? undefined : permissionsOf([cap]) },
    );
  for (
    const name of [
      ...["LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "DENO_PERMISSION_BROKER_PATH", "DENO_DIR"],
      ...["OTEL_EXPORTER_OTLP_ENDPOINT", "https_proxy", "SSLKEYLOGFILE", "NODE_OPTIONS"],
    ]
  ) {
    for (const runtime of [fromSource, compiled]) {
      assertThrows(
        () => run({ env: { [name]: "x" } }, "--deny-run", runtime),
        ProgramError,
        `Cannot run main.ts with --env ${name}: this node limits what programs may do, and that could lift the ` +
          "limits; deploy it without",
      );
    }
    run({ env: { [name]: "x" } }, "");
  }
  for (const flag of ["--allow-natives-syntax", "--logfile=/home/a/.profile", "--expose-gc=1x"]) {
    assertThrows(() => run({ v8Flags: [flag] }), ProgramError, `with --v8-flags=${flag}: this`);
    run({ v8Flags: [flag] }, "");
  }
  run({ env: { NODE_ENV: "test", TERM: "xterm" }, v8Flags: ["--expose-gc", "--stack-size=2000"] });
  // By it Deno finds the commands that are named.
  run({ env: { PATH: "bin" } });
  assertThrows(() => run({ env: { PATH: "bin" } }, "--allow-run=git"), ProgramError, "--env PATH");
});
