/** Open MPI, if it is installed. */

import { peerPath } from "./deno_program.ts";
import { findTool, run } from "./tools.ts";

/** `peers/mpi.c`, compiled for Open MPI, between processes over TCP. */
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

  /**
   * Runs it from start to end, on so many ranks: a waiting rank spins, and would slow the next
   * measurement.
   */
  async measure(ranks: number, kind: Kind, ...numbers: number[]): Promise<number> {
    const { stdout } = await run(
      this.#mpirun,
      [
        ...["--mca", "btl", "tcp,self", "--oversubscribe", "-np", String(ranks)],
        ...[`${this.#folder}/mpi`, LETTERS[kind], ...numbers.map(String)],
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

/** What it measures, and how its first argument says it. */
const LETTERS = { roundTrips: "r", arrays: "a", calls: "c", spawns: "s" };
type Kind = keyof typeof LETTERS;
