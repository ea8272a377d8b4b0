/** The cluster's secret, and invitations: where they come from, and what is allowed without one. */

import type { Address } from "../core/address.ts";
import { messageOf } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { certificatesOf, pem, trustOf } from "./certificates.ts";
import { Encryption } from "./encryption.ts";
import { type HandshakeKey, importKey } from "./handshake.ts";
import { Protection } from "./protocol.ts";
import { type Invitation, inviteKey, looksInvited, parseInvitation } from "./invitation.ts";
import { type NoSecret, parseSecret } from "./secret.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A larger file is not a secret. */
const MAX_SECRET_BYTES = 4096;

/** What is wrong with a text that is not a secret, and what to do. */
const NO_SECRET: Readonly<Record<NoSecret, string>> = {
  "not-made": "a text that was not made by fabric secret could be guessed; " +
    "make one with: fabric secret FILE",
  "damaged": "a part of it is missing or was changed; copy the file again from where it was made",
};

/** The key of all parts without a secret. */
const OPEN_SECRET = "deploy: there is no secret";

/** The secret that a part authenticates with. */
export interface Secret {
  readonly bytes: Bytes;
  /** Whether there is no secret, and the bytes are publicly known. */
  readonly open: boolean;
}

const NO_SECRET_GIVEN: Secret = { bytes: new TextEncoder().encode(OPEN_SECRET), open: true };

/** The secret cannot be read, or is required and missing; the message is one line. */
export class SecretError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SecretError";
  }
}

/** Where the secret of a part comes from. */
export interface SecretSource {
  /** The file; if `undefined`, the one that `DEPLOY_SECRET_FILE` names. */
  readonly secretFile?: string | undefined;
  /** The file if neither names one, and it exists. @default none */
  readonly otherwise?: string | undefined;
  /** Logs a warning if other users of this machine may read the file. */
  readonly logger: Logger;
}

/**
 * Reads the cluster's secret, as `fabric secret` made it; white space around it does not count. If there is
 * no file, the publicly known key is used.
 *
 * @throws {SecretError} If the file cannot be read, or its text is not a secret.
 */
export async function loadSecret(source: SecretSource): Promise<Secret> {
  const given = await readGiven(source);
  return given === undefined ? NO_SECRET_GIVEN : await secretIn(given);
}

/** A text that was given as a secret, or as an invitation. */
interface Given {
  readonly path: string;
  readonly text: string;
}

/** `undefined` if there is none. */
async function readGiven(source: SecretSource): Promise<Given | undefined> {
  const named = source.secretFile ?? (Deno.env.get("DEPLOY_SECRET_FILE") || undefined);
  const path = named ?? source.otherwise;
  const file = path === undefined ? undefined : await readFile(path, { required: path === named });
  if (path === undefined || file === undefined) return undefined;
  if (isReadByOthers(path, file.mode, Deno.env.get("CREDENTIALS_DIRECTORY"))) {
    source.logger.warn(
      `other users of this machine may read the secret in ${path}: chmod 600 ${path}`,
    );
  }
  return { path, text: file.text.trim() };
}

/**
 * Whether other users may read or change a file, by its mode; `null` where there are none.
 *
 * In the folder that systemd makes for a service (`LoadCredential=`, `CREDENTIALS_DIRECTORY`), the service's
 * user may read by an access control list, the limit of which the mode shows as the rights of the group: 0440.
 */
export function isReadByOthers(
  path: string,
  mode: number | null,
  serviceFolder: string | undefined,
): boolean {
  if (mode === null) return false;
  const isOfService = serviceFolder !== undefined && serviceFolder !== "" &&
    path.slice(0, path.lastIndexOf("/")) === serviceFolder;
  return (mode & (isOfService ? 0o037 : 0o077)) !== 0;
}

async function secretIn({ path, text }: Given): Promise<Secret> {
  const bytes = await parseSecret(text);
  if (typeof bytes !== "string") return { bytes, open: false };
  const why = looksInvited(text)
    ? "it is an invitation, which permits deploying only; expected the cluster's secret"
    : NO_SECRET[bytes];
  throw new SecretError(`Cannot use the secret in ${path}: ${why}`);
}

