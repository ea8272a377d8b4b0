/** The configuration that a fabric writes to its bridge's stdin, where no one else can read the secret. */

import type { Address } from "../core/address.ts";
import type { Secret } from "../net/connect.ts";
import type { ReportFormat } from "./report.ts";
import type { TlsTexts } from "./setting.ts";

/** The variable that makes a process a bridge. */
export const BRIDGE_VARIABLE = "DEPLOY_PART";

/** The maximum length of the line. */
export const MAX_CONFIG_BYTES: number = 1024 * 1024;

export interface BridgeConfig {
  readonly bind: Address;
  readonly master: Address;
  readonly secret: Secret;
  readonly tls: TlsTexts | undefined;
  /** The folder of the store. */
  readonly store: string;
  readonly format: ReportFormat;
}

/** Formats the line. */
export function formatBridgeConfig(config: BridgeConfig): string {
  const { secret, ...rest } = config;
  return JSON.stringify({ ...rest, secret: { ...secret, bytes: [...secret.bytes] } });
}

/** Reads the line, which this program has written. @throws {SyntaxError} If it is malformed. */
export function parseBridgeConfig(line: string): BridgeConfig {
  const { secret, tls, ...rest } = JSON.parse(line);
  return { ...rest, tls, secret: { ...secret, bytes: new Uint8Array(secret.bytes) } };
}
