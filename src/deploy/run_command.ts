/** `deploy main.ts`: builds a program, ships it, runs it, and shows it. */

import { forwardInput } from "../bridge/local_stdin.ts";
import { RunRecord } from "../bridge/run_record.ts";
import { UsageError } from "../core/arguments.ts";
import { type Logger } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import { formatMem } from "../core/resources.ts";
import { cacheFolder } from "../store/cache_folder.ts";
import { type Manifest } from "../store/manifest.ts";
import { manifestOf } from "../store/manifest_of.ts";
import type { RunSpec } from "../store/run_spec.ts";
import { onEndSignal, STDOUT_GONE_CODE } from "../terminal/end_signals.ts";
import { barProgress, plainProgress, type Progress, SILENT } from "../terminal/progress.ts";
import { createTerminal, type OutputFormat, type Terminal } from "../terminal/terminal.ts";
import { dialPart, loadCredential } from "../wire/connect.ts";
import { Purpose } from "../wire/handshake.ts";
import { build, type Built } from "./build.ts";
import type { RunCommand } from "./cli_options.ts";
import { includedFiles } from "./included_files.ts";
import { bridgeAddress, programEnv, type ProjectDefaults, readDefaults } from "./run_settings.ts";
import { type Deployed, type Outcome, Session } from "./session.ts";

/** A run that is ended may take so long to show its end. */
const STOP_MS = 5_000;

/** What is needed of the world around. */
export interface RunContext {
  readonly logger: Logger;
  /** Writes to stderr. */
  readonly say: (text: string) => void;
}

/**
 * Deploys a program and shows it, as a local run would be.
 *
 * @returns The exit code.
 * @throws {UsageError} If what was asked for is impossible.
 * @throws {BuildError} If the program cannot be built.
 * @throws {Error} With a message of one line, if it cannot be deployed for any other reason.
 */
export async function runCommand(command: RunCommand, context: RunContext): Promise<number> {
  const { logger, say } = context;
  const format = outputFormat(command);
  const defaults = await projectDefaults();
  const bridge = bridgeAddress(command, Deno.env.get("DEPLOY_BRIDGE"), defaults);
  const env = programEnv(command.env, (name) => Deno.env.get(name));
  const program = command.program ?? defaults.main ?? "main.ts";
  const credential = await loadCredential({ secretFile: command.options.secretFile, logger });
  const { tlsCa } = command.options;
  const tls = tlsCa === undefined ? undefined : { caCerts: [await Deno.readTextFile(tlsCa)] };
  const progress = createProgress(format, say);

  const folder = await Deno.makeTempDir({ prefix: "deploy-" });
  const stop = new AbortController();
  const stopListening = onEndSignal((code) => {
    // The folder is the system's to remove, then.
    if (stop.signal.aborted) Deno.exit(code);
    stop.abort(new Interrupted(code));
  });
  try {
    // While one is being built, the other is being connected to.
    const connecting = dialPart(bridge, Purpose.deploy, credential, { signal: stop.signal, tls });
    connecting.catch(() => {}); // told when the program is built, unless that fails
    let deployed: Deployed;
    try {
      deployed = await prepare(command, { program, env, folder, progress, say, stop: stop.signal });
    } catch (error) {
      void connecting.then((conn) => conn.close(), () => {});
      throw error;
    }
    const conn = await connecting;
    const shown = formatAddress(bridge.host, bridge.port);
    return await new Deployment(deployed, { format, progress, say, bridge: shown })
      .run(conn, stop.signal);
  } catch (error) {
    progress.clear();
    if (stop.signal.aborted && stop.signal.reason instanceof Interrupted) {
      return stop.signal.reason.code;
    }
    throw error;
  } finally {
    stopListening();
    await Deno.remove(folder, { recursive: true });
  }
}

/** The user has had enough. */
class Interrupted extends Error {
  readonly code: number;

  constructor(code: number) {
    super("interrupted");
    this.code = code;
  }
}

interface Preparation {
  readonly program: string;
  readonly env: Record<string, string>;
  readonly folder: string;
  readonly progress: Progress;
  readonly say: (text: string) => void;
  readonly stop: AbortSignal;
}

