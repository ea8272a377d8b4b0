/**
 * Makes the executables `dist/fabric` and `dist/deploy`: `deno task build [--target T]…`
 *
 * Without `--target`, they are for this machine. For each named target, they are in
 * `dist/<target>/`. They are compiled by the deno in `COMPILE_DENO`, or else by the one that runs this.
 */

import config from "../deno.json" with { type: "json" };
import { BuildError } from "../src/build/build_error.ts";
import { readProgram } from "../src/build/entry.ts";
import { EMBEDDED } from "../src/build/runtime_source.ts";
import { BUILT_FOLDER } from "../src/dashboard/assets.ts";
import { bundlePage } from "../src/dashboard/page_bundle.ts";
import { NO_SETTINGS } from "../src/core/runtime_settings.ts";
import { compileModule } from "../src/build/executable.ts";
import { refuseMore, type Scanned } from "../src/cli/arguments.ts";
import type { Executable } from "../src/cli/executable.ts";
import { runExecutable } from "../src/cli/run_executable.ts";
import { wordArgument } from "../src/cli/values.ts";

/** The unstable features of Deno that only add to it. */
const PROGRAM_FEATURES = ["broadcast-channel", "cron", "kv", "net"];

/** The targets of `deno compile`. */
const TARGETS = [
  "aarch64-apple-darwin",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "x86_64-pc-windows-msvc",
  "x86_64-unknown-linux-gnu",
];

const PROGRAMS: readonly [name: string, entry: string][] = [
  ["fabric", "fabric.ts"],
  ["deploy", "cli.ts"],
];

const ROOT = `${import.meta.dirname}/..`;

/**
 * The lock file of the executables. An executable contains all packages of its lock file: that of the project
 * also has those of the dashboard's page and of tests.
 */
const LOCK = `${ROOT}/scripts/executables.lock`;

const BUILD: Executable = {
  name: "deno task build",
  version: config.version,
  main: {
    name: "",
    summary: "Make the executables dist/fabric and dist/deploy",
    usage: [{ form: "[--target T]…" }],
    options: {
      "target": {
        value: "T",
        summary: "for this system, into dist/T (repeatable); default this one",
        completes: TARGETS,
      },
    },
    examples: ["deno task build --target aarch64-apple-darwin"],
    exitStatus: "0; 1 if it cannot be built; 2 for a bad argument",
  },
  commands: [],
};

/** Makes the script and the style of the dashboard; returns their folder. */
async function writePage(deno: string): Promise<string> {
  const folder = `${ROOT}/${BUILT_FOLDER}`;
  const { script, style } = await bundlePage({ deno, cache: undefined });
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/page.js`, script);
  await Deno.writeTextFile(`${folder}/page.css`, style);
  return folder;
}

async function buildAll(target: string | undefined): Promise<void> {
  const folder = target === undefined ? `${ROOT}/dist` : `${ROOT}/dist/${target}`;
  await Deno.mkdir(folder, { recursive: true });
  const deno = Deno.env.get("COMPILE_DENO") ?? Deno.execPath();
  const page = await writePage(deno);
  const extension = (target ?? Deno.build.os).includes("windows") ? ".exe" : "";
  for (const [name, module] of PROGRAMS) {
    const start = performance.now();
    const path = `${folder}/${name}${extension}`;
    const entry = readProgram(`${ROOT}/${module}`, { flags: ["--lock", LOCK] });
    if (entry === undefined) throw new BuildError(`Cannot build ${module}: it is not a module`);
    // Not as a bundle: fabric restarts itself for each process, and loads only a few modules then.
    await compileModule(deno, entry, path, {
      ...(target === undefined ? {} : { target }),
      // Programs may ask for them, and their bundles run in this executable.
      ...(name === "fabric" && { settings: { ...NO_SETTINGS, unstable: PROGRAM_FEATURES } }),
      // What programs import: deploy builds them where this repository is not. And the dashboard.
      ...(name === "deploy" && { include: [...EMBEDDED.map((path) => `${ROOT}/${path}`), page] }),
    });
    const mb = ((await Deno.stat(path)).size / 1e6).toFixed(1);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${path.slice(ROOT.length + 1)}  ${mb} MB, ${seconds} s`);
  }
}

async function build(scanned: Scanned): Promise<number> {
  refuseMore(scanned.operands, 0, "options only");
  const targets = (scanned.options.get("target") ?? [])
    .map((target) => wordArgument(target, "--target", TARGETS));
  try {
    for (const target of targets.length === 0 ? [undefined] : targets) await buildAll(target);
    return 0;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.details === "" ? error.message : `${error.details}\n\n${error.message}`);
    return 1;
  }
}

const output = { out: console.log, error: console.error };
Deno.exit(await runExecutable(BUILD, Deno.args, output, build));
