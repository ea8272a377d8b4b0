/** Keeps the bridge of a master's fabric running: a separate OS process, restarted if it dies. */

import type { Address } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import { type Clock, pause, SYSTEM_CLOCK } from "../net/clock.ts";
import { type Program, thisProgram } from "../host/program.ts";
import { ListenError } from "../net/part_server.ts";
import { BRIDGE_VARIABLE, type BridgeConfig, formatBridgeConfig } from "./bridge_config.ts";
import { keepRunning } from "./keep_running.ts";

/** How long a bridge may take to stop. */
const STOP_MS = 1_500;

/** A port in use is retried: it may belong to the bridge of a killed fabric, which is about to end. */
export const PORT_RETRY_MS = 100;
export const PORT_RETRIES = 30;

/** A signal that is never aborted. */
const NEVER = new AbortController().signal;

/**
 * Finds a port for a bridge, which it keeps after a restart.
 *
 * @throws {ListenError} If it cannot listen there.
 */
export async function findPort(
  { host, port }: Address,
  clock: Clock = SYSTEM_CLOCK,
): Promise<Address> {
  for (let retries = 0;; retries++) {
    try {
      using listener = Deno.listen({ hostname: host, port });
      return { host, port: listener.addr.port };
    } catch (cause) {
      const inUse = cause instanceof Deno.errors.AddrInUse;
      if (inUse && retries < PORT_RETRIES) {
        await pause(PORT_RETRY_MS, NEVER, clock);
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
  readonly #program: Program;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  readonly #over: Promise<void>;
  #restarts = 0;
  #child: { process: Deno.ChildProcess; stdin: WritableStreamDefaultWriter } | undefined;

  private constructor(config: BridgeConfig, logger: Logger, program: Program, clock: Clock) {
    this.#config = config;
    this.#program = program;
    this.#clock = clock;
    this.#over = keepRunning(() => this.#runOnce(), {
      ended: (how) => {
        this.#restarts++;
        logger.warn(`the bridge ended (${how}); restarting it`);
      },
      signal: this.#stopping.signal,
      clock,
    });
  }

  /** @throws {ProgramError} If this program cannot restart itself. */
  static async start(
    config: BridgeConfig,
    logger: Logger,
    clock: Clock = SYSTEM_CLOCK,
  ): Promise<BridgeProcess> {
    const program = await thisProgram(Deno.cwd());
    // The same program with the same flags, without the arguments.
    const args = program.args.slice(0, program.args.length - Deno.args.length);
    return new BridgeProcess(config, logger, { ...program, args }, clock);
  }

  /** How often it has ended by itself. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Stops it; kills it if that takes too long. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const child = this.#child;
    if (child !== undefined) {
      const cancel = this.#clock.after(STOP_MS, () => child.process.kill("SIGKILL"));
      void child.stdin.close().catch(() => {}); // it has already ended
      await child.process.status;
      cancel();
    }
    await this.#over;
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
      void stdin.close().catch(() => {}); // it broke, and is closed by that
      return signal ?? `exit code ${code}`;
    } catch (error) {
      return messageOf(error);
    } finally {
      this.#child = undefined;
    }
  }
}
