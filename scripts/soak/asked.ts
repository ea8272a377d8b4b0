/** Asks other processes what they use without their garbage: what grows then is kept by somebody. */

import { type Usage, usageOf } from "./usage.ts";

/** Where the sockets of those that answer are. */
export const FOLDER_VARIABLE = "SOAK_SOCKETS";

/** What a process says of itself. */
export interface Told {
  /** Objects and buffers that are in use, in bytes. */
  readonly liveBytes: number;
}

/** The socket of a process. */
export function socketOf(folder: string, osPid: number): string {
  return `${folder}/${osPid}.sock`;
}

/** A folder of sockets. Processes that are started with these flags and variables answer, and their children too. */
export class Asked implements AsyncDisposable {
  /**
   * For `deno run`. Without compilers: the machine code that V8 makes of a function that runs often is live, and some of
   * it is made after thousands of processes, too.
   */
  readonly flags: readonly string[] = [
    "--v8-flags=--expose-gc,--no-opt,--no-maglev,--no-sparkplug",
    `--preload=${new URL("./answers.ts", import.meta.url).pathname}`,
  ];
  readonly env: Readonly<Record<string, string>>;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.env = { [FOLDER_VARIABLE]: folder };
  }

  /** Makes the folder. */
  static async start(): Promise<Asked> {
    return new Asked(await Deno.makeTempDir({ prefix: "deploy-soak-" }));
  }

  /**
   * What a process uses now, having collected its garbage. It does nothing else meanwhile, for some 50 ms.
   *
   * @param ended How many processes have ended.
   * @throws {Error} If it does not answer, because it has ended or was not started so.
   */
  async usageOf(osPid: number, ended: number): Promise<Usage> {
    const path = socketOf(this.#folder, osPid);
    const { readable } = await Deno.connect({ transport: "unix", path });
    const { liveBytes } = await new Response(readable).json() as Told;
    return { ...usageOf(osPid, ended), liveMiB: Math.round(liveBytes / 2 ** 20 * 100) / 100 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
