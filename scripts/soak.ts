/**
 * Runs thousands of processes that live for a moment, in one local run, and looks at the memory and the open files of
 * its launcher: `deno task soak [--processes N]`. It exits with 1 if they grow.
 *
 * The launcher collects its garbage before each look, so that what grows is kept by somebody.
 */

// @ts-types="../types/std_streams.d.ts"
import { TextLineStream } from "@std/streams/text-line-stream";
import { Asked } from "./soak/asked.ts";
import { growth, type Usage } from "./soak/usage.ts";
import { runTask, wholeOption } from "./task.ts";

/** Runs it to its end; gives what is not as it should be. */
async function soak(processes: number): Promise<string[]> {
  await using asked = await Asked.start();
  const launcher = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...asked.flags, `${import.meta.dirname}/soak/tree.ts`, `${processes}`],
    env: { DEPLOY_FORMAT: "json", ...asked.env },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const usages: Usage[] = [];
  const every = Math.max(1, Math.floor(processes / 20));
  let ended = 0;
  const lines = launcher.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    if (JSON.parse(line).event !== "exit" || ++ended % every !== 0) continue;
    if (ended > processes) continue; // the last one ends the launcher, too
    const usage = await asked.usageOf(launcher.pid, ended);
    usages.push(usage);
    console.log(
      `${ended} processes have ended: ${usage.liveMiB} MiB are live, of ${usage.memMiB} MiB; ${usage.files} files`,
    );
  }
  const { code } = await launcher.status;
  return [...(code === 0 ? [] : [`the run ended with ${code}`]), ...growth(usages)];
}

await runTask({
  name: "soak",
  summary: "Run thousands of processes, and look whether the launcher keeps anything of them",
  options: { "processes": { value: "N", summary: "how many; default 2000" } },
  example: "--processes 500",
  failure: "memory or open files grow",
}, async (scanned) => {
  const problems = await soak(wholeOption(scanned, "processes", 2_000));
  console.log(problems.length === 0 ? "nothing grows" : problems.join("\n"));
  return problems.length === 0;
});
