/** The cluster's secret: where it comes from, and what is allowed without one. */

import type { Address } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { type Credential, importKey } from "./handshake.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The minimum length of a secret: a shorter one could be guessed. */
const MIN_SECRET_BYTES = 16;

/** A larger file is not a secret. */
const MAX_SECRET_BYTES = 4096;

/** The key of all parts without a secret. */
const OPEN_SECRET = "deploy: there is no secret";

/** The secret that a part authenticates with. */
export interface Secret {
  readonly bytes: Bytes;
  /** Whether there is no secret, and the bytes are publicly known. */
  readonly open: boolean;
}

/** The secret cannot be read, or is required and missing; the message is one line. */
export class SecretError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SecretError";
  }
}

/**
 * Reads the cluster's secret: all of the file but white space around it.
 *
 * @param options.secretFile The file; if `undefined`, the one that `DEPLOY_SECRET_FILE` names. If that is
 * unset, too, the publicly known key is used.
 * @param options.logger Logs a warning if other users of this machine may read the file.
 * @throws {SecretError} If the file cannot be read, or holds no secret.
 */
export async function loadSecret(
  options: { secretFile?: string | undefined; logger: Logger },
): Promise<Secret> {
  const path = options.secretFile ?? (Deno.env.get("DEPLOY_SECRET_FILE") || undefined);
  if (path === undefined) return { bytes: new TextEncoder().encode(OPEN_SECRET), open: true };
  const { text, mode } = await readFile(path);
  const bytes = new TextEncoder().encode(text.trim());
  if (bytes.length < MIN_SECRET_BYTES) {
    throw new SecretError(
      `Cannot use the secret in ${path}: it has ${bytes.length} bytes, but needs at least ` +
        `${MIN_SECRET_BYTES}; make one with: fabric secret FILE`,
    );
  }
  if (mode !== null && (mode & 0o077) !== 0) {
    options.logger.warn(
      `other users of this machine may read the secret in ${path}: chmod 600 ${path}`,
    );
  }
  return { bytes, open: false };
}

/** Prepares a secret for handshakes. */
export async function credentialOf(secret: Secret): Promise<Credential> {
  return { key: await importKey(secret.bytes), open: secret.open };
}

/** As {@linkcode loadSecret}, for parts that need it only for handshakes. */
export async function loadCredential(
  options: { secretFile?: string | undefined; logger: Logger },
): Promise<Credential> {
  return await credentialOf(await loadSecret(options));
}

/**
 * Checks that addresses bound without a secret can be reached only from this machine.
 *
 * @param options.insecure Allows everything, with a warning.
 * @throws {SecretError} If one is reachable from other machines.
 */
export function requireSecret(
  secret: { readonly open?: boolean },
  binds: readonly Address[],
  options: { insecure: boolean; logger: Logger },
): void {
  const exposed = binds.find(({ host }) => !isLoopback(host));
  if (secret.open !== true || exposed === undefined) return;
  const where = exposed.host.includes(":") ? `[${exposed.host}]` : exposed.host;
  if (!options.insecure) {
    throw new SecretError(
      `Cannot listen on ${where} without a secret: anyone who can reach it could run programs; ` +
        `make a secret with: fabric secret FILE, and give it to every part with --secret-file FILE`,
    );
  }
  options.logger.warn(
    `no secret: anyone who can reach ${where} can run programs here (--insecure)`,
  );
}

/** Whether only this machine can connect to that host. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

async function readFile(path: string): Promise<{ text: string; mode: number | null }> {
  try {
    using file = await Deno.open(path);
    const { size, mode } = await file.stat();
    if (size > MAX_SECRET_BYTES) {
      throw new SecretError(`Cannot use the secret in ${path}: it is ${size} bytes long`);
    }
    return { text: await new Response(file.readable).text(), mode };
  } catch (cause) {
    if (cause instanceof SecretError) throw cause;
    const why = cause instanceof Deno.errors.NotFound
      ? "there is no such file; make one with: fabric secret FILE"
      : messageOf(cause);
    throw new SecretError(`Cannot read the secret in ${path}: ${why}`, { cause });
  }
}
