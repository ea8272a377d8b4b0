/**
 * Runs thousands of processes that live for a moment, in one local run, and looks at the memory and the open files of
 * its launcher: `deno task soak [--processes N]`. It exits with 1 if they grow.
 *
 * The launcher collects its garbage before each look, so that what grows is kept by somebody.
 */

// @ts-types="../types/std_cli.d.ts"
import { parseArgs } from "@std/cli/parse-args";
// @ts-types="../types/std_streams.d.ts"
import { TextLineStream } from "@std/streams/text-line-stream";
import { Asked } from "./soak/asked.ts";
import { growth, type Usage } from "./soak/usage.ts";

const { processes = "2000" } = parseArgs(Deno.args, { string: ["processes"] });
if (!/^[1-9]\d*$/.test(processes)) {
  console.error(`deno task soak: --processes is "${processes}"; expected a number`);
  Deno.exit(2);
}

/** Runs it to its end; gives what is not as it should be. */
async function soak(): Promise<string[]> {
  await using asked = await Asked.start();
  const launcher = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...asked.flags, `${import.meta.dirname}/soak/tree.ts`, processes],
    env: { DEPLOY_FORMAT: "json", ...asked.env },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const usages: Usage[] = [];
  const every = Math.max(1, Math.floor(Number(processes) / 20));
  let ended = 0;
  const lines = launcher.stdout.pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    if (JSON.parse(line).event !== "exit" || ++ended % every !== 0) continue;
    if (ended > Number(processes)) continue; // the last one ends the launcher, too
    const usage = await asked.usageOf(launcher.pid, ended);
    usages.push(usage);
    console.log(
      `${ended} processes have ended: ${usage.liveMiB} MiB are live, of ${usage.memMiB} MiB; ${usage.files} files`,
    );
  }
  const { code } = await launcher.status;
  return [...(code === 0 ? [] : [`the run ended with ${code}`]), ...growth(usages)];
}

const problems = await soak();
console.log(problems.length === 0 ? "nothing grows" : problems.join("\n"));
Deno.exit(problems.length === 0 ? 0 : 1);
