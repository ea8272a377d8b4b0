/** Connects the commands of `deploy` to a bridge. */

import { type Address, DEFAULT_BRIDGE } from "../core/address.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import { ConnectError, dialPart, loadCredential, PATIENT_HANDSHAKE_MS } from "../net/connect.ts";
import type { Purpose } from "../net/protocol.ts";
import { devSecretPath } from "./dev_secret.ts";
import { livenessFrom, type LivenessOptions } from "../net/liveness.ts";
import type { Transport } from "../net/transport.ts";

/** How long the first handshake with a bridge takes until that is said. */
const SAY_MS = 3_000;

/** How to connect to a bridge. */
export interface BridgeOptions {
  readonly secretFile: string | undefined;
  /** Whether the cluster does not encrypt. */
  readonly plain: boolean;
  readonly logger: Logger;
}

/** A bridge that can be connected to, any number of times. */
export interface Bridge {
  /** Its address, for messages. */
  readonly address: string;
  /** The times of links to it. */
  readonly liveness: LivenessOptions;
  /**
   * Connects to it, for a deployment or to look at runs. Until that has succeeded once, the handshake may take 30 s,
   * and a line says after 3 s that it does take long. Later attempts, which are repeated, have 5 s.
   *
   * @throws {ConnectError} If that fails.
   * @throws The reason of `signal`, if that is aborted.
   */
  dial(purpose: Purpose, signal?: AbortSignal): Promise<Transport>;
}

/**
 * Reads what is needed to connect to the bridge at `address`. Nothing is sent yet. Where no secret is given, it is
 * the one that `fabric dev` of this user made for that bridge, if there is one.
 *
 * @throws {SecretError} If the secret cannot be used.
 */
export async function dialBridge(address: Address, options: BridgeOptions): Promise<Bridge> {
  const { secretFile, plain, logger } = options;
  const otherwise = devSecretPath(address, (name) => Deno.env.get(name), Deno.build.os);
  const credential = await loadCredential({ secretFile, otherwise, plain, logger });
  const where = formatAddress(address.host, address.port);
  let isReached = false;
  const say = (): void => logger.warn(`the bridge at ${where} has not answered for 3 s; waiting`);
  return {
    address: where,
    liveness: livenessFrom(Deno.env.get("DEPLOY_LIVENESS")),
    async dial(purpose, signal) {
      const timer = isReached ? undefined : setTimeout(say, SAY_MS);
      const handshakeMs = isReached ? undefined : PATIENT_HANDSHAKE_MS;
      try {
        const transport = await dialPart(address, purpose, credential, { signal, handshakeMs });
        isReached = true;
        return transport;
      } catch (error) {
        const isNowhere = address === DEFAULT_BRIDGE && error instanceof ConnectError;
        throw isNowhere ? noCluster(error) : error;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** The error if no bridge was named and none listens at the default address. */
function noCluster({ what, why, cause }: ConnectError): ConnectError {
  const hint = "; start a cluster with: fabric dev, or name its bridge: deploy <bridge> <program>";
  return new ConnectError(what, `${why}${hint}`, { cause });
}
