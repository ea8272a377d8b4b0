/** The setting of every part of a cluster in a `fabric`: secret, certificates, store, reporter. */

import type { Address } from "../core/address.ts";
import type { PortRange } from "../core/port_range.ts";
import { UsageError } from "../core/usage_error.ts";
import { messageOf } from "../core/errors.ts";
import type { FabricOptions } from "../cli/fabric_arguments.ts";
import { formatVariable } from "../cli/values.ts";
import { maxSpares, thisMachine } from "../host/spare_policy.ts";
import { cacheFolder } from "../store/cache_folder.ts";
import { Store } from "../store/store.ts";
import { credentialOf, loadSecret, requireSecret, type Secret } from "../net/connect.ts";
import type { Credential } from "../net/handshake.ts";
import { livenessFrom, type LivenessOptions } from "../net/liveness.ts";
import { createReporter, type Reporter, type ReportFormat } from "./report.ts";

/** Certificates in PEM. */
export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
  readonly caCerts: string[];
}

export interface Setting extends AsyncDisposable {
  readonly format: ReportFormat;
  readonly verbose: boolean;
  readonly reporter: Reporter;
  readonly secret: Secret;
  readonly credential: Credential;
  readonly tls: TlsTexts | undefined;
  readonly store: Store;
  readonly maxSpares: number;
  readonly ports: PortRange | undefined;
  readonly liveness: LivenessOptions;
}

/**
 * Reads the options, and the files that they name.
 *
 * @param binds The addresses to bind. Other parts must be able to reach them; without a secret, only from
 * this machine.
 * @throws {UsageError} If an option or variable is wrong, or an address cannot be bound.
 * @throws {SecretError} If a secret is needed and missing, or cannot be read.
 * @throws {StoreError} If the store cannot be used.
 */
export async function prepareSetting(
  options: FabricOptions,
  binds: readonly Address[],
): Promise<Setting> {
  const format = options.format ??
    reportFormat(Deno.env.get("DEPLOY_FORMAT"));
  const reporter = readReporter(format);
  const { logger } = reporter;
  const maxSpares = readMaxSpares(Deno.env.get("DEPLOY_SPARES"));
  const liveness = readLiveness(Deno.env.get("DEPLOY_LIVENESS"));
  for (const { host } of binds) refuseWildcard(host);
  const secret = await loadSecret({ secretFile: options.secretFile, logger });
  requireSecret(secret, binds, { insecure: options.insecure, logger });
  const tls = options.tls === undefined ? undefined : {
    cert: await readText(options.tls.cert),
    key: await readText(options.tls.key),
    caCerts: [await readText(options.tls.ca)],
  };
  const store = await Store.open(options.store ?? defaultStore());
  // Pieces that executables share with a compiled fabric need not be sent to it.
  if (Deno.build.standalone) await store.addSource(Deno.execPath());
  return {
    format,
    verbose: options.verbose,
    reporter,
    secret,
    credential: await credentialOf(secret),
    tls,
    store,
    maxSpares,
    ports: options.ports,
    liveness,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** `DEPLOY_FORMAT` may be set to a format of `deploy`. Fabric's reports are lines in any case. */
function reportFormat(text: string | undefined): ReportFormat {
  const format = formatVariable(text, ["human", "lines", "json"]);
  return format === "lines" ? "human" : format;
}

function readMaxSpares(text: string | undefined): number {
  try {
    return maxSpares(text, thisMachine());
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(error.message);
    throw error;
  }
}

/** Internal: tests of losses set it to shorten the timeouts. */
function readLiveness(name: string | undefined): LivenessOptions {
  try {
    return livenessFrom(name);
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(error.message);
    throw error;
  }
}

function readReporter(format: ReportFormat): Reporter {
  try {
    return createReporter(format, Deno.env.get("DEPLOY_LOG"));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(error.message);
    throw error;
  }
}

/** A Pid holds the address at which its process is reached, so a wildcard address is refused. */
function refuseWildcard(host: string): void {
  if (!/^[0.:]+$/.test(host)) return;
  throw new UsageError(
    `"${host}" means all addresses of this machine; expected the one at which others reach it`,
  );
}

function defaultStore(): string {
  const folder = cacheFolder((name) => Deno.env.get(name), Deno.build.os);
  if (folder !== undefined) return `${folder}/store`;
  throw new UsageError("there is no home folder for the store; expected --store DIR");
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new UsageError(
      `Cannot read ${path}: ${messageOf(error)}`,
    );
  }
}
