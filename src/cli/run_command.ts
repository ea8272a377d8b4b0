/** `deploy main.ts`: builds a program, ships it, runs it, and shows it. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";
// @ts-types="../../types/std_path.d.ts"
import { dirname } from "@std/path/posix/dirname";
import type { Logger } from "../core/logger.ts";
import { signalExitCode } from "../core/signals.ts";
import { stdoutColumns } from "../terminal/columns.ts";
import { type EndSignal, onEndSignals } from "../terminal/end_signals.ts";
import { barProgress, plainProgress, type Progress, SILENT } from "../terminal/progress.ts";
import { colorVariables, isOnTerminal } from "../terminal/color_variables.ts";
import { sameTarget } from "../terminal/screen.ts";
import { describingVariables, widthVariables } from "../terminal/terminal_variables.ts";
import { OUTPUT_FORMATS, type OutputFormat } from "../terminal/formats.ts";
import { BuildFolder } from "./build_folder.ts";
import type { RunCommand } from "./deploy_arguments.ts";
import { codeOfInterruption, exitAtOnce, Interrupted } from "./interrupted.ts";
import { checkArguments, prepare } from "./prepare.ts";
import {
  bridgeAddress,
  programEnv,
  projectDefaults,
  secretFileFrom,
  withDefaults,
} from "./run_settings.ts";
import { thisUser } from "./this_user.ts";
import { formatVariable, graceVariable } from "./values.ts";

/** The parts of the environment that it uses. */
export interface RunContext {
  readonly logger: Logger;
  /** Writes text to stderr. */
  readonly say: (text: string) => void;
  /** Writes to stderr what may move the cursor. */
  readonly draw: (text: string) => void;
}

/**
 * Deploys a program and shows it like a local run.
 *
 * @returns The exit code.
 * @throws {UsageError} If the request cannot be met.
 * @throws {BuildError} If the program cannot be built.
 * @throws {Error} With a message of one line, if it cannot be deployed for any other reason.
 */
export async function runCommand(given: RunCommand, context: RunContext): Promise<number> {
  const { logger, say } = context;
  const format = given.options.format ??
    formatVariable(Deno.env.get("DEPLOY_FORMAT"), OUTPUT_FORMATS);
  const graceMs = given.options.graceMs ?? graceVariable(Deno.env.get("DEPLOY_GRACE"));
  const warn = warnOnce(say);
  const defaults = await projectDefaults(Deno.cwd(), {
    config: given.deno.config,
    program: folderOf(given.program),
    warn,
  });
  const command = withDefaults(given, defaults);
  const address = bridgeAddress(command, Deno.env.get("DEPLOY_BRIDGE"), defaults);
  const asked = programEnv(command.env, variableToSend);
  const variable = (name: string) => Deno.env.get(name);
  const env = {
    ...describingVariables(variable),
    ...widthVariables(format, variable, stdoutColumns()),
    ...colorsFor(format, asked),
    ...asked,
  };
  const program = command.program ?? "main.ts";
  const chosen = await checkArguments(command, program);
  for (const line of chosen.foreign) warn(line);
  const progress = createProgress(format, context);

  const stop = new AbortController();
  let running: { kill(): void } | undefined;
  let building: BuildFolder | undefined;
  const leave = (signal: EndSignal) => exitAtOnce(signalExitCode(signal), building?.path);
  // Before there is a folder: otherwise a signal could end this process, and leave it.
  const stopListening = onEndSignals({
    tell: (signal) => stop.abort(new Interrupted(signal)),
    kill: (signal) => running === undefined ? leave(signal) : running.kill(),
    leave,
  });
  const failed = new AbortController();
  const ends = AbortSignal.any([stop.signal, failed.signal]);
  // Otherwise the order of the two streams cannot be seen, and data needs to know which one it is.
  const oneOutput = format !== "json" && sameTarget();
  let preparing: ReturnType<typeof prepare> | undefined;
  let link: Promise<{ drop(): void }> | undefined;
  try {
    building = await BuildFolder.make(logger);
    const folder = building.path;
    preparing = prepare(
      command,
      { chosen, program, env, oneOutput, folder, progress, say, stop: ends },
    );
    preparing.catch(() => {}); // awaited below
    // While the program is being built, which takes longest, everything else is loaded, and the bridge
    // is connected and told of the deployment.
    const { connectToRun, DeployClient, dialBridge } = await import("./deploy_client.ts");
    const { plain } = command.options;
    const secretFile = secretFileFrom(command.options.secretFile, defaults);
    const bridge = await dialBridge(address, { secretFile, plain, logger });
    const connecting = link = connectToRun(bridge, stop.signal);
    connecting.catch(() => {}); // awaited below
    // What the bridge says comes first, and ends the build.
    const bridgeLink = await connecting;
    // A dry run says where it would fit together with the rest.
    if (!command.dryRun && Object.keys(command.resources).length > 0) {
      const { askRoom } = await import("./ask_room.ts");
      await askRoom(bridge, command.resources, { program, signal: stop.signal });
    }
    if (command.name !== undefined && !command.dryRun) {
      const { askName } = await import("./ask_room.ts");
      const warning = await askName(bridge, command.name, stop.signal);
      if (warning !== undefined) say(`deploy: ${warning}\n`);
    }
    const deployed = await preparing;
    const name = command.name ?? basename(program);
    const { detach: detached, inspection, raw } = command;
    const options = {
      ...{ format, graceMs, name, by: thisUser(), detached, stdin: command.stdin, progress, say },
      ...{ bridge, folder, inspection, raw },
    };
    const client = new DeployClient(deployed, options);
    if (command.dryRun) return await client.check(bridgeLink, { logger, signal: stop.signal });
    running = client;
    return await client.run(bridgeLink, stop.signal);
  } catch (error) {
    return codeOfInterruption(error, stop.signal);
  } finally {
    progress.clear();
    running = undefined;
    void link?.then((link) => link.drop(), () => {});
    failed.abort();
    await preparing?.catch(() => {}); // it writes to the folder
    await building?.[Symbol.asyncDispose]();
    // Not before: while the build stops, another signal would end this process with the folder there, or be lost.
    stopListening();
  }
}

/** The folder of a program; `undefined` if it is not there, which is reported later. */
function folderOf(program: string | undefined): string | undefined {
  try {
    return Deno.realPathSync(program === undefined ? Deno.cwd() : dirname(program));
  } catch {
    return undefined;
  }
}

/** Writes each warning once. */
function warnOnce(say: (text: string) => void): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    if (!said.has(line)) say(`deploy: warning: ${line}\n`);
    said.add(line);
  };
}

/** A variable to send with `--env NAME`. The time zone is always known. */
function variableToSend(name: string): string | undefined {
  const value = Deno.env.get(name);
  if (value !== undefined || name !== "TZ") return value;
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The colour variables of the processes, unless the program is given some. */
function colorsFor(
  format: OutputFormat,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  if ("NO_COLOR" in given || "FORCE_COLOR" in given) return {};
  return colorVariables(format, (name) => Deno.env.get(name), isOnTerminal());
}

function createProgress(format: OutputFormat, { say, draw }: RunContext): Progress {
  if (format === "json") return SILENT;
  return Deno.stderr.isTerminal()
    ? barProgress(draw)
    : plainProgress((text) => say(`deploy: ${text}`));
}
