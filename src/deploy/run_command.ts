/** `deploy main.ts`: builds a program, ships it, runs it, and shows it. */

import { forwardInput } from "../bridge/local_stdin.ts";
import { RunRecord } from "../bridge/run_record.ts";
import { UsageError } from "../core/arguments.ts";
import { messageOf } from "../core/errors.ts";
import type { RunEventSink } from "../core/events.ts";
import type { Logger } from "../core/logger.ts";
import { DEFAULT_BRIDGE } from "../core/address.ts";
import { formatAddress } from "../core/pid.ts";
import { formatMem } from "../core/resources.ts";
import { RecceError } from "../node/recce.ts";
import { onEndSignal, STDOUT_GONE_CODE } from "../terminal/end_signals.ts";
import { barProgress, plainProgress, type Progress, SILENT } from "../terminal/progress.ts";
import {
  createTerminal,
  type OutputFormat,
  type Terminal,
  writeRaw,
} from "../terminal/terminal.ts";
import { ConnectError, dialPart, loadCredential } from "../wire/connect.ts";
import { Purpose } from "../wire/handshake.ts";
import type { RunCommand } from "./cli_options.ts";
import { prepare, tryHere } from "./prepare.ts";
import { bridgeAddress, programEnv, projectDefaults } from "./run_settings.ts";
import {
  type BridgeLink,
  bridgeLink,
  type Deployed,
  type Outcome,
  Session,
  sizeOf,
} from "./session.ts";

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
  const defaults = await projectDefaults(Deno.cwd());
  const bridge = bridgeAddress(command, Deno.env.get("DEPLOY_BRIDGE"), defaults);
  const env = programEnv(command.env, (name) => Deno.env.get(name));
  const program = command.program ?? defaults.main ?? "main.ts";
  const credential = await loadCredential({ secretFile: command.options.secretFile, logger });
  const tls = await tlsOptions(command.options.tlsCa);
  const progress = createProgress(format, say);

  const folder = await Deno.makeTempDir({ prefix: "deploy-" });
  const stop = new AbortController();
  const stopListening = onEndSignal((code) => {
    if (stop.signal.aborted) exitAtOnce(code, folder);
    stop.abort(new Interrupted(code));
  });
  // While one is being built, the other is being connected to, and told that deploy is there.
  const connecting = dialPart(bridge, Purpose.deploy, credential, { signal: stop.signal, tls })
    .then(bridgeLink, (error) => {
      throw bridge === DEFAULT_BRIDGE && error instanceof ConnectError ? noCluster(error) : error;
    });
  connecting.catch(() => {}); // told when the program is built, unless that fails
  try {
    const deployed = await prepare(command, {
      program,
      env,
      folder,
      progress,
      say,
      stop: stop.signal,
    });
    const shown = formatAddress(bridge.host, bridge.port);
    const deployment = new Deployment(deployed, { format, progress, say, bridge: shown, folder });
    if (!command.dryRun) return await deployment.run(await connecting, stop.signal);
    return await deployment.check(connecting, { logger, signal: stop.signal });
  } catch (error) {
    if (stop.signal.aborted && stop.signal.reason instanceof Interrupted) {
      return stop.signal.reason.code;
    }
    throw error;
  } finally {
    progress.clear();
    stopListening();
    void connecting.then((link) => link.drop(), () => {});
    await Deno.remove(folder, { recursive: true });
  }
}

/** Nobody said where the bridge is, and where it is by default it is not. */
function noCluster(cause: ConnectError): Error {
  return new Error(
    `${cause.message}; start a cluster with: fabric dev, or say where its bridge is: ` +
      `deploy <bridge> <program>`,
    { cause },
  );
}

/** The user has had enough. */
class Interrupted extends Error {
  readonly code: number;

  constructor(code: number) {
    super("interrupted");
    this.code = code;
  }
}

