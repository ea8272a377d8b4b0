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
    summary: "the cluster's secret; default DEPLOY_SECRET_FILE",
    completes: "file",
  },
  "tls-ca": {
    value: "FILE",
    summary: "the authority that signed the cluster's certificates",
    completes: "file",
  },
};

/** Their values. */
export interface ClusterOptions {
  /** `undefined` leaves it to `DEPLOY_FORMAT`. */
  readonly format: OutputFormat | undefined;
  readonly secretFile: string | undefined;
  readonly tlsCa: string | undefined;
}

/** @throws {UsageError} If one has a value that it does not take. */
export function clusterOptions(scanned: Scanned): ClusterOptions {
  return {
    format: formatOption(scanned, OUTPUT_FORMATS),
    secretFile: pathOption(scanned, "secret-file"),
    tlsCa: pathOption(scanned, "tls-ca"),
  };
}
