/** The setting of every part of a cluster in a `fabric`: secret, credential, store, reporter. */

import type { Address } from "../core/address.ts";
import { keepThread } from "../core/kept_thread.ts";
import type { Permissions } from "../core/permissions.ts";
import type { PortRange } from "../core/port_range.ts";
import { UsageError } from "../core/usage_error.ts";
import type { FabricOptions } from "../cli/fabric_arguments.ts";
import { formatVariable } from "../cli/values.ts";
import type { Logger } from "../core/logger.ts";
import { Enforcement, enforcesFrom } from "../host/enforcement.ts";
import type { ProgramUser } from "../host/program_user.ts";
import { temporaryFolder } from "../host/will_store.ts";
import { maxSpares, thisMachine } from "../host/spare_policy.ts";
import { cacheFolder } from "../store/cache_folder.ts";
import { Store } from "../store/store.ts";
import { credentialOf, loadSecret, requireSecret, type Secret } from "../net/connect.ts";
import type { Credential } from "../net/credential.ts";
import { livenessFrom, type LivenessOptions } from "../net/liveness.ts";
import { capOf, problemOfFlags } from "./cap.ts";
import { checkProgramUser, findProgramUser } from "./programs_user.ts";
import { canLookAtDisk } from "../host/disk_watch.ts";
import { hideMemoryOrSay } from "./hidden_memory.ts";
import { keepFiles } from "./inherited_files.ts";
import { lentResources } from "./machine.ts";
import { leaveKeyring } from "./own_keyring.ts";
import { createReporter, type Reporter, type ReportFormat } from "./report.ts";

export interface Setting extends AsyncDisposable {
  readonly format: ReportFormat;
  readonly verbose: boolean;
  readonly reporter: Reporter;
  readonly secret: Secret;
  readonly credential: Credential;
  /** Whether connections are not encrypted. */
  readonly plain: boolean;
  /** The names of invitations that the bridge does not take. */
  readonly deny: readonly string[];
  /** How many runs each person may have at a time; `undefined`: any number. */
  readonly mostRuns: number | undefined;
  readonly store: Store;
  readonly maxSpares: number;
  readonly ports: PortRange | undefined;
  readonly liveness: LivenessOptions;
  /** What programs may do at most; `undefined`: everything. */
  readonly cap: Permissions | undefined;
  /** The user that programs run as; `undefined`: that of this process. */
  readonly user: ProgramUser | undefined;
  /** How many bytes the files of each run may take on this node; `undefined`: any number. */
  readonly mostRunBytes: number | undefined;
  /** How many bytes the files of all runs of each person may take on this node; `undefined`: any number. */
  readonly mostPersonBytes: number | undefined;
  /** What holds processes to what they ask for; `undefined` if `DEPLOY_ENFORCE` turns that off. */
  readonly enforcement: Enforcement | undefined;
}

/**
 * Reads the options, and the files that they name.
 *
 * @param binds The addresses to bind. Other parts must be able to reach them.
 * @param made The secret where none is given, unless `--insecure` is.
 * @throws {UsageError} If an option or variable is wrong, an address cannot be bound, or programs cannot run as the
 * user that is named.
 * @throws {SecretError} If a secret is needed and missing, or cannot be read.
 * @throws {StoreError} If the store cannot be used.
 */
