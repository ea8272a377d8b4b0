/** Tries a program on this machine, as its node would: for a dry run. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import type { Logger } from "../core/logger.ts";
import type { Resources } from "../core/resources.ts";
import { trialBoot } from "../host/trial_boot.ts";
import { runProgram } from "../host/run_program.ts";
import { findDeno } from "../build/find_deno.ts";
import type { Deployed } from "./session.ts";

export { TrialBootError } from "../core/trial_boot_error.ts";

/**
 * Runs the program here, as far as `init()`.
 *
 * @returns What its first process needs, by what it says itself and by what overrides that.
 * @throws {TrialBootError} If it does not come so far.
 */
export async function tryHere(
  { spec, sources, resources }: Deployed,
  options: { folder: string; logger: Logger; signal: AbortSignal },
): Promise<Resources> {
  const folder = `${options.folder}/run/work`;
  for (const [index, path] of [spec.main, ...spec.includes.map(({ path }) => path)].entries()) {
    await Deno.mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await Deno.copyFile(sources[index]!.path, `${folder}/${path}`);
  }
  const { runtime } = spec;
  if (runtime !== undefined) {
    await Deno.copyFile(sources.at(-1)!.path, `${options.folder}/run/${runtime.name}`);
  }
  const program = runProgram(spec, folder, {
    // A bundle that is run by a compiled deploy, too, needs a deno.
    execPath: spec.kind === "bundle" ? await findDeno() : Deno.execPath(),
    standalone: false,
    variable: (name) => Deno.env.get(name),
  });
  return { ...await trialBoot(program, options), ...resources };
}
