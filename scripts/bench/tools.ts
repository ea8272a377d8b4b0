/** Peers that are measured if their tools are installed. */

import { peerPath } from "./deno_program.ts";

/** The path of a program on the `PATH`; `undefined` if there is none. */
export async function findTool(name: string): Promise<string | undefined> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    const path = `${folder}/${name}`;
    try {
      if (folder !== "" && (await Deno.stat(path)).isFile) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) {
        throw error;
      }
    }
  }
  return undefined;
}

/** Runs a command to its end; gives its stdout. @throws {Error} If it fails; with its stderr. */
export async function run(
  path: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<{ stdout: string; stderr: string }> {
  const output = await new Deno.Command(path, { ...options, args: [...args], stdin: "null" })
    .output();
  const text = new TextDecoder();
  const [stdout, stderr] = [text.decode(output.stdout), text.decode(output.stderr)];
  if (output.success) return { stdout, stderr };
  throw new Error(`${[path, ...args].join(" ")} ended with ${output.code}:\n${stdout}${stderr}`);
}

/** `peers/mpi.c`, compiled for Open MPI, between two processes over TCP. */
export class OpenMpi implements AsyncDisposable {
  readonly #mpirun: string;
  readonly #folder: string;

  private constructor(mpirun: string, folder: string) {
    this.#mpirun = mpirun;
    this.#folder = folder;
  }

  /** Compiles it; gives `undefined` if Open MPI is not on this machine. */
  static async find(): Promise<OpenMpi | undefined> {
    const [mpirun, mpicc] = [await findTool("mpirun"), await findTool("mpicc")];
    if (mpirun === undefined || mpicc === undefined) return undefined;
    const folder = await Deno.makeTempDir({ prefix: "deploy-bench-" });
    await run(mpicc, ["-O2", "-o", `${folder}/mpi`, peerPath("mpi.c")]);
    return new OpenMpi(mpirun, folder);
  }

  /** Runs it from start to end: a waiting rank spins, and would slow the next measurement. */
  async measure(kind: "roundTrips" | "arrays", count: number, bytes: number): Promise<number> {
    const { stdout } = await run(
      this.#mpirun,
      [
        ...["--mca", "btl", "tcp,self", "--oversubscribe", "-np", "2"],
        ...[`${this.#folder}/mpi`, kind[0]!, String(count), String(bytes)],
      ],
      // In containers, where everyone is root, it refuses to run otherwise.
      { env: { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" } },
    );
    return Number(stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
