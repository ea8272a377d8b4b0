/** Programs that are deployed to a cluster, and their processes on this machine. */

import config from "../../deno.json" with { type: "json" };
import { signalChild } from "../../src/testing/os_processes.ts";
import { SECRET_FILE } from "../secret.ts";
import type { JsonEvent } from "../system/helpers.ts";
import { within } from "../within.ts";

const CLI = new URL("../../cli.ts", import.meta.url).pathname;
const ROOT = new URL("../../", import.meta.url).href;

/** How long a program may take on a busy machine. */
const LIMIT_MS = 120_000;

/** A deployed program. Disposing of it ends `deploy`, and with it the program. */
export class Deployed implements AsyncDisposable {
  readonly events: JsonEvent[] = [];
  /** Resolves with the exit code of `deploy` when all its output has been read. */
  readonly code: Promise<number>;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;
  #stderr = "";
  #changed = Promise.withResolvers<void>();
  #over = false;

  private constructor(child: Deno.ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    const read = Promise.all([this.#readEvents(), this.#readErrors()]);
    this.code = child.status.then(async ({ code }) => {
      await read;
      this.#over = true;
      this.#change();
      return code;
    });
  }

  /** Deploys a program, given as its source; `import … from "deploy"` works in it. */
  static async start(
    bridge: string,
    source: string,
    options: {
      args?: readonly string[];
      flags?: readonly string[];
      /** Words in front of the command, for example to run it on another host. */
      prefix?: readonly string[];
      /** The environment of `deploy`, not of the program. */
      env?: Record<string, string>;
    } = {},
  ): Promise<Deployed> {
    const folder = await Deno.makeTempDir({ prefix: "deploy-program-" });
    const imports = { ...config.imports, deploy: `${ROOT}mod.ts` };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify({ imports }));
    await Deno.writeTextFile(`${folder}/main.ts`, source);
    const { args = [], flags = [], prefix = [], env = {} } = options;
    const [path, ...words] = [...prefix, Deno.execPath(), "run", "-A", CLI];
    const child = new Deno.Command(path!, {
      args: [...words, "--format", "json", ...flags, bridge, "main.ts", "--", ...args],
      cwd: folder,
      env: { DEPLOY_SECRET_FILE: SECRET_FILE, ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(LIMIT_MS),
    }).spawn();
    return new Deployed(child, folder);
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Everything that the processes have written to stdout. */
  get text(): string {
    return this.events.map((event) =>
      event.event === "output" && event.fd === 1 && "text" in event ? event.text : ""
    ).join("");
  }

  /** Resolves when `holds()` is true for the events so far. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#over) throw new Error(`it never came to that: ${this.#stderr}\n${this.text}`);
      await this.#changed.promise;
    }
  }

  /** Resolves when its processes have written `text`. */
  async says(text: string): Promise<void> {
    await this.until(() => this.text.includes(text));
  }

  /** Sends it a signal, unless it has ended; it may end by itself at the same moment. */
  kill(signal: Deno.Signal): void {
    signalChild(this.#child, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // If it were killed, its run would go on for a while, for a deploy that may connect again.
    const killing = setTimeout(() => this.kill("SIGKILL"), 10_000);
    for (const signal of ["SIGCONT", "SIGTERM", "SIGINT"] as const) this.kill(signal);
    await this.code;
    clearTimeout(killing);
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #readEvents(): Promise<void> {
    let partial = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (partial + text).split("\n");
      partial = lines.pop()!;
      for (const line of lines) this.events.push(JSON.parse(line));
      this.#change();
    }
  }

  async #readErrors(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#stderr += text;
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** The ids of the processes that have `mark` as an argument; `deploy` itself is not counted. */
export async function processesWith(mark: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const words = (await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "")).split("\0");
    if (words.includes(mark) && !words.includes(CLI)) found.push(Number(name));
  }
  return found;
}

/** Resolves when no process with that mark is left; throws if some are not gone {@linkcode within} that time. */
export async function noneIsLeft(mark: string, limitMs = 5_000): Promise<void> {
  let left: number[] = [];
  await within(
    limitMs,
    async () => (left = await processesWith(mark)).length === 0,
    () => `there are left: ${left.join(", ")}`,
  );
}
