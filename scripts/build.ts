/**
 * Makes the executables `dist/fabric` and `dist/deploy`: `deno task build [--target T]…`
 *
 * Without `--target`, they are for this machine. For each target that is named, they are in
 * `dist/<target>/`. The deno in `COMPILE_DENO` compiles, or else the one that runs this.
 */

import { BuildError } from "../src/build/build_error.ts";
import { readProgram } from "../src/build/entry.ts";
import { compileModule } from "../src/build/executable.ts";

/** What `deno compile --target` knows. */
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

/** Reads the arguments. @throws {SyntaxError} If they are not `--target`s. */
function readTargets(args: readonly string[]): string[] {
  const targets: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const [flag = "", inline] = (args[index] ?? "").split("=", 2);
    if (flag !== "--target") throw new SyntaxError(`${JSON.stringify(flag)} is no option`);
    const target = inline ?? args[++index] ?? "";
    if (!TARGETS.includes(target)) {
      throw new SyntaxError(`--target is ${JSON.stringify(target)}; one of ${TARGETS.join(", ")}`);
    }
    targets.push(target);
  }
  return targets;
}

async function buildAll(target: string | undefined): Promise<void> {
  const folder = target === undefined ? `${ROOT}/dist` : `${ROOT}/dist/${target}`;
  await Deno.mkdir(folder, { recursive: true });
  const deno = Deno.env.get("COMPILE_DENO") ?? Deno.execPath();
  const extension = (target ?? Deno.build.os).includes("windows") ? ".exe" : "";
  for (const [name, module] of PROGRAMS) {
    const start = performance.now();
    const path = `${folder}/${name}${extension}`;
    const entry = readProgram(`${ROOT}/${module}`);
    if (entry === undefined) throw new BuildError(`Cannot build ${module}: it is no module`);
    // Not as a bundle: fabric starts itself again for each process, and loads but little then.
    await compileModule(deno, entry, path, target === undefined ? {} : { target });
    const mb = ((await Deno.stat(path)).size / 1e6).toFixed(1);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${path.slice(ROOT.length + 1)}  ${mb} MB, ${seconds} s`);
  }
}

try {
  const targets = readTargets(Deno.args);
  for (const target of targets.length === 0 ? [undefined] : targets) await buildAll(target);
} catch (error) {
  if (error instanceof BuildError) {
    console.error(error.details === "" ? error.message : `${error.details}\n\n${error.message}`);
    Deno.exit(1);
  }
  if (!(error instanceof SyntaxError)) throw error;
  console.error(`${error.message}\n\nUsage: deno task build [--target T]…`);
  Deno.exit(2);
}