export async function prepareSetting(
  options: FabricOptions,
  binds: readonly Address[],
  made?: Secret,
): Promise<Setting> {
  const format = options.format ??
    reportFormat(Deno.env.get("DEPLOY_FORMAT"));
  const reporter = readReporter(format);
  const { logger } = reporter;
  keepFilesOrSay(logger, options.user);
  if (options.user !== undefined) leaveKeyringOrRefuse(options.user);
  hideMemoryOrSay(logger);
  const maxSpares = readMaxSpares(Deno.env.get("DEPLOY_SPARES"));
  const liveness = readLiveness(Deno.env.get("DEPLOY_LIVENESS"));
  const enforces = readEnforces(Deno.env.get("DEPLOY_ENFORCE"));
  for (const { host } of binds) refuseWildcard(host);
  const { standalone } = Deno.build;
  const cap = await capOf(options.permissions, { standalone, problemOf: problemOfFlags });
  const given = await loadSecret({ secretFile: options.secretFile, logger });
  const secret = given.open && !options.insecure && made !== undefined ? made : given;
  requireSecret(secret, binds, { insecure: options.insecure, logger });
  const warn = (line: string) => logger.warn(line);
  const ofDisk = options.mostRunBytes !== undefined
    ? "--run-disk"
    : options.mostPersonBytes && "--person-disk";
  if (ofDisk && !await canLookAtDisk()) {
    throw new UsageError(`${ofDisk} needs the command find, of GNU findutils; install it`);
  }
  const user = options.user === undefined ? undefined : await findProgramUser(options.user);
  const folder = options.store ?? (user === undefined ? defaultStore() : await systemStore());
  const store = await Store.open(folder, { warn, runsOf: user });
  if (user !== undefined) {
    const folders = [store.folderOfOther!, temporaryFolder()];
    try {
      await checkProgramUser(user, { folders, execPath: Deno.execPath() });
    } catch (error) {
      await store[Symbol.asyncDispose]();
      throw error;
    }
  }
  // Pieces that executables share with a compiled fabric need not be sent to it.
  if (standalone) await store.addSource(Deno.execPath());
  const enforcement = enforces ? await startEnforcement(logger) : undefined;
  const thread = keepThread();
  return {
    format,
    verbose: options.verbose,
    reporter,
    secret,
    credential: await credentialOf(secret, options),
    plain: options.plain,
    deny: options.deny,
    mostRuns: options.mostRuns,
    store,
    maxSpares,
    ports: options.ports,
    liveness,
    cap,
    user,
    mostRunBytes: options.mostRunBytes,
    mostPersonBytes: options.mostPersonBytes,
    enforcement,
    [Symbol.asyncDispose]: async () => {
      await enforcement?.idle();
      enforcement?.close();
      await store[Symbol.asyncDispose]();
      thread[Symbol.dispose]();
    },
  };
}

/** `DEPLOY_FORMAT` may be set to a format of `deploy`. Fabric's reports are lines in any case. */
export function reportFormat(text: string | undefined): ReportFormat {
  const format = formatVariable(text, ["human", "lines", "json"]);
  return format === "lines" ? "human" : format;
}

/** Programs that run as another user must not get what is open here; to others it is no secret. */
function keepFilesOrSay(logger: Logger, user: string | undefined): void {
  const why = keepFiles();
  if (why === undefined) return;
  if (user !== undefined) {
    throw new UsageError(
      `Cannot run programs as ${user}: they would inherit the open files of this process: ${why}`,
    );
  }
  logger.info(`programs inherit the files that were open when this process was started: ${why}`);
}

function leaveKeyringOrRefuse(user: string): void {
  const why = leaveKeyring();
  if (why === undefined) return;
  throw new UsageError(
    `Cannot run programs as ${user}: they would have the session keyring of this process: ${why}`,
  );
}

/** By default, nodes enforce limits. */
function readEnforces(text: string | undefined): boolean {
  try {
    return enforcesFrom(text) ?? true;
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(error.message);
    throw error;
  }
}

/** A program that has not said yet what it needs may use what the machine has. */
async function startEnforcement(logger: Logger): Promise<Enforcement> {
  return await Enforcement.start(logger, { mostBytes: lentResources().mem });
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
export function readLiveness(name: string | undefined): LivenessOptions {
  try {
    return livenessFrom(name);
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(error.message);
    throw error;
  }
}

export function readReporter(format: ReportFormat): Reporter {
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

/** Below it are stores that other users must get past, whose folders of runs are beside them. */
const SYSTEM_CACHE = "/var/cache/deploy";

/** Where the store is if programs run as another user, who cannot enter the home folder of root. */
async function systemStore(): Promise<string> {
  if (Deno.uid() !== 0) return defaultStore();
  await Deno.mkdir(SYSTEM_CACHE, { recursive: true, mode: 0o755 });
  return `${SYSTEM_CACHE}/store`;
}

function defaultStore(): string {
  const folder = cacheFolder((name) => Deno.env.get(name), Deno.build.os);
  if (folder !== undefined) return `${folder}/store`;
  throw new UsageError("there is no home folder for the store; expected --store DIR");
}