/** One deployment, from the offer to the exit code. */
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

  /** Runs it, and shows that. */
  async run(link: BridgeLink, stop: AbortSignal): Promise<number> {
    const session = this.#session = this.#newSession(link);
    const end = () => this.#end((stop.reason as Interrupted).code);
    stop.addEventListener("abort", end, { once: true });
    if (stop.aborted) end();
    void this.#terminal.stdoutGone.then(() => this.#end(STDOUT_GONE_CODE));
    const outcome = await session.run();
    return this.#endCode ?? await this.#exitCode(outcome);
  }

  /** Finds out whether it runs, what would be sent of it, and where it would fit. */
  async check(
    connecting: Promise<BridgeLink>,
    options: { logger: Logger; signal: AbortSignal },
  ): Promise<number> {
    const { progress, folder } = this.#options;
    progress.step("trying it here");
    try {
      const needs = await tryHere(this.#deployed, { ...options, folder });
      const link = await connecting;
      options.signal.addEventListener("abort", () => link.drop(), { once: true });
      const outcome = await this.#newSession(link).check(needs);
      options.signal.throwIfAborted();
      return await this.#exitCode(outcome);
    } catch (error) {
      if (!(error instanceof RecceError)) throw error;
      const output = await new Blob(error.output.map(({ bytes }) => bytes)).bytes();
      return await this.#exitCode({ kind: "refused", why: error.message, output });
    }
  }

  #newSession(link: BridgeLink): Session {
    const { progress, say } = this.#options;
    return new Session(link, this.#deployed, {
      sink: this.#show,
      progress,
      say: (line) => say(`deploy: ${line}\n`),
    });
  }

  readonly #show: RunEventSink = async (event) => {
    this.#record.add(event);
    const session = this.#session;
    const isFirst = event.event === "spawn" && event.parent === null;
    if (isFirst && session !== undefined) void forwardInput(Deno.stdin, stdinOf(session));
    try {
      await this.#terminal.sink(event);
    } catch (cause) {
      const why = messageOf(cause);
      throw new Error(`Cannot show the output of this program: ${why}`, { cause });
    }
  };

  /** Ends the run, which is shown; if that takes long, the program ends without it. */
  #end(code: number): void {
    if (this.#endCode !== undefined) return;
    this.#endCode = code;
    this.#session?.kill();
    setTimeout(() => exitAtOnce(code, this.#options.folder), STOP_MS);
  }

  async #exitCode(outcome: Outcome): Promise<number> {
    const { progress, say, bridge } = this.#options;
    progress.clear();
    switch (outcome.kind) {
      case "over":
        return this.#record.exitCode ?? 1;
      case "fits": {
        const [bytes, total] = [formatMem(outcome.bytes), formatMem(sizeOf(this.#deployed))];
        say(`deploy: would send ${bytes} of ${total}\ndeploy: ${outcome.message}\n`);
        return 0;
      }
      case "refused":
        if (outcome.output.length > 0) await writeRaw(Deno.stderr, outcome.output);
        say(`deploy: ${outcome.why}\n`);
        return 1;
      case "lost":
        // It may come in the middle of what the program writes.
        await this.#terminal.remark(`deploy: lost the bridge ${bridge}: ${outcome.why}`);
        return 1;
    }
  }
}

interface DeploymentOptions {
  readonly format: OutputFormat;
  readonly progress: Progress;
  /** Writes to stderr. */
  readonly say: (text: string) => void;
  /** The bridge's address, for people. */
  readonly bridge: string;
  /** Where what is made lies. */
  readonly folder: string;
}

/** The first process's stdin, as a stream. */
function stdinOf(session: Session): WritableStream<Uint8Array<ArrayBuffer>> {
  return new WritableStream({
    write: (bytes) => session.stdin(bytes),
    close: () => session.stdinEnd(),
  }, { highWaterMark: 0 });
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

async function tlsOptions(path: string | undefined): Promise<{ caCerts: string[] } | undefined> {
  if (path === undefined) return undefined;
  try {
    return { caCerts: [await Deno.readTextFile(path)] };
  } catch (cause) {
    const why = messageOf(cause);
    throw new UsageError(`--tls-ca ${path} cannot be read: ${why}`);
  }
}

/** Leaves nothing behind here; what runs elsewhere ends because the connection does. */
function exitAtOnce(code: number, folder: string): never {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // Something is being written there: then the folder is the system's to remove.
  }
  Deno.exit(code);
}
