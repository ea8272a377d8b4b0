/** Keeps the bridge of a master's fabric running: a separate OS process, restarted if it dies. */

// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import type { Address } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import { pause } from "../net/clock.ts";
import { type Program, thisProgram } from "../host/program.ts";
import { ListenError } from "../net/part_server.ts";
import { BRIDGE_VARIABLE, type BridgeConfig, formatBridgeConfig } from "./bridge_config.ts";

/** The delay between starts: the first value, then doubled up to the second. */
const FIRST_RESTART_MS = 100;
const MAX_RESTART_MS = 5_000;

/** After running for this long, a bridge counts as healthy, and the delay is reset. */
const HEALTHY_MS = 10_000;

/** How long a bridge may take to stop. */
const STOP_MS = 1_500;

/** A port in use is retried: it may belong to the bridge of a killed fabric, which is about to end. */
const PORT_RETRY_MS = 100;
const PORT_RETRIES = 30;

/**
 * Finds a port for a bridge, which it keeps after a restart.
 *
 * @throws {ListenError} If it cannot listen there.
 */
export async function findPort({ host, port }: Address): Promise<Address> {
  for (let retries = 0;; retries++) {
    try {
      using listener = Deno.listen({ hostname: host, port });
      return { host, port: listener.addr.port };
    } catch (cause) {
      const inUse = cause instanceof Deno.errors.AddrInUse;
      if (inUse && retries < PORT_RETRIES) {
        await delay(PORT_RETRY_MS);
        continue;
      }
      const why = inUse ? "another program already listens there" : (cause as Error).message;
      const where = formatAddress(host, port);
      throw new ListenError(`Cannot listen on ${where} for the bridge: ${why}`, { cause });
    }
  }
}

export class BridgeProcess {
  readonly #config: BridgeConfig;
  readonly #logger: Logger;
  readonly #program: Program;
  readonly #stopping = new AbortController();
  readonly #over: Promise<void>;
  #child: { process: Deno.ChildProcess; stdin: WritableStreamDefaultWriter } | undefined;

  private constructor(config: BridgeConfig, logger: Logger, program: Program) {
    this.#config = config;
    this.#logger = logger;
    this.#program = program;
    this.#over = this.#run();
  }

  /** @throws {ProgramError} If this program cannot restart itself. */
  static async start(config: BridgeConfig, logger: Logger): Promise<BridgeProcess> {
    const program = await thisProgram(Deno.cwd());
    // The same program with the same flags, without the arguments.
    const args = program.args.slice(0, program.args.length - Deno.args.length);
    return new BridgeProcess(config, logger, { ...program, args });
  }

  /** Stops it; kills it if that takes too long. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const child = this.#child;
    if (child !== undefined) {
      const timer = setTimeout(() => child.process.kill("SIGKILL"), STOP_MS);
      void child.stdin.close().catch(() => {}); // it has already ended
      await child.process.status;
      clearTimeout(timer);
    }
    await this.#over;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let pauseMs = FIRST_RESTART_MS;
    while (!signal.aborted) {
      const startMs = performance.now();
      const how = await this.#runOnce();
      if (signal.aborted) return;
      if (performance.now() - startMs > HEALTHY_MS) pauseMs = FIRST_RESTART_MS;
      this.#logger.warn(`the bridge ended (${how}); restarting it`);
      await pause(pauseMs, signal);
      pauseMs = Math.min(2 * pauseMs, MAX_RESTART_MS);
    }
  }

  async #runOnce(): Promise<string> {
    try {
      const { command, args, cwd } = this.#program;
      const process = new Deno.Command(command, {
        args: [...args],
        cwd,
        env: { [BRIDGE_VARIABLE]: "bridge" },
        stdin: "piped",
        // The bridge prints its own `ready` line.
        stdout: "inherit",
        stderr: "inherit",
        // Ctrl-C goes to this process only, so that the bridge can report how its runs end.
        detached: true,
      }).spawn();
      const stdin = process.stdin.getWriter();
      this.#child = { process, stdin };
      // It reads only this line; the end of its stdin tells it that this process has ended.
      const line = new TextEncoder().encode(`${formatBridgeConfig(this.#config)}\n`);
      await stdin.write(line).catch(() => {}); // it has already ended
      const { code, signal } = await process.status;
      return signal ?? `exit code ${code}`;
    } catch (error) {
      return messageOf(error);
    } finally {
      this.#child = undefined;
    }
  }
}
