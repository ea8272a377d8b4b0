/** Checks the types of a program with `deno check`. */

import type { Entry } from "./entry.ts";
import { entryToCheck } from "./own_runtime.ts";
import { runDeno } from "./run_deno.ts";

/**
 * Checks the types of a program.
 *
 * @param options `folder` is that of the build.
 * @throws {BuildError} If they are wrong; `details` is what deno says.
 */
export async function checkTypes(
  deno: string,
  entry: Entry,
  { folder, signal }: { readonly folder: string; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const checked = await entryToCheck(entry, folder);
  await runDeno({
    deno,
    entry: checked,
    args: ["check", "--quiet", "--allow-import", ...checked.flags, `./${entry.name}`],
    explain: (output) => /\bTS\d+ \[ERROR\]/.test(output) ? "its types are wrong" : undefined,
    ...(signal === undefined ? {} : { signal }),
  });
}