/** Builds the program, and looks at all that is to be shipped. */
async function prepare(command: RunCommand, preparation: Preparation): Promise<Deployed> {
  const { program, env, folder, progress, say, stop } = preparation;
  const built = await build({
    program,
    release: command.release,
    folder,
    signal: stop,
    onStep: (step) => progress.step(step === "bundle" ? "bundling" : "compiling"),
  });
  for (const warning of built.warnings) {
    progress.clear();
    say(`deploy: warning: ${warning}\n`);
  }
  progress.done(
    `built ${program}: ${formatMem(built.size)}, ${(built.ms / 1_000).toFixed(1)} s`,
  );
  const cache = cacheFolder((name) => Deno.env.get(name), Deno.build.os);
  const manifests = cache === undefined ? undefined : `${cache}/manifests`;
  const folderOfProgram = await Deno.realPath(
    program.slice(0, program.lastIndexOf("/") + 1) || ".",
  );
  const included = await includedFiles(command.include, folderOfProgram);
  const sources: { path: string; manifest: Manifest }[] = [];
  for (const path of [built.path, ...included.map(({ source }) => source)]) {
    sources.push({ path, manifest: await manifestOf(path, manifests) });
  }
  const main = mainName(built);
  if (included.some(({ path }) => path === main)) {
    throw new UsageError(`--include cannot have a file called ${main}: the program itself is`);
  }
  const spec: RunSpec = {
    kind: built.kind,
    name: program.slice(program.lastIndexOf("/") + 1),
    main,
    manifest: sources[0]!.manifest,
    args: command.args,
    env,
    includes: included.map(({ path, executable }, index) => ({
      path,
      executable,
      manifest: sources[index + 1]!.manifest,
    })),
  };
  return { spec, sources, resources: command.resources, dryRun: command.dryRun };
}

function mainName(built: Built): string {
  return built.path.slice(built.path.lastIndexOf("/") + 1);
}

/** One run, from the offer to the exit code. */
class Deployment {
  readonly #deployed: Deployed;
  readonly #options: DeploymentOptions;
  readonly #terminal: Terminal;
  readonly #record = new RunRecord();
  #session: Session | undefined;
  /** The exit code, once the run is being ended before its time. */
  #endCode: number | undefined;

  constructor(deployed: Deployed, options: DeploymentOptions) {
    this.#deployed = deployed;
    this.#options = options;
    this.#terminal = createTerminal({ format: options.format });
  }

  async run(conn: Deno.Conn, stop: AbortSignal): Promise<number> {
    const { progress, say } = this.#options;
    const session = this.#session = new Session(conn, this.#deployed, {
      sink: async (event) => {
        this.#record.add(event);
        const isFirst = event.event === "spawn" && event.parent === null;
        if (isFirst) void forwardInput(Deno.stdin, stdinOf(session));
        await this.#terminal.sink(event);
      },
      progress,
      say: (line) => say(`deploy: ${line}\n`),
    });
    const end = () => this.#end((stop.reason as Interrupted).code);
    stop.addEventListener("abort", end, { once: true });
    if (stop.aborted) end();
    void this.#terminal.stdoutGone.then(() => this.#end(STDOUT_GONE_CODE));
    return await this.#exitCode(await session.run());
  }

  /** Ends the run, which is shown; if that takes long, the program ends without it. */
  #end(code: number): void {
    if (this.#endCode !== undefined) return;
    this.#endCode = code;
    this.#session?.kill();
    setTimeout(() => Deno.exit(code), STOP_MS);
  }

  async #exitCode(outcome: Outcome): Promise<number> {
    if (this.#endCode !== undefined) return this.#endCode;
    const { say, bridge } = this.#options;
    switch (outcome.kind) {
      case "over":
        return this.#record.exitCode ?? 1;
      case "fits":
        say(`${outcome.message}\n`);
        return 0;
      case "refused":
        if (outcome.output.length > 0) await writeRaw(outcome.output);
        say(`${outcome.why}\n`);
        return 1;
      case "lost":
        say(`Lost the bridge ${bridge}: ${outcome.why}\n`);
        return 1;
    }
  }
}

interface DeploymentOptions {
  readonly format: OutputFormat;
  readonly progress: Progress;
  readonly say: (text: string) => void;
  /** The bridge's address, for people. */
  readonly bridge: string;
}

/** The first process's stdin, as a stream. */
function stdinOf(session: Session): WritableStream<Uint8Array<ArrayBuffer>> {
  return new WritableStream({
    write: (bytes) => session.stdin(bytes),
    close: () => session.stdinEnd(),
  }, { highWaterMark: 0 });
}

async function writeRaw(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const writer = Deno.stderr.writable.getWriter();
  await writer.write(bytes).catch(() => {}); // nobody reads it
  writer.releaseLock();
}

function outputFormat(command: RunCommand): OutputFormat {
  const format = command.options.format ?? (Deno.env.get("DEPLOY_FORMAT") || "human");
  if (format === "human" || format === "json") return format;
  throw new UsageError(`DEPLOY_FORMAT is ${JSON.stringify(format)}; expected human or json`);
}

function createProgress(format: OutputFormat, say: (text: string) => void): Progress {
  if (format === "json") return SILENT;
  return Deno.stderr.isTerminal()
    ? barProgress(say)
    : plainProgress((text) => say(`deploy: ${text}`));
}

/** What the nearest deno.json, from this folder upwards, says of deploying. */
async function projectDefaults(): Promise<ProjectDefaults> {
  for (let folder = Deno.cwd();; folder = folder.slice(0, folder.lastIndexOf("/"))) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = `${folder}/${name}`;
      try {
        return readDefaults(await Deno.readTextFile(path), path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    if (folder === "") return {};
  }
}
