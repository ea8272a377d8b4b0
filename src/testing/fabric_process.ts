/** One `fabric`, an OS process of its own, and the lines that it writes. */

// @ts-types="../../types/std_streams.d.ts"
import { TextLineStream } from "@std/streams/text-line-stream";
import { startTimer } from "../core/timer.ts";
import { signalChild } from "./os_processes.ts";
import { pathOf } from "./paths.ts";

const FABRIC = pathOf(new URL("../../fabric.ts", import.meta.url));

/** How long a part may take to be ready, on a machine that does much else, in ms. */
const READY_MS = 60_000;

/** How long a fabric that is told to stop may take, in ms. */
const STOPPED_WITHIN_MS = 10_000;

/** How a fabric is started. */
export interface FabricProcessOptions {
  /** The executable to run instead of `deno run -A fabric.ts`. */
  readonly compiled?: string | undefined;
  /** For `deno run`, besides `-A`. */
  readonly flags?: readonly string[];
  /** What is put before the command, such as to have it run on another host. */
  readonly prefix?: readonly string[];
  /** Besides the variables of the test. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A fabric that runs. Disposing of it ends it: in order if it can, or else after 10 s. */
export class FabricProcess implements AsyncDisposable {
  readonly pid: number;
  /** Resolves when it has ended, and all its output is there. */
  readonly ended: Promise<{ code: number; signal: Deno.Signal | null }>;
  readonly #child: Deno.ChildProcess;
  readonly #lines = { out: [] as string[], err: [] as string[] };
  #changed = Promise.withResolvers<void>();
  #over = false;

  /** @param args Those of `fabric`. */
  constructor(args: readonly string[], options: FabricProcessOptions = {}) {
    const { compiled, flags = [], prefix = [], env = {}, cwd } = options;
    const source = [Deno.execPath(), "run", "-A", ...flags, FABRIC];
    const words = compiled === undefined ? source : [compiled];
    const [path, ...before] = [...prefix, ...words];
    this.#child = new Deno.Command(path!, {
      args: [...before, ...args],
      env: { DEPLOY_SECRET_FILE: "", DEPLOY_LOG: "", DEPLOY_FORMAT: "", ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    const read = Promise.all([
      this.#read(this.#child.stdout, this.#lines.out),
      this.#read(this.#child.stderr, this.#lines.err),
    ]);
    this.ended = this.#child.status.then(async ({ code, signal }) => {
      await read;
      this.#over = true;
      this.#change();
      return { code, signal };
    });
  }

  /** What it has written to stdout, in lines. */
  get out(): readonly string[] {
    return this.#lines.out;
  }

  /** What it has written to stderr, in lines. */
  get err(): readonly string[] {
    return this.#lines.err;
  }

  /**
   * Resolves with the first line of `stream`, at or after index `from`, that matches.
   *
   * @throws {Error} If it ends without that, or has not written such a line `withinMs` from now.
   */
  async line(
    pattern: RegExp,
    options: { stream?: "out" | "err"; from?: number; withinMs?: number } = {},
  ): Promise<RegExpExecArray> {
    const { stream = "err", from = 0, withinMs = READY_MS } = options;
    let late = false;
    const cancel = startTimer(withinMs, () => {
      late = true;
      this.#change();
    });
    try {
      for (;;) {
        for (const line of this.#lines[stream].slice(from)) {
          const match = pattern.exec(line);
          if (match !== null) return match;
        }
        if (this.#over || late) {
          const said = [...this.#lines.out, ...this.#lines.err].join("\n");
          const how = this.#over ? "ended" : `took longer than ${withinMs} ms`;
          throw new Error(`fabric ${how} without a line that matches ${pattern}:\n${said}`);
        }
        await this.#changed.promise;
      }
    } finally {
      cancel();
    }
  }

  /** Resolves with the address of a part, once that is ready. */
  async ready(
    part: "node" | "master" | "bridge" | "metrics",
    options: { from?: number } = {},
  ): Promise<string> {
    const pattern = new RegExp(`^ready ${part} (\\S+)$`);
    const match = await this.line(pattern, { ...options, stream: "out" });
    return match[1]!;
  }

  /** Sends it a signal, unless it has ended. */
  kill(signal: Deno.Signal): void {
    signalChild(this.#child, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Ends it, as disposing of it does. @returns Whether it ended in order. */
  async stop(): Promise<boolean> {
    let inOrder = true;
    this.kill("SIGTERM");
    const cancel = startTimer(STOPPED_WITHIN_MS, () => {
      inOrder = false;
      this.kill("SIGKILL");
    });
    await this.ended;
    cancel();
    return inOrder;
  }

  async #read(stream: ReadableStream<Uint8Array>, lines: string[]): Promise<void> {
    const texts = stream.pipeThrough(new TextDecoderStream());
    for await (const line of texts.pipeThrough(new TextLineStream())) {
      lines.push(line);
      this.#change();
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
