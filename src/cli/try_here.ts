/** The trial boot of a program on this machine, as on its node, for a dry run. */

// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { inProject } from "../core/run_layout.ts";
import type { Logger } from "../core/logger.ts";
import type { Resources } from "../core/resources.ts";
import { trialBoot } from "../host/trial_boot.ts";
import { runProgram } from "../host/run_program.ts";
import { findDeno } from "../build/find_deno.ts";
import type { Deployed } from "./session.ts";

export { TrialBootError } from "../core/trial_boot_error.ts";

/**
 * Boots the program here on trial, up to `init()`.
 *
 * @returns The needs of its first process, from the program and the overrides.
 * @throws {TrialBootError} If it does not reach `init()`.
 */
export async function tryHere(
  { spec, sources, resources }: Deployed,
  options: { folder: string; logger: Logger; signal: AbortSignal },
): Promise<Resources> {
  const folder = `${options.folder}/run`;
  const { main, runtime, includes } = spec;
  const paths = [
    main,
    ...includes.map(({ path }) => inProject(path)),
    ...(runtime === undefined ? [] : [runtime.name]),
  ];
  for (const [index, path] of paths.entries()) {
    await Deno.mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await Deno.copyFile(sources[index]!.path, `${folder}/${path}`);
  }
  await Deno.mkdir(`${folder}/${inProject(spec.cwd)}`, { recursive: true });
  const program = runProgram(spec, folder, {
    // A compiled deploy also needs a deno to run a bundle.
    execPath: spec.kind === "bundle" ? await findDeno() : Deno.execPath(),
    standalone: false,
    variable: (name) => Deno.env.get(name),
  });
  return { ...await trialBoot(program, options), ...resources };
}