/** What a part of a cluster authenticates with, and how its connections are protected. */
export interface Credential extends HandshakeKey {
  /** Where connections are encrypted. */
  readonly encryption?: Encryption;
}

/**
 * Prepares a secret for connections.
 *
 * @param options.plain Does not encrypt. @default false
 * @param options.dials Only connects, so it needs no certificate of its own. @default false
 */
export async function credentialOf(
  secret: Secret,
  options: { plain?: boolean; dials?: boolean } = {},
): Promise<Credential> {
  const key = await importKey(secret.bytes);
  if (secret.open) return { key, protection: Protection.open };
  const keyOf = async (name: string) => await importKey(await inviteKey(secret.bytes, name));
  if (options.plain === true) return { key, protection: Protection.plain, keyOf };
  const make = options.dials === true ? trustOf : certificatesOf;
  const encryption = new Encryption(await make(secret.bytes));
  return { key, protection: Protection.encrypted, encryption, keyOf };
}

/** Prepares an invitation for connections. */
async function credentialOfInvitation(
  { name, key: bytes, authority }: Invitation,
  options: { plain?: boolean },
): Promise<Credential> {
  const key = await importKey(bytes);
  if (options.plain === true) return { key, protection: Protection.plain, invited: name };
  const encryption = new Encryption({ authority: pem("CERTIFICATE", authority) });
  return { key, protection: Protection.encrypted, encryption, invited: name };
}

/**
 * As {@linkcode loadSecret}, for `deploy`, which may also have an invitation.
 *
 * @throws {SecretError} If the file cannot be read, or its text is neither.
 */
export async function loadCredential(
  source: SecretSource & { readonly plain?: boolean },
): Promise<Credential> {
  const given = await readGiven(source);
  if (given === undefined) return await credentialOf(NO_SECRET_GIVEN);
  if (!looksInvited(given.text)) {
    return await credentialOf(await secretIn(given), { ...source, dials: true });
  }
  const invitation = await parseInvitation(given.text);
  if (invitation !== undefined) return await credentialOfInvitation(invitation, source);
  throw new SecretError(`Cannot use the invitation in ${given.path}: ${NO_SECRET["damaged"]}`);
}

/**
 * Checks that what is about to listen has a secret: also on loopback, where every user of this machine can
 * connect.
 *
 * @param options.insecure Allows it without one, with a warning.
 * @throws {SecretError} If there is none.
 */
export function requireSecret(
  secret: { readonly open?: boolean },
  binds: readonly Address[],
  options: { insecure: boolean; logger: Logger },
): void {
  if (secret.open !== true) return;
  if (!options.insecure) {
    throw new SecretError(
      "Cannot listen without a secret: anyone who can connect, also another user of this machine, " +
        "could run programs; make one with: fabric secret FILE, and give it to every part with " +
        "--secret-file FILE",
    );
  }
  const hosts = new Set(binds.map(({ host }) => host.includes(":") ? `[${host}]` : host));
  options.logger.warn(
    `no secret: anyone who can reach ${[...hosts].join(" or ")} can run programs here (--insecure)`,
  );
}

/** `undefined` if there is no such file, and it is not required. */
async function readFile(
  path: string,
  { required }: { required: boolean },
): Promise<{ text: string; mode: number | null } | undefined> {
  try {
    using file = await Deno.open(path);
    const { size, mode } = await file.stat();
    if (size > MAX_SECRET_BYTES) {
      throw new SecretError(`Cannot use the secret in ${path}: it is ${size} bytes long`);
    }
    return { text: await new Response(file.readable).text(), mode };
  } catch (cause) {
    if (cause instanceof SecretError) throw cause;
    if (!required && cause instanceof Deno.errors.NotFound) return undefined;
    const why = cause instanceof Deno.errors.NotFound
      ? "there is no such file; make one with: fabric secret FILE"
      : messageOf(cause);
    throw new SecretError(`Cannot read the secret in ${path}: ${why}`, { cause });
  }
}
