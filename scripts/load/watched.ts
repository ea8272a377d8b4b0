/** A program under load: its output as it comes, and how it ends. */

import { drain } from "../bench/drain.ts";
import { projectPath } from "../bench/cluster.ts";
import type { TestCluster } from "deploy/testing";
import type { Asked } from "../soak/asked.ts";

/** What `deploy` needs of a cluster. */
type Deployable = Pick<TestCluster, "bridge" | "secretFile">;

const PROGRAM = projectPath("scripts/load/program.ts");

/** A program of `program.ts` that runs, here or on a cluster. */
export class Watched {
  /** The launcher, or `deploy`. */
  readonly pid: number;
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #child: Deno.ChildProcess;
  readonly #stderr: { text: string };

  private constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", ...args],
      env: { DEPLOY_SECRET_FILE: "", DEPLOY_BRIDGE: "", NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.stdout = this.#child.stdout;
    this.#stderr = drain(this.#child.stderr);
  }

  /** Runs it on this machine. @param asked Whom its launcher answers. */
  static local(args: readonly string[], format: string, asked?: Asked): Watched {
    const words = [...asked?.flags ?? [], PROGRAM, ...args];
    return new Watched(words, { DEPLOY_FORMAT: format, ...asked?.env });
  }

  /** Deploys it. */
  static deployed(cluster: Deployable, args: readonly string[], format: string): Watched {
    const flags = ["--format", format, "--secret-file", cluster.secretFile];
    const words = [projectPath("cli.ts"), ...flags, cluster.bridge, PROGRAM, "--", ...args];
    return new Watched(words, {});
  }

  /** Resolves when it has ended. @throws {Error} If it failed; with its stderr. */
  async ended(): Promise<void> {
    const { code } = await this.#child.status;
    if (code !== 0) throw new Error(`the run ended with ${code}:\n${this.#stderr.text}`);
  }
}
