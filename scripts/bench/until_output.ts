/** How long a command of deno takes until it shows something. */

import { drain } from "./drain.ts";

/** The variables that deploy and a local run read, so that those of this process change nothing. */
export const PLAIN_VARIABLES = {
  ...{ DEPLOY_SECRET_FILE: "", DEPLOY_BRIDGE: "", DEPLOY_FORMAT: "", DEPLOY_LOG: "" },
  ...{ DEPLOY_RESOURCES: "", DEPLOY_SPARES: "", NO_COLOR: "1" },
};

/** Runs deno to its end; returns the time to its first output on stdout, in ms. */
export async function untilOutput(args: readonly string[], cwd: string): Promise<number> {
  const start = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: PLAIN_VARIABLES,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = drain(child.stderr);
  let ms: number | undefined;
  for await (const _ of child.stdout) ms ??= performance.now() - start;
  const { code } = await child.status;
  if (code === 0 && ms !== undefined) return ms;
  throw new Error(`deno ${args.join(" ")} ended with ${code}:\n${stderr.text}`);
}
