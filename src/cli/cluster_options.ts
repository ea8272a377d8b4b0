/** The options of every command of `deploy`: how to reach a cluster, and the format of what is shown. */

import { OUTPUT_FORMATS, type OutputFormat } from "../terminal/formats.ts";
import type { Scanned } from "./arguments.ts";
import type { Options } from "./executable.ts";
import { formatOption, pathOption } from "./values.ts";

/** Their rows in the table. */
export const CLUSTER_OPTIONS: Options = {
  "format": {
    value: "F",
    summary: "human, lines or json; default DEPLOY_FORMAT, or human",
    completes: OUTPUT_FORMATS,
  },
  "secret-file": {
    value: "FILE",
    summary: "the secret, or an invitation; default DEPLOY_SECRET_FILE",
    completes: "file",
  },
  "plain": { summary: "the cluster does not encrypt (fabric --plain)" },
};

/** Their values. */
export interface ClusterOptions {
  /** `undefined` leaves it to `DEPLOY_FORMAT`. */
  readonly format: OutputFormat | undefined;
  readonly secretFile: string | undefined;
  readonly plain: boolean;
}

/**
 * @param ownFormats Formats that the command handles itself: they are not in the result.
 * @throws {UsageError} If one has a value that it does not take.
 */
export function clusterOptions(
  scanned: Scanned,
  ownFormats: readonly string[] = [],
): ClusterOptions {
  const format = formatOption<string>(scanned, [...OUTPUT_FORMATS, ...ownFormats]);
  return {
    format: OUTPUT_FORMATS.find((each) => each === format),
    secretFile: pathOption(scanned, "secret-file"),
    plain: scanned.options.has("plain"),
  };
}
