/** Connects the commands of `deploy` to a bridge. */

import { type Address, DEFAULT_BRIDGE } from "../core/address.ts";
import type { Logger } from "../core/logger.ts";
import { formatAddress } from "../core/pid.ts";
import { ConnectError, dialPart, loadCredential } from "../net/connect.ts";
import type { Purpose } from "../net/handshake.ts";
import { devSecretPath } from "./dev_secret.ts";
import { livenessFrom, type LivenessOptions } from "../net/liveness.ts";
import type { Transport } from "../net/transport.ts";

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
   * Connects to it, for a deployment or to look at runs.
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
  return {
    address: formatAddress(address.host, address.port),
    liveness: livenessFrom(Deno.env.get("DEPLOY_LIVENESS")),
    async dial(purpose, signal) {
      try {
        return await dialPart(address, purpose, credential, { signal });
      } catch (error) {
        const isNowhere = address === DEFAULT_BRIDGE && error instanceof ConnectError;
        throw isNowhere ? noCluster(error) : error;
      }
    },
  };
}

/** The error if no bridge was named and none listens at the default address. */
function noCluster({ what, why, cause }: ConnectError): ConnectError {
  const hint = "; start a cluster with: fabric dev, or name its bridge: deploy <bridge> <program>";
  return new ConnectError(what, `${why}${hint}`, { cause });
}
