/**
 * Invitations: credentials that are derived from a cluster's secret, each for one person, who may deploy with it
 * and nothing else.
 *
 * Nothing is stored for an invitation: whoever holds the secret derives its key from the name in it. Its text is
 * `deploy_invite_NAME_`, and in base64url the key, the certificate that connections to the cluster require, and 4
 * bytes of checksum.
 */

type Bytes = Uint8Array<ArrayBuffer>;

/** An invitation, as its holder has it. */
export interface Invitation {
  readonly name: string;
  /** 32 bytes, with which its holder authenticates. */
  readonly key: Bytes;
  /** The certificate of the cluster's authority, in DER. */
  readonly authority: Bytes;
}

const PREFIX = "deploy_invite_";

const KEY_BYTES = 32;
const CHECKSUM_BYTES = 4;

/** The longest name, in characters. */
export const MAX_NAME_LENGTH = 32;

/** One form of each name, so that a `--deny` in another one does not miss it. */
const NAME = /^[a-z0-9][a-z0-9.-]*$/;

const FORM = /^deploy_invite_([^_]*)_([\w-]+)$/;

/** Whether a person can be invited by that name: lower-case letters, digits, `.` and `-`. */
export function isInviteName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && NAME.test(name);
}

/** Whether a text has the form of an invitation, damaged or not. */
export function looksInvited(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** The key of the invitation of `name`, derived from the cluster's secret. */
export async function inviteKey(secret: Bytes, name: string): Promise<Bytes> {
  const material = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const info = new TextEncoder().encode(`deploy invitation 1 ${name}`);
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  return new Uint8Array(await crypto.subtle.deriveBits(hkdf, material, KEY_BYTES * 8));
}

/** The text of an invitation. */
export async function formatInvitation({ name, key, authority }: Invitation): Promise<string> {
  const start = `${PREFIX}${name}_`;
  const body = new Uint8Array([...key, ...authority]);
  const whole = new Uint8Array([...body, ...await checksumOf(start, body)]);
  return start + whole.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Reads an invitation's text; `undefined` if something in it was changed or is missing. */
export async function parseInvitation(text: string): Promise<Invitation | undefined> {
  const [, name = "", encoded = ""] = FORM.exec(text) ?? [];
  const bytes = decoded(encoded);
  if (!isInviteName(name) || bytes === undefined) return undefined;
  const [body, checksum] = [bytes.subarray(0, -CHECKSUM_BYTES), bytes.subarray(-CHECKSUM_BYTES)];
  const right = await checksumOf(`${PREFIX}${name}_`, body);
  if (body.length <= KEY_BYTES || right.some((byte, index) => byte !== checksum[index])) {
    return undefined;
  }
  return { name, key: body.slice(0, KEY_BYTES), authority: body.slice(KEY_BYTES) };
}

function decoded(text: string): Bytes | undefined {
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url", lastChunkHandling: "loose" });
  } catch {
    return undefined; // it is not base64url
  }
}

/** The checksum of the text before the bytes, and the bytes. */
async function checksumOf(start: string, body: Bytes): Promise<Bytes> {
  const whole = new Uint8Array([...new TextEncoder().encode(start), ...body]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole)).slice(0, CHECKSUM_BYTES);
}
