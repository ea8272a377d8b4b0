/** The speed of showing output. */

import { clockMs, runArgs } from "../deno_program.ts";
import { openRow } from "../open.ts";
import { WRITE_BYTES, WRITES } from "../programs/sizes.ts";
import type { Row } from "../row.ts";
import { run } from "../tools.ts";

export const OUTPUT: Row = {
  name: "output",
  title: "64 KiB writes to stdout by one process, shown to a file",
  unit: "MB/s",
  goal: { judges: "ratio", better: "more", must: 0.5, stretch: 0.65 },
  rounds: 7,
  async open() {
    const folder = await Deno.makeTempDir({ prefix: "deploy-bench-" });
    const remove = {
      [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
    };
    const side = (name: string, program: string) => ({
      name,
      measure: () => shownRate(program, `${folder}/shown`),
    });
    return openRow([
      side("process of a run", "write_deploy.ts"),
      side("pipe, read by a bare Deno program", "write_pipe.ts"),
    ], [remove]);
  },
};

/** Runs a program with its stdout in a file; returns the file's growth in MB/s. */
async function shownRate(program: string, path: string): Promise<number> {
  await run("sh", [
    ...["-c", 'out=$1; shift; exec "$@" >"$out"', "sh", path, Deno.execPath()],
    ...runArgs(program),
  ], { env: { DEPLOY_FORMAT: "", DEPLOY_LOG: "", DEPLOY_RESOURCES: "", NO_COLOR: "1" } });
  const endMs = clockMs();
  using file = await Deno.open(path);
  const head = new Uint8Array(64);
  const count = await file.read(head);
  const { size } = await file.stat();
  const bytes = WRITES * WRITE_BYTES;
  if (size !== bytes + (count ?? 0)) throw new Error(`${program} shows ${size} B, not ${bytes}`);
  const beganMs = Number(new TextDecoder().decode(head));
  return bytes / 1e3 / (endMs - beganMs);
}
