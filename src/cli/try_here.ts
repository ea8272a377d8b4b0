/** The trial boot of a program on this machine, as on its node, for a dry run. */

import type { Logger } from "../core/logger.ts";
import type { Resources } from "../core/resources.ts";
import type { Pack } from "../core/tree.ts";
import type { PackData } from "../store/mirror.ts";
import { RunFolder } from "../store/run_folder.ts";
import { PieceSource } from "../build/piece_source.ts";
import { checkExecutable } from "../host/executable_file.ts";
import { trialBoot } from "../host/trial_boot.ts";
import { runProgram, thisRuntime, writeSettings } from "../host/run_program.ts";
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
  await checkExecutable(spec, sources[0]!.parts[0]!.path);
  await using folder = await RunFolder.make(options.folder, "run");
  const { main, cwd, runtime, tree } = spec;
  using pieces = new PieceSource(sources);
  const contents = async (pack: Pack, index: number): Promise<PackData> => {
    const [only, ...others] = sources[index + 1]!.parts;
    if (others.length === 0) return { path: only!.path };
    const [hash] = pack.manifest.pieces;
    return { bytes: hash === undefined ? new Uint8Array() : await pieces.read(hash) };
  };
  await folder.mirror(tree, { cwd, contents, signal: options.signal });
  await folder.place(sources[0]!.parts[0]!.path, main);
  if (runtime !== undefined) await folder.place(sources.at(-1)!.parts[0]!.path, runtime.name);
  await writeSettings(spec, folder.path);
  const program = runProgram(spec, folder.path, {
    ...thisRuntime(),
    // A compiled deploy also needs a deno to run a bundle.
    execPath: spec.kind === "bundle" ? await findDeno() : Deno.execPath(),
    standalone: false,
  });
  return { ...await trialBoot(program, options), ...resources };
}
