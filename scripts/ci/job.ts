/** Runs commands concurrently, and keeps each one's output together. */

// @ts-types="../../types/std_async.d.ts"
import { deadline } from "@std/async/deadline";
// @ts-types="../../types/std_fmt.d.ts"
import { stripAnsiCode } from "@std/fmt/colors";

/** A command and its name. */
export interface Job {
  readonly name: string;
  readonly command: readonly [path: string, ...args: string[]];
  /** Additional environment variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it prints counts of tests. */
  readonly tests: boolean;
}

/** How a command ended. */
export interface JobResult {
  readonly job: Job;
  readonly success: boolean;
  /** What it wrote to stdout and stderr, in the order of arrival, without colours. */
  readonly output: string;
  readonly seconds: number;
}

/** The time limit of a job, for any machine. */
const JOB_LIMIT_MS = 50 * 60_000;

/** How long processes started by a job may keep its output open after its end. */
const OUTPUT_LIMIT_MS = 10_000;

/**
 * Runs a command in `cwd` to its end. If a process outlives it by `outputLimitMs` with its output open, it
 * has failed.
 */
export async function runJob(
  job: Job,
  cwd: string,
  outputLimitMs = OUTPUT_LIMIT_MS,
): Promise<JobResult> {
  const [path, ...args] = job.command;
  const beginMs = performance.now();
  const child = new Deno.Command(path, {
    args,
    cwd,
    env: job.env,
    signal: AbortSignal.timeout(JOB_LIMIT_MS),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const leave = new AbortController();
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> => {
    const writer = new WritableStream<string>({ write: (text) => void (output += text) });
    await stream.pipeThrough(new TextDecoderStream()).pipeTo(writer, { signal: leave.signal });
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  let { success } = await child.status;
  try {
    await deadline(collected, outputLimitMs);
  } catch (error) {
    leave.abort();
    success = false;
    output += `\nIts output was not read to the end: ${error}. Did it leave a process behind?\n`;
  }
  const seconds = (performance.now() - beginMs) / 1_000;
  return { job, success, output: stripAnsiCode(output), seconds };
}

/** Runs jobs in their order, at most `slots` at a time; reports each as soon as it has ended. */
export async function runJobs(
  jobs: readonly Job[],
  slots: number,
  run: (job: Job) => Promise<JobResult>,
  ended: (result: JobResult) => void,
): Promise<JobResult[]> {
  const results: JobResult[] = [];
  const waiting = jobs.values();
  const work = async (): Promise<void> => {
    for (const job of waiting) {
      const result = await run(job);
      results.push(result);
      ended(result);
    }
  };
  await Promise.all(Array.from({ length: slots }, work));
  return results;
}
