/** The launcher: what the process that the user started does before the run, and what it starts it with. */

import { isInBackground } from "../terminal/input.ts";
import { messageOf } from "../core/errors.ts";
import { createLogger } from "../core/logger.ts";
import type { Resources } from "../core/resources.ts";
import type { SpawnRequest } from "../core/roles.ts";
import { startTimer } from "../core/timer.ts";
import { Enforcement } from "../host/enforcement.ts";
import { missingPermissions, permissionStates } from "../host/permissions.ts";
import { canImportLazily, type Program, ProgramError, thisProgram } from "../host/program.ts";
import { thisMachine } from "../host/spare_policy.ts";
import { willFolder } from "../host/will_store.ts";
import { newKey } from "../net/protocol.ts";
import { ProcessSource, type ProcessSourceOptions } from "../node/process_source.ts";
import { colorVariables, isOnTerminal } from "../terminal/color_variables.ts";
import { stdoutColumns } from "../terminal/columns.ts";
import { sameTarget } from "../terminal/screen.ts";
import { widthVariables } from "../terminal/terminal_variables.ts";
import { exitWith, say } from "./exit_with.ts";
import type { LocalRun } from "./local_run.ts";
import { ownName } from "./own_name.ts";
import { OWN_VARIABLES, readSettings } from "./settings.ts";
import type { TraceFile } from "./trace_file.ts";

/** Processes of a local run talk to each other, and to their node, over the loopback interface. */
const HOSTNAME = "127.0.0.1";

/**
 * Runs the whole program: what `init()` does in the process that the user started.
 *
 * Starts the program again in `cwd` as its first process, shows the run as `DEPLOY_FORMAT` says, and exits
 * with the run's exit code when its last process has ended. What `atExit` takes is called at that exit.
 * SIGINT, SIGTERM and SIGHUP go to every process; after `DEPLOY_GRACE`, or at a second signal, the remaining
 * ones are killed. It exits, and never returns or throws.
 */
export async function launch(
  options: {
    resources: Partial<Resources>;
    cwd: string;
    atExit: (step: () => void) => void;
  },
): Promise<never> {
  requirePermissions();
  const settings = orExit(
    2,
    () => readSettings((name) => Deno.env.get(name), options.resources, thisMachine()),
  );
  for (const name of OWN_VARIABLES) Deno.env.delete(name);
  const program = await restartable(options.cwd);
  // The processes of the program inherit them.
  const variable = (name: string) => Deno.env.get(name);
  const shown = {
    ...widthVariables(settings.format, variable, stdoutColumns()),
    ...colorVariables(settings.format, variable, isOnTerminal()),
  };
  for (const [name, value] of Object.entries(shown)) Deno.env.set(name, value);
  // Otherwise the order of the two streams cannot be seen, and data needs to know which one it is.
  const oneOutput = settings.format !== "json" && sameTarget();
  const logger = createLogger(settings.logLevel, say);
  const enforcement = settings.enforces ? await Enforcement.start(logger) : undefined;
  enforcement?.report();
  const firstStdin = await stdinOfFirst();
  const trace = await traceFile(settings.tracePath);
  if (trace !== undefined) options.atExit(() => trace.end());
  const made = Promise.withResolvers<LocalRun>();
  const boots: ProcessSourceOptions = {
    program: { ...program, oneOutput },
    hostname: HOSTNAME,
    reachable: false,
    key: newKey(),
    node: null,
    willFolder: willFolder(logger),
    maxSpares: settings.maxSpares,
    firstStdin,
    enforcement,
    inspection: settings.inspection,
    logger,
    startTimer,
    sink: async (event) => await (await made.promise).take(event),
  };
  const first: SpawnRequest = {
    parent: null,
    function: null,
    name: ownName(),
    arg: new Uint8Array(),
    resources: settings.resources,
    cwd: null,
    env: null,
  };
  const source = new ProcessSource(boots);
  source.prepare(first);
  // While that boots: half of the launcher's modules, and all that runs for the first time.
  const { LocalRun } = await import("./local_run.ts");
  const run = new LocalRun(settings, { boots, source, first, trace });
  made.resolve(run);
  return await run.run();
}

/** The trace that the user wants; most do not, and do not load it. */
async function traceFile(path: string | undefined): Promise<TraceFile | undefined> {
  if (path === undefined) return undefined;
  const { TraceFile } = await import("./trace_file.ts");
  return orExit(2, () => {
    try {
      return new TraceFile(path, say, startTimer);
    } catch (error) {
      throw new SyntaxError(`Cannot write the trace ${path} of DEPLOY_TRACE: ${messageOf(error)}`);
    }
  });
}

/**
 * The stdin of the first process: that of this program, so that what it does not read is left for whoever
 * reads it next, and so that it has the terminal.
 *
 * It has a session of its own, in which it may read the terminal even if this program is in the background,
 * and would take what is typed for others. So then it has a pipe instead.
 */
async function stdinOfFirst(): Promise<"inherit" | "piped"> {
  return Deno.stdin.isTerminal() && await isInBackground() ? "piped" : "inherit";
}

function requirePermissions(): void {
  const { standalone } = Deno.build;
  const missing = missingPermissions(permissionStates(HOSTNAME), {
    standalone,
    script: ownName(),
  });
  if (missing !== undefined) exitWith(1, missing);
}

async function restartable(cwd: string): Promise<Program> {
  try {
    return await thisProgram(cwd, { lazyImports: canImportLazily() });
  } catch (error) {
    if (error instanceof ProgramError) exitWith(1, error.message);
    throw error;
  }
}

function orExit<Value>(code: number, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof SyntaxError) exitWith(code, error.message);
    throw error;
  }
}
