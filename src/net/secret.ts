/**
 * The text of a cluster's secret: `deploy_secret_`, the 32 random bytes as hex digits, and 4 bytes of checksum.
 *
 * People and programs that look for leaked secrets recognize the form. The checksum tells a text that was
 * damaged while it was copied, and one that somebody thought up: such a text could be guessed.
 */

type Bytes = Uint8Array<ArrayBuffer>;

const PREFIX = "deploy_secret_";

const SECRET_BYTES = 32;
const CHECKSUM_BYTES = 4;

const FORM = new RegExp(
  `^${PREFIX}([0-9a-f]{${2 * SECRET_BYTES}})([0-9a-f]{${2 * CHECKSUM_BYTES}})$`,
);

/** Why a text is not a secret. */
export type NoSecret =
  /** It does not have the form of one. */
  | "not-made"
  /** It has the form, or begins with it, but something in it was changed or is missing. */
  | "damaged";

/** Makes a random secret. */
export function newSecret(): Bytes {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

/** The text of a secret of 32 bytes. */
export async function formatSecret(bytes: Bytes): Promise<string> {
  const body = PREFIX + bytes.toHex();
  return body + await checksumOf(body);
}

/** The bytes of a secret's text, or why it is none. */
export async function parseSecret(text: string): Promise<Bytes | NoSecret> {
  if (!text.startsWith(PREFIX)) return "not-made";
  const [, digits = "", checksum] = FORM.exec(text) ?? [];
  if (checksum === undefined || checksum !== await checksumOf(PREFIX + digits)) return "damaged";
  return Uint8Array.fromHex(digits);
}

async function checksumOf(body: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body));
  return new Uint8Array(digest, 0, CHECKSUM_BYTES).toHex();
}
