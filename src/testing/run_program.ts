/** Runs a program on this machine, as `deno run` does. */

import { pathOf } from "./paths.ts";
import { type ProgramOptions, ProgramRun, type RunResult } from "./program_run.ts";

/** How a program is run on this machine. */
export interface RunProgramOptions extends ProgramOptions {
  /** Arguments of `deno run`: permissions, `--config`. @default ["-A"] */
  readonly denoArgs?: readonly string[];
}

/**
 * Runs a program on this machine to its end, with the Deno that runs the test, as a user would run it:
 * `deno run -A main.ts`. The project of the program, its `deno.json`, is found as `deno run` finds it.
 *
 * A program that fails does not reject: its `code` and its processes' statuses tell. What it writes to its
 * temporary files goes into a folder of its own, named by `TMPDIR`. Its processes have a variable
 * `TEST_RUN_MARK`, by which those that are left are found.
 *
 * @param program The main module.
 * @throws {LeftoverError} If processes of the run are left 5 s after its end (this is looked for on Linux
 * only), or files in its folder for temporary files.
 * @throws {Error} If the run takes longer than `timeoutMs`, and has been ended.
 * @example
 * ```ts ignore
 * import { runProgram } from "deploy/testing";
 *
 * Deno.test("workers add up to 4500", async () => {
 *   const { code, stdout, processes } = await runProgram(new URL("./workers.ts", import.meta.url));
 *   if (code !== 0 || !stdout.endsWith("total 4500!\n")) throw new Error(stdout);
 *   if (processes.length !== 11) throw new Error(`${processes.length} processes`);
 * });
 * ```
 */
export async function runProgram(
  program: string | URL,
  options: RunProgramOptions = {},
): Promise<RunResult> {
  const { args = [], denoArgs = ["-A"], env = {}, cwd, stdin, timeoutMs } = options;
  const path = pathOf(program);
  const folder = await Deno.makeTempDir({ prefix: "deploy-testing-" });
  const run = new ProgramRun({
    path: Deno.execPath(),
    args: ["run", "--quiet", ...denoArgs, path, ...args],
    env: { TMPDIR: folder, NO_COLOR: "1", ...env, DEPLOY_FORMAT: "json" },
    ...{ cwd, stdin, timeoutMs },
  }, { name: path, mark: crypto.randomUUID(), folders: [folder] });
  const [ended, closed] = [
    await settled(run.ended),
    await settled(run[Symbol.asyncDispose]()),
  ];
  // The run's own error tells more than what is left of the run.
  if (ended.status === "rejected") throw ended.reason;
  if (closed.status === "rejected") throw closed.reason;
  return ended.value;
}

async function settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [result] = await Promise.allSettled([promise]);
  return result;
}
