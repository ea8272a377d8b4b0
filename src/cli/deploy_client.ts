/** Deploys a built program and shows it: from the offer to the exit code. */

import { forwardInput } from "../terminal/input.ts";
import { exitCodeOf, NEW_RUN, step, stoppedExitCodeOf } from "../run/run_state.ts";
import { type Address, DEFAULT_BRIDGE } from "../core/address.ts";
import { UsageError } from "../core/usage_error.ts";
import { messageOf } from "../core/errors.ts";
import type { RunEventSink } from "../core/events.ts";
import type { Logger } from "../core/logger.ts";
import { formatMem } from "../core/resources.ts";
import { KILL } from "../core/signals.ts";
import { type EndSignal, STDOUT_GONE_CODE } from "../terminal/end_signals.ts";
import type { Progress } from "../terminal/progress.ts";
import type { OutputFormat } from "../terminal/formats.ts";
import { createTerminal, type Terminal, writeRaw } from "../terminal/terminal.ts";
import { onWhySignal } from "../terminal/why_signal.ts";
import { ConnectError, dialPart, loadCredential } from "../net/connect.ts";
import { Purpose } from "../net/handshake.ts";
import { largestFiles } from "./largest_files.ts";
import { exitAtOnce, Interrupted } from "./interrupted.ts";
import {
  type BridgeLink,
  bridgeLink,
  type Deployed,
  type Outcome,
  Session,
  sizeOf,
} from "./session.ts";

/** How long the end of a run may take to be shown after its grace. */
const STOP_MS = 5_000;

/** The same after a second signal. */
const KILL_MS = 2_000;

/** How to connect to a bridge. */
export interface BridgeOptions {
  readonly secretFile: string | undefined;
  /** The file with the authority that must have signed the bridge's certificate. */
  readonly tlsCa: string | undefined;
  readonly logger: Logger;
  /** Gives up when aborted. */
  readonly signal: AbortSignal;
}

/**
 * Starts to connect to a bridge, and returns the promise of the connection, which need not be awaited.
 *
 * @throws {SecretError} If the secret cannot be used.
 * @throws {UsageError} If the certificates cannot be read.
 */
export async function connectBridge(
  address: Address,
  { secretFile, tlsCa, logger, signal }: BridgeOptions,
): Promise<{ readonly connecting: Promise<BridgeLink> }> {
  const credential = await loadCredential({ secretFile, logger });
  const tls = await readTlsOptions(tlsCa);
  const connecting = dialPart(address, Purpose.deploy, credential, { signal, tls })
    .then(bridgeLink, (error) => {
      throw address === DEFAULT_BRIDGE && error instanceof ConnectError ? noCluster(error) : error;
    });
  connecting.catch(() => {});
  return { connecting };
}

/** The certificates of `--tls-ca`. @throws {UsageError} If they cannot be read. */
export async function readTlsOptions(
  path: string | undefined,
): Promise<{ caCerts: string[] } | undefined> {
  if (path === undefined) return undefined;
  try {
    return { caCerts: [await Deno.readTextFile(path)] };
  } catch (cause) {
    const why = messageOf(cause);
    throw new UsageError(`--tls-ca ${path} cannot be read: ${why}`);
  }
}

/** The error if no bridge was named and none listens at the default address. */
function noCluster(cause: ConnectError): Error {
  return new Error(
    `${cause.message}; start a cluster with: fabric dev, or name its bridge: ` +
      `deploy <bridge> <program>`,
    { cause },
  );
}

/** One deployment, from the offer to the exit code. */
export class DeployClient {
  readonly #deployed: Deployed;
  readonly #options: DeployClientOptions;
  readonly #terminal: Terminal;
  #state = NEW_RUN;
  #session: Session | undefined;
  /** The exit code, once the user has told the run to stop. */
  #endCode: (() => number) | undefined;

  constructor(deployed: Deployed, options: DeployClientOptions) {
    this.#deployed = deployed;
    this.#options = options;
    this.#terminal = createTerminal({ format: options.format });
  }

  /** Runs the program, and shows the run. */
  async run(link: BridgeLink, stop: AbortSignal): Promise<number> {
    const session = this.#session = this.#newSession(link);
    const end = () => {
      const { signal } = stop.reason as Interrupted;
      const told = this.#state;
      this.#end(signal, () => stoppedExitCodeOf(this.#state, signal, told));
    };
    stop.addEventListener("abort", end, { once: true });
    if (stop.aborted) end();
    void this.#terminal.stdoutGone.then(() => this.#end("SIGTERM", () => STDOUT_GONE_CODE));
    const stopAsking = onWhySignal(() => session.askWhy());
    const { graceMs, name, by, detached } = this.#options;
    const outcome = await session.run({ graceMs, name, by, detached }).finally(stopAsking);
    return this.#endCode?.() ?? await this.#exitCode(outcome);
  }

