/** `fabric secret` and `fabric invite`: new credentials, as text and in files. */

import { messageOf } from "../core/errors.ts";
import { fromPem, trustOf } from "../net/certificates.ts";
import { loadSecret, SecretError, type SecretSource } from "../net/connect.ts";
import { formatInvitation, inviteKey } from "../net/invitation.ts";
import { formatSecret, newSecret } from "../net/secret.ts";

/** Makes a random secret, as text. */
export async function newSecretText(): Promise<string> {
  return await formatSecret(newSecret());
}

/**
 * The invitation of `name` to the cluster with that secret: always the same one.
 *
 * @throws {SecretError} If there is no secret, or it cannot be used.
 */
export async function invitationText(name: string, source: SecretSource): Promise<string> {
  const { bytes, open } = await loadSecret(source);
  if (open) {
    throw new SecretError(
      "Cannot invite anybody without the cluster's secret; name its file: --secret-file FILE",
    );
  }
  const { authority } = await trustOf(bytes);
  const key = await inviteKey(bytes, name);
  return await formatInvitation({ name, key, authority: fromPem(authority) });
}

/** Writes a new secret to a file, as {@linkcode writeCredential} does. */
export async function writeNewSecret(path: string): Promise<void> {
  await writeCredential(path, await newSecretText(), "a secret");
}

/**
 * Writes a credential to a new file that only its owner can read.
 *
 * @param what What it is, for messages: `a secret`.
 * @throws {Error} If it cannot be written, or the file exists; the message is one line.
 */
export async function writeCredential(path: string, text: string, what: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, `${text}\n`, { createNew: true, mode: 0o600 });
  } catch (cause) {
    const why = cause instanceof Deno.errors.AlreadyExists
      ? "the file already exists, and may be the secret of a cluster"
      : messageOf(cause);
    throw new Error(`Cannot write ${what} to ${path}: ${why}`, { cause });
  }
}
