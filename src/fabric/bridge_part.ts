/** The bridge's side of its process, which a fabric starts. */

import { keepThread } from "../core/kept_thread.ts";
import { createReporter, type Reporter } from "./report.ts";
import { runBridge } from "../bridge/bridge_service.ts";
import { ConnectError, credentialOf } from "../net/connect.ts";
import { livenessFrom } from "../net/liveness.ts";
import { LinkError } from "../net/message_link.ts";
import { ListenError } from "../net/part_server.ts";
import { hideMemoryOrSay } from "./hidden_memory.ts";
import { MAX_CONFIG_BYTES, parseBridgeConfig } from "./bridge_config.ts";

/** The fabric that has started this bridge has ended, before the bridge was ready. */
class FabricEndedError extends Error {
  constructor() {
    super("Cannot start the bridge: its fabric has ended");
    this.name = "FabricEndedError";
  }
}

/** Runs the bridge until its stdin ends or its master is lost. Returns the exit code. */
export async function runBridgePart(): Promise<number> {
  const config = parseBridgeConfig(await readLine());
  const ending = new AbortController();
  void awaitEnd().then(() => ending.abort(new FabricEndedError()));
  const reporter = createReporter(config.format, Deno.env.get("DEPLOY_LOG"));
  hideMemoryOrSay(reporter.logger);
  using _thread = keepThread();
  try {
    const why = await runBridge({
      bind: config.bind,
      anyPort: config.anyPort,
      master: config.master,
      credential: await credentialOf(config.secret, config),
      denied: new Set(config.deny),
      mostRuns: config.mostRuns,
      store: config.store,
      liveness: livenessFrom(Deno.env.get("DEPLOY_LIVENESS")),
      logger: reporter.logger,
      onReady: (address) => reporter.ready("bridge", address),
      signal: ending.signal,
    });
    if (!ending.signal.aborted) reporter.logger.warn(`the bridge's master: ${why}`);
    return 0;
  } catch (error) {
    return report(error, reporter);
  }
}

function report(error: unknown, { logger }: Reporter): number {
  const isOrdinary = error instanceof ListenError || error instanceof ConnectError ||
    error instanceof LinkError || error instanceof FabricEndedError;
  if (!isOrdinary) throw error;
  logger.error(error.message);
  return 1;
}

async function readLine(): Promise<string> {
  const buffer = new Uint8Array(MAX_CONFIG_BYTES);
  for (let filled = 0; filled < buffer.length;) {
    const count = await Deno.stdin.read(buffer.subarray(filled));
    if (count === null) break;
    const end = buffer.indexOf(10, filled);
    filled += count;
    if (end >= 0 && end < filled) return new TextDecoder().decode(buffer.subarray(0, end));
  }
  throw new SyntaxError(
    "Cannot run as a bridge: only fabric starts a bridge, with its configuration on stdin",
  );
}

async function awaitEnd(): Promise<void> {
  const buffer = new Uint8Array(16);
  while (await Deno.stdin.read(buffer) !== null);
}
