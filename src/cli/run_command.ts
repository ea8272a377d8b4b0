/** `deploy main.ts`: builds a program, ships it, runs it, and shows it. */

// @ts-types="../../types/std_path.d.ts"
import { basename } from "@std/path/posix/basename";
import type { Logger } from "../core/logger.ts";
import { messageOf } from "../core/errors.ts";
import { signalExitCode } from "../core/signals.ts";
import { stdoutColumns } from "../terminal/columns.ts";
import { formatAddress } from "../core/pid.ts";
import { type EndSignal, onEndSignals } from "../terminal/end_signals.ts";
import { barProgress, plainProgress, type Progress, SILENT } from "../terminal/progress.ts";
import { colorVariables, isOnTerminal } from "../terminal/color_variables.ts";
import { sameTarget } from "../terminal/screen.ts";
import { describingVariables, widthVariables } from "../terminal/terminal_variables.ts";
import { OUTPUT_FORMATS, type OutputFormat } from "../terminal/formats.ts";
import type { RunCommand } from "./deploy_arguments.ts";
import { exitAtOnce, Interrupted } from "./interrupted.ts";
import { prepare } from "./prepare.ts";
import {
  bridgeAddress,
  programEnv,
  projectDefaults,
  secretFileFrom,
  withDefaults,
} from "./run_settings.ts";
import { formatVariable, graceVariable } from "./values.ts";

/** The parts of the environment that it uses. */
export interface RunContext {
  readonly logger: Logger;
  /** Writes to stderr. */
  readonly say: (text: string) => void;
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
  const defaults = await projectDefaults(Deno.cwd(), given.deno.config);
  const command = withDefaults(given, defaults);
  const bridge = bridgeAddress(command, Deno.env.get("DEPLOY_BRIDGE"), defaults);
  const asked = programEnv(command.env, variableToSend);
  const variable = (name: string) => Deno.env.get(name);
  const env = {
    ...describingVariables(variable),
    ...widthVariables(format, variable, stdoutColumns()),
    ...colorsFor(format, asked),
    ...asked,
  };
  const program = command.program ?? "main.ts";
  const progress = createProgress(format, say);

  const folder = await makeFolder();
  const stop = new AbortController();
  let running: { kill(): void } | undefined;
  const leave = (signal: EndSignal) => exitAtOnce(signalExitCode(signal), folder);
  const stopListening = onEndSignals({
    tell: (signal) => stop.abort(new Interrupted(signal)),
    kill: (signal) => running === undefined ? leave(signal) : running.kill(),
    leave,
  });
  const failed = new AbortController();
  const building = AbortSignal.any([stop.signal, failed.signal]);
  // Otherwise the order of the two streams cannot be seen, and data needs to know which one it is.
  const oneOutput = format !== "json" && sameTarget();
  const preparing = prepare(
    command,
    { program, env, oneOutput, folder, progress, say, stop: building },
  );
  preparing.catch(() => {}); // awaited below
  let link: Promise<{ drop(): void }> | undefined;
  try {
    // While the program is being built, which takes longest, everything else is loaded, and the bridge
    // is connected and told of the deployment.
    const { connectBridge, DeployClient } = await import("./deploy_client.ts");
    const { tlsCa } = command.options;
    const secretFile = secretFileFrom(command.options.secretFile, defaults);
    const { connecting } = await connectBridge(bridge, {
      secretFile,
      tlsCa,
      logger,
      signal: stop.signal,
    });
    link = connecting;
    // What is wrong with the program is reported first.
    const deployed = await preparing;
    const bridgeLink = await connecting;
    const shown = formatAddress(bridge.host, bridge.port);
    const name = command.name ?? basename(program);
    const { detach: detached } = command;
    const options = {
      ...{ format, graceMs, name, by: thisUser(), detached, stdin: command.stdin, progress, say },
      ...{ bridge: shown, folder },
    };
    const client = new DeployClient(deployed, options);
    if (command.dryRun) return await client.check(bridgeLink, { logger, signal: stop.signal });
    running = client;
    return await client.run(bridgeLink, stop.signal);
  } catch (error) {
    if (stop.signal.aborted && stop.signal.reason instanceof Interrupted) {
      return stop.signal.reason.code;
    }
    throw error;
  } finally {
    progress.clear();
    stopListening();
    void link?.then((link) => link.drop(), () => {});
    failed.abort();
    await preparing.catch(() => {}); // it writes to the folder
    await Deno.remove(folder, { recursive: true });
  }
}

/** A variable to send with `--env NAME`. The time zone is always known. */
function variableToSend(name: string): string | undefined {
  const value = Deno.env.get(name);
  if (value !== undefined || name !== "TZ") return value;
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** @throws {Error} If no folder can be made, in one line that names where. */
async function makeFolder(): Promise<string> {
  try {
    return await Deno.makeTempDir({ prefix: "deploy-" });
  } catch (cause) {
    const where = Deno.env.get("TMPDIR") ?? "the system's folder for temporary files";
    throw new Error(
      `Cannot make a folder in ${where} (TMPDIR), for the built program: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** This user, as a run shows who started it. */
function thisUser(): string {
  const variable = ["USER", "LOGNAME", "USERNAME"].find((name) => Deno.env.get(name));
  const uid = Deno.uid();
  const fallback = uid === 0 ? "root" : `${uid ?? "?"}`;
  const user = variable === undefined ? fallback : Deno.env.get(variable)!;
  return `${user}@${Deno.hostname()}`;
}

/** The colour variables of the processes, unless the program is given some. */
function colorsFor(
  format: OutputFormat,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  if ("NO_COLOR" in given || "FORCE_COLOR" in given) return {};
  return colorVariables(format, (name) => Deno.env.get(name), isOnTerminal());
}

function createProgress(format: OutputFormat, say: (text: string) => void): Progress {
  if (format === "json") return SILENT;
  return Deno.stderr.isTerminal()
    ? barProgress(say)
    : plainProgress((text) => say(`deploy: ${text}`));
}
