/** Compiles executables with the deno in `COMPILE_DENO`, or with the one that runs the test. */

// @ts-types="../../types/std_assert.d.ts"
import { assert } from "@std/assert";
// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import { EMBEDDED } from "../../src/build/runtime_source.ts";

const ROOT = `${import.meta.dirname}/../..`;

/** The folder where CI keeps what was compiled, for the other tests; by default each test compiles for itself. */
const KEPT = Deno.env.get("DEPLOY_TEST_EXECUTABLES");

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
  const folder = await Deno.makeTempDir({ prefix: "deploy-compiled-" });
  const path = `${folder}/program`;
  const kept = KEPT === undefined || flags.length > 0
    ? undefined
    : `${KEPT}/compiled-${program.replaceAll("/", "-")}`;
  if (kept === undefined || !await linkIfThere(kept, path)) {
    await compileTo(path, program, flags);
    // Tests that compile run one after the other.
    if (kept !== undefined) await Deno.link(path, kept);
  }
  return {
    path,
    folder,
    async [Symbol.asyncDispose](): Promise<void> {
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function linkIfThere(from: string, to: string): Promise<boolean> {
  try {
    await Deno.link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Types are not checked, as by `deno task build`. */
async function compileTo(path: string, program: string, flags: readonly string[]): Promise<void> {
  const deno = Deno.env.get("COMPILE_DENO") ?? Deno.execPath();
  const config = `${ROOT}/deno.json`;
  const included = program === "cli.ts" ? EMBEDDED.map((path) => `--include=${ROOT}/${path}`) : [];
  // An executable contains all packages of its lock file, and the project's has those of tests.
  const { code, stderr } = await new Deno.Command(deno, {
    args: [
      ...["compile", "--quiet", "-A", "--no-check", "--no-lock", "--config", config],
      ...["--output", path, ...flags, ...included, `${ROOT}/${program}`],
    ],
    // Outside of the repository, so that the executable must contain everything that it needs.
    cwd: dirname(path),
    stdin: "null",
  }).output();
  assert(code === 0, `Cannot compile ${program}: ${new TextDecoder().decode(stderr)}`);
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