  /** Kills the processes that are left of a run that was told to stop. */
  kill(): void {
    this.#session?.stop(KILL);
    this.#exitAfter(KILL_MS);
  }

  /** Finds out whether the program starts, what would be sent, and where it would fit. */
  async check(
    link: BridgeLink,
    options: { logger: Logger; signal: AbortSignal },
  ): Promise<number> {
    const { progress, folder } = this.#options;
    progress.step("trial boot here");
    // Only a dry run loads the modules that start processes.
    const { TrialBootError, tryHere } = await import("./try_here.ts");
    try {
      const needs = await tryHere(this.#deployed, { ...options, folder });
      options.signal.addEventListener("abort", () => link.drop(), { once: true });
      const outcome = await this.#newSession(link).check(needs);
      options.signal.throwIfAborted();
      return await this.#exitCode(outcome);
    } catch (error) {
      if (!(error instanceof TrialBootError)) throw error;
      const { message: why } = error;
      return await this.#exitCode({ kind: "refused", why, output: error.written() });
    }
  }

  #newSession(link: BridgeLink): Session {
    const { progress, say } = this.#options;
    return new Session(link, this.#deployed, {
      sink: this.#show,
      progress,
      say: (line) => say(`deploy: ${line}\n`),
      remark: (line) => this.#terminal.remark(line),
    });
  }

  readonly #show: RunEventSink = async (event) => {
    this.#state = step(this.#state, event);
    const session = this.#session;
    const isFirst = event.event === "spawn" && event.parent === null;
    if (isFirst && session !== undefined) this.#forwardInput(session);
    try {
      await this.#terminal.sink(event);
    } catch (cause) {
      const why = messageOf(cause);
      throw new Error(`Cannot show the output of this program: ${why}`, { cause });
    }
  };

  #forwardInput(session: Session): void {
    if (!this.#options.stdin) return session.stdinEnd();
    void forwardInput(Deno.stdin, stdinOf(session), { wanted: () => session.stdinWanted() });
  }

  /** Tells the run to stop; its end is still shown. Only the first call has an effect. */
  #end(signal: EndSignal, code: () => number): void {
    if (this.#endCode !== undefined) return;
    this.#endCode = code;
    const { graceMs } = this.#options;
    this.#session?.stop({ signal, graceMs });
    this.#exitAfter(graceMs + STOP_MS);
  }

  /** This process ends after that time, even if the run's end has not been shown. */
  #exitAfter(ms: number): void {
    setTimeout(() => exitAtOnce(this.#endCode?.() ?? 1, this.#options.folder), ms);
  }

  async #exitCode(outcome: Outcome): Promise<number> {
    const { progress, say, bridge } = this.#options;
    progress.clear();
    switch (outcome.kind) {
      case "over":
        return exitCodeOf(this.#state) ?? 1;
      case "detached":
        console.log(outcome.run);
        return 0;
      case "fits": {
        const [bytes, total] = [formatMem(outcome.bytes), formatMem(sizeOf(this.#deployed))];
        for (const line of largestFiles(this.#deployed.spec)) say(`deploy: ${line}\n`);
        say(`deploy: would send ${bytes} of ${total}\ndeploy: ${outcome.message}\n`);
        return outcome.possible ? 0 : 1;
      }
      case "refused":
        if (outcome.output.length > 0) await writeRaw(Deno.stderr, outcome.output);
        say(`deploy: ${outcome.why}\n`);
        return 1;
      case "lost":
        // It may come in the middle of the program's output.
        await this.#terminal.remark(`deploy: lost the bridge ${bridge}: ${outcome.why}`);
        return 1;
    }
  }
}

/** How a deployment is shown. */
export interface DeployClientOptions {
  readonly format: OutputFormat;
  /** The run's grace when it is told to stop, in ms. */
  readonly graceMs: number;
  /** What the run is called. */
  readonly name: string;
  /** Who starts it: `user@host`. */
  readonly by: string;
  /** Whether the run goes on without this process. */
  readonly detached: boolean;
  readonly progress: Progress;
  /** Whether the first process gets the stdin of this one. */
  readonly stdin: boolean;
  /** Writes to stderr. */
  readonly say: (text: string) => void;
  /** The bridge's address, for messages. */
  readonly bridge: string;
  /** The folder for temporary files. */
  readonly folder: string;
}

/** The first process's stdin, as a stream. */
function stdinOf(session: Session): WritableStream<Uint8Array<ArrayBuffer>> {
  return new WritableStream({
    write: (bytes) => session.stdin(bytes),
    close: () => session.stdinEnd(),
  }, { highWaterMark: 0 });
}
