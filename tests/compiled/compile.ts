/** Compiles executables with the deno in `COMPILE_DENO`, or with the one that runs the test. */

// @ts-types="../../types/std_assert.d.ts"
import { assert } from "@std/assert";
import { EMBEDDED } from "../../src/build/runtime_source.ts";

const ROOT = `${import.meta.dirname}/../..`;

/** An executable in a folder of its own, which is removed when it is disposed. */
export interface Executable extends AsyncDisposable {
  readonly path: string;
  readonly folder: string;
}

/** The exit status and the output of a program. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Compiles a program, given by its path in the repository. */
export async function compile(program: string, ...flags: string[]): Promise<Executable> {
  const deno = Deno.env.get("COMPILE_DENO") ?? Deno.execPath();
  const folder = await Deno.makeTempDir({ prefix: "deploy-compiled-" });
  const path = `${folder}/program`;
  if (program === "cli.ts") flags.push(...EMBEDDED.map((path) => `--include=${ROOT}/${path}`));
  const config = `${ROOT}/deno.json`;
  // An executable contains all packages of its lock file, and the project's has those of tests.
  const args = ["compile", "--quiet", "-A", "--no-lock", "--config", config, "--output", path];
  const { code, stderr } = await new Deno.Command(deno, {
    args: [...args, ...flags, `${ROOT}/${program}`],
    // Outside of the repository, so that the executable must contain everything that it needs.
    cwd: folder,
    stdin: "null",
  }).output();
  assert(code === 0, `Cannot compile ${program}: ${new TextDecoder().decode(stderr)}`);
  return {
    path,
    folder,
    async [Symbol.asyncDispose](): Promise<void> {
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Runs an executable to its end, where it finds no deno and no file of the repository. */
export async function execute(
  { path, folder }: Executable,
  args: string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(path, {
    args,
    cwd: folder,
    env: { NO_COLOR: "1", PATH: folder, ...env },
    clearEnv: true,
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}
