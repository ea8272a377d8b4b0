/** `fabric secret`: a new secret for a cluster. */

// @ts-types="../../types/std_encoding.d.ts"
import { encodeHex } from "@std/encoding/hex";
import { messageOf } from "../core/errors.ts";
const SECRET_BYTES = 32;

/** Makes a random secret, as text. */
export function newSecret(): string {
  return encodeHex(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
}

/**
 * Writes a new secret to a new file that only its owner can read.
 *
 * @throws {Error} If it cannot be written, or the file exists; the message is one line.
 */
export async function writeNewSecret(path: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, `${newSecret()}\n`, { createNew: true, mode: 0o600 });
  } catch (cause) {
    const why = cause instanceof Deno.errors.AlreadyExists
      ? "the file already exists, and may be the secret of a cluster"
      : messageOf(cause);
    throw new Error(`Cannot write a secret to ${path}: ${why}`, { cause });
  }
}
