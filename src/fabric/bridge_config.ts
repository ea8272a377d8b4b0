/** The configuration that a fabric writes to its bridge's stdin, where no one else can read the secret. */

import type { Address } from "../core/address.ts";
import type { Secret } from "../net/connect.ts";
import type { ReportFormat } from "./report.ts";

/** The variable that makes a process a bridge. */
export const BRIDGE_VARIABLE = "DEPLOY_PART";

/** The maximum length of the line. */
export const MAX_CONFIG_BYTES: number = 1024 * 1024;

export interface BridgeConfig {
  readonly bind: Address;
  /** Whether its port was any free one. */
  readonly anyPort: boolean;
  readonly master: Address;
  readonly secret: Secret;
  /** Whether connections are not encrypted. */
  readonly plain: boolean;
  /** The names of invitations that were taken back. */
  readonly deny: readonly string[];
  /** How many runs each person may have at a time; if it is missing, any number. */
  readonly mostRuns?: number | undefined;
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
  const { secret, ...rest } = JSON.parse(line);
  return { ...rest, secret: { ...secret, bytes: new Uint8Array(secret.bytes) } };
}
