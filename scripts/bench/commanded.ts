/** A program that runs for a whole row, and measures something on request. */

// @ts-types="../../types/std_streams.d.ts"
import { TextLineStream } from "@std/streams/text-line-stream";
import { drain } from "./drain.ts";

/** How long a program may take to stop before it is killed. */
const END_MS = 10_000;
/** The time limit of one measurement, so that a program that hangs fails its row. */
const ANSWER_MS = 120_000;

/** The program and its options. */
export interface CommandOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/**
 * An OS process that reads what to measure from stdin, a line each time, and answers with a line on stdout
 * that is a number.
 */
export class Commanded implements AsyncDisposable {
  readonly pid: number;
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string, void>;
  readonly #stderr: { text: string };

  constructor(path: string, { args, env = {}, cwd }: CommandOptions) {
    this.#name = [path, ...args].join(" ");
    this.#child = new Deno.Command(path, {
      args: [...args],
      env: { NO_COLOR: "1", ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = linesOf(this.#child.stdout);
    this.#stderr = drain(this.#child.stderr);
  }

  /** Requests a measurement. @throws {Error} If it ends instead; the message has its stderr. */
  async ask(what: string): Promise<number> {
    await this.#writer.write(new TextEncoder().encode(`${what}\n`));
    return Number(await this.line());
  }

  /** The next line that it writes to stdout. @throws {Error} As {@linkcode ask}. */
  async line(): Promise<string> {
    const late = setTimeout(() => this.#child.kill("SIGKILL"), ANSWER_MS);
    const { value, done } = await this.#lines.next();
    clearTimeout(late);
    if (done === true) {
      const { code } = await this.#child.status;
      throw new Error(`${this.#name} ended with ${code}:\n${this.#stderr.text}`);
    }
    return value;
  }

  /** Stops it by closing its stdin, or kills it if that does not help. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {}); // it has ended
    const late = setTimeout(() => this.#child.kill("SIGKILL"), END_MS);
    while (!(await this.#lines.next()).done); // discards its last output
    await this.#child.status;
    clearTimeout(late);
  }
}

function linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncIterator<string, void> {
  const texts = stream.pipeThrough(new TextDecoderStream());
  return texts.pipeThrough(new TextLineStream()).values();
}
