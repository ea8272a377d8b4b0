/** Runs whole programs, as a user would, and returns what happened in them. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { EventRecorder, type ProcessRecord, type ProgramEvent } from "../../src/testing/events.ts";
import { signalChild } from "../../src/testing/os_processes.ts";
import { commandFor } from "./ways.ts";

export type { ProcessRecord };
/** One event of a run, as `DEPLOY_FORMAT=json` prints it. */
export type JsonEvent = ProgramEvent;

/** The result of a run. */
export interface RunResult {
  /** The exit code of the run. */
  readonly code: number;
  readonly events: readonly JsonEvent[];
  /** The stdout and stderr of the launcher. */
  readonly raw: { readonly stdout: string; readonly stderr: string };
  /** In the order of their start, beginning with the first process. Empty if there was none. */
  readonly processes: readonly ProcessRecord[];
  /** The stdout of all processes, in the order of the events. */
  readonly stdout: string;
  /** The stderr of all processes, in the order of the events. */
  readonly stderr: string;
}

/** How to run a program. */
export interface RunOptions {
  /** The program's own arguments. */
  args?: string[];
  /** Arguments of `deno run`. @default ["-A"] */
  flags?: string[];
  /** Environment variables besides those of the test. */
  env?: Record<string, string>;
  /** The program's stdin. @default empty */
  stdin?: string;
  /** Further files of the program, by name. */
  files?: Record<string, string>;
  /** The executable. @default `DEPLOY_TEST_DENO`, or the one that runs the test */
  deno?: string;
  /** With `json`, the events are checked and returned. @default "json" */
  format?: "json" | "human";
}

/** A running program. Disposing of it ends it, if it has not ended, and removes its files. */
export interface RunningProgram extends AsyncDisposable {
  /** The OS process of the launcher. */
  readonly child: Deno.ChildProcess;
  /** The working directory of the program, with `main.ts`. */
  readonly directory: string;
  /** Resolves with the first event, past or future, that `matches`; rejects if the run ends without one. */
  seen(matches: (event: JsonEvent) => boolean): Promise<JsonEvent>;
  /** Resolves when the launcher has written that to its stderr; rejects if the run ends without it. */
  says(pattern: RegExp): Promise<void>;
  /** Resolves when the run is over. */
  readonly result: Promise<RunResult>;
}

/** The maximum time for a program of a test, even on a slow machine. */
const RUN_LIMIT_MS = 120_000;

/** What the system says where a machine is so busy that a run takes long. */
const NOTICES =
  /^deploy: (?:.+ has waited for \d+ s to be started: |the first process has ended; \d+ others? still runs?: ).*\n/gm;

/** What a run said on stderr, without what it says only of a busy machine. */
export function withoutNotices(stderr: string): string {
  return stderr.replaceAll(NOTICES, "");
}

/** Starts a program, given as the source of its main module; `import … from "deploy"` works in it. */
export async function startProgram(
  source: string,
  options: RunOptions = {},
): Promise<RunningProgram> {
  const { args = [], flags = ["-A"], env = {}, stdin, files = {}, format = "json" } = options;
  const deno = options.deno ?? Deno.env.get("DEPLOY_TEST_DENO") ?? Deno.execPath();
  const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "deploy-test-" }));
  for (const [name, text] of Object.entries({ ...files, "main.ts": source })) {
    await Deno.writeTextFile(`${directory}/${name}`, text);
  }
  const command = await commandFor(directory, { args, flags, env, deno, format });
  const child = new Deno.Command(command.path, {
    args: command.args,
    cwd: directory,
    env: command.env,
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(RUN_LIMIT_MS),
  }).spawn();
  if (stdin !== undefined) await writeAll(child.stdin, stdin);

  const recorder = new EventRecorder();
  const { events } = recorder;
  let watchers: { check(event: JsonEvent): void; ended(): void }[] = [];
  const readStdout = async () => {
    let all = "";
    let rest = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      all += text;
      if (format === "human") continue;
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const known = events.length;
        recorder.add(line);
        for (const event of events.slice(known)) {
          for (const watcher of watchers) watcher.check(event);
        }
      }
    }
    assertEquals(rest, "", "the last line of the events is not finished");
    for (const watcher of watchers) watcher.ended();
    return all;
  };
  let stderr = "";
  let isSaid = Promise.withResolvers<void>();
  const readStderr = async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      stderr += text;
      isSaid.resolve();
      isSaid = Promise.withResolvers();
    }
    isSaid.reject(new Error(`The run never said that: ${stderr}`));
    isSaid.promise.catch(() => {}); // nobody may wait for it
  };
  const result = (async (): Promise<RunResult> => {
    const [stdout, _, { code }] = await Promise.all([readStdout(), readStderr(), child.status]);
    const processes = format === "json" ? recorder.ended() : [];
    return {
      code,
      events,
      raw: { stdout, stderr },
      processes,
      stdout: recorder.text(1),
      stderr: recorder.text(2),
    };
  })();
  // Callers that need the result await it; others must not fail because of it.
  result.catch(() => {});

  return {
    child,
    directory,
    result,
    async says(pattern): Promise<void> {
      while (!pattern.test(stderr)) await isSaid.promise;
    },
    seen(matches): Promise<JsonEvent> {
      const past = events.find(matches);
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve, reject) => {
        const watcher = {
          check(event: JsonEvent): void {
            if (!matches(event)) return;
            watchers = watchers.filter((each) => each !== watcher);
            resolve(event);
          },
          ended(): void {
            // The result says how it ended, which may explain it.
            void result.then(({ code, raw }) => {
              const seen = JSON.stringify(events);
              reject(
                new Error(`The run ended with ${code} without the event: ${seen}\n${raw.stderr}`),
              );
            }, reject);
          },
        };
        watchers.push(watcher);
      });
    },
    async [Symbol.asyncDispose](): Promise<void> {
      signalChild(child, "SIGTERM");
      await child.status;
      await result.catch(() => {});
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** Runs a program to its end. */
export async function runProgram(source: string, options: RunOptions = {}): Promise<RunResult> {
  await using program = await startProgram(source, options);
  return await program.result;
}

async function writeAll(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
}
