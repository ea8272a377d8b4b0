/** A cluster on this machine, and a program to deploy that changes. */

import config from "../../deno.json" with { type: "json" };
import { Commanded } from "./commanded.ts";

const ROOT = new URL("../../", import.meta.url);

/** The path of a file of the project. */
export function projectPath(name: string): string {
  return new URL(name, ROOT).pathname;
}

/** The CPU of each of its two nodes. */
export const NODE_CPU = 4;

/** `fabric dev`, with a store of its own. */
export class DevCluster implements AsyncDisposable {
  readonly #fabric: Commanded;
  readonly #store: string;
  readonly #stop: () => void;
  /** Where its bridge listens. */
  readonly bridge: string;
  /** Of the process that all others descend from. */
  readonly pid: number;

  private constructor(fabric: Commanded, store: string, bridge: string) {
    this.#fabric = fabric;
    this.#store = store;
    this.bridge = bridge;
    this.pid = fabric.pid;
    this.#stop = () => Deno.kill(fabric.pid, "SIGTERM");
  }

  /** Resolves when it accepts deployments. */
  static async start(): Promise<DevCluster> {
    const store = await Deno.makeTempDir({ prefix: "deploy-bench-" });
    const size = ["--nodes", "2", "--mem", "4GiB", "--cpu", String(NODE_CPU)];
    const fabric = new Commanded(Deno.execPath(), {
      args: [
        ...["run", "-A", projectPath("fabric.ts"), "dev", ...size],
        ...["--bridge", "127.0.0.1:0", "--store", store],
      ],
      env: { DEPLOY_SECRET_FILE: "", DEPLOY_LOG: "", DEPLOY_FORMAT: "", DEPLOY_SPARES: "" },
    });
    let address: string | undefined;
    while (address === undefined) {
      address = /^ready bridge (\S+)$/.exec(await fabric.line())?.[1];
    }
    return new DevCluster(fabric, store, address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await this.#fabric[Symbol.asyncDispose]();
    await Deno.remove(this.#store, { recursive: true });
  }
}

/** The example `workers` in a folder of its own, with one line that changes each time. */
export class ChangingProgram implements AsyncDisposable {
  readonly #text: string;
  /** It holds `main.ts`. */
  readonly folder: string;
  #version = 0;

  private constructor(folder: string, text: string) {
    this.folder = folder;
    this.#text = text;
  }

  static async create(): Promise<ChangingProgram> {
    const folder = await Deno.makeTempDir({ prefix: "deploy-bench-" });
    const imports = { ...config.imports, deploy: new URL("mod.ts", ROOT).href };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports }));
    const text = await Deno.readTextFile(projectPath("examples/workers.ts"));
    const program = new ChangingProgram(folder, text);
    await program.change();
    return program;
  }

  /** Changes the line. */
  async change(): Promise<void> {
    const line = `console.log("version ${++this.#version} begins");\n\nlet total = 0;`;
    await Deno.writeTextFile(`${this.folder}/main.ts`, this.#text.replace("let total = 0;", line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
