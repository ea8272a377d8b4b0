/**
 * How two parts show each other that they hold the same key, before either believes the other.
 *
 *     dialer                                              acceptor
 *       "DPLY", version, purpose, nonce A            ──▶
 *                                                    ◀──  version, nonce B, MAC("acceptor", …)
 *       MAC("dialer", …)                             ──▶
 *
 * Each MAC is HMAC-SHA-256 by the key over the role's name, the version, the purpose and both nonces:
 * fresh on both sides, so that nothing recorded can be played back, and bound to the role, so that
 * nothing can be sent back to whom it came from.
 */

import { ProtocolError } from "./protocol_error.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The version of everything that is said on a connection, from the handshake on. */
export const PROTOCOL_VERSION = 1;

/** What a connection is for; it is part of what is proven. The numbers are only ever added to. */
export const Purpose = {
  /** The channels of two processes. */
  channels: 1,
} as const;

/** A number of {@linkcode Purpose}. */
export type Purpose = typeof Purpose[keyof typeof Purpose];

/** How long an acceptor waits for a dialer to show that it holds the key. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;

/** What a handshake needs of a connection. */
export interface ByteStream {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
}

const MAGIC = new TextEncoder().encode("DPLY");
const NONCE_BYTES = 32;
const MAC_BYTES = 32;
const HELLO_BYTES = MAGIC.length + 2 + NONCE_BYTES;
const ALGORITHM = { name: "HMAC", hash: "SHA-256" } as const;

/** Prepares a key for handshakes, once for all of them. */
export function importKey(key: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, ALGORITHM, false, ["sign", "verify"]);
}

/**
 * Authenticates as the side that connected.
 *
 * @throws {ProtocolError} If the other side does not hold the key, or speaks another version.
 */
export async function dialHandshake(
  stream: ByteStream,
  key: CryptoKey,
  purpose: Purpose,
): Promise<void> {
  const hello = new Uint8Array(HELLO_BYTES);
  hello.set(MAGIC);
  hello[MAGIC.length] = PROTOCOL_VERSION;
  hello[MAGIC.length + 1] = purpose;
  const nonceA = crypto.getRandomValues(hello.subarray(MAGIC.length + 2));
  await writeAll(stream, hello);

  const version = (await readExactly(stream, 1))[0]!;
  checkVersion(version);
  const answer = await readExactly(stream, NONCE_BYTES + MAC_BYTES);
  const nonceB = answer.subarray(0, NONCE_BYTES);
  const mac = answer.subarray(NONCE_BYTES);
  const proven = await crypto.subtle.verify(
    "HMAC",
    key,
    mac,
    transcript("acceptor", purpose, nonceA, nonceB),
  );
  if (!proven) throw new ProtocolError("the other side does not hold the same key");
  const own = await crypto.subtle.sign("HMAC", key, transcript("dialer", purpose, nonceA, nonceB));
  await writeAll(stream, new Uint8Array(own));
}

/**
 * Authenticates as the side that was connected to.
 *
 * @throws {ProtocolError} If the other side does not hold the key, speaks another version or another
 * protocol, or came for another purpose.
 */
export async function acceptHandshake(
  stream: ByteStream,
  key: CryptoKey,
  purpose: Purpose,
): Promise<void> {
  const hello = await readExactly(stream, HELLO_BYTES);
  if (MAGIC.some((byte, index) => hello[index] !== byte)) {
    throw new ProtocolError("what it said first is not of this protocol");
  }
  const version = hello[MAGIC.length]!;
  if (version !== PROTOCOL_VERSION) {
    await writeAll(stream, new Uint8Array([PROTOCOL_VERSION])); // so that it can say why
    checkVersion(version);
  }
  if (hello[MAGIC.length + 1] !== purpose) {
    throw new ProtocolError(`it came for purpose ${hello[MAGIC.length + 1]}, not ${purpose}`);
  }
  const nonceA = hello.subarray(MAGIC.length + 2);
  const nonceB = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const own = await crypto.subtle.sign(
    "HMAC",
    key,
    transcript("acceptor", purpose, nonceA, nonceB),
  );
  const answer = new Uint8Array(1 + NONCE_BYTES + MAC_BYTES);
  answer[0] = PROTOCOL_VERSION;
  answer.set(nonceB, 1);
  answer.set(new Uint8Array(own), 1 + NONCE_BYTES);
  await writeAll(stream, answer);

  const proven = await crypto.subtle.verify(
    "HMAC",
    key,
    await readExactly(stream, MAC_BYTES),
    transcript("dialer", purpose, nonceA, nonceB),
  );
  if (!proven) throw new ProtocolError("it does not hold the key");
}

function checkVersion(version: number): void {
  if (version === PROTOCOL_VERSION) return;
  throw new ProtocolError(
    `it speaks version ${version} of the protocol, and this side version ${PROTOCOL_VERSION}: ` +
      `run the same version of deploy everywhere`,
  );
}

function transcript(
  role: "dialer" | "acceptor",
  purpose: Purpose,
  nonceA: Bytes,
  nonceB: Bytes,
): Bytes {
  const name = new TextEncoder().encode(role);
  const bytes = new Uint8Array(name.length + 2 + 2 * NONCE_BYTES);
  bytes.set(name);
  bytes[name.length] = PROTOCOL_VERSION;
  bytes[name.length + 1] = purpose;
  bytes.set(nonceA, name.length + 2);
  bytes.set(nonceB, name.length + 2 + NONCE_BYTES);
  return bytes;
}

/** Reads so many bytes. @throws {Deno.errors.UnexpectedEof} If the stream ends before. */
export async function readExactly(stream: ByteStream, count: number): Promise<Bytes> {
  const bytes = new Uint8Array(count);
  for (let filled = 0; filled < count;) {
    const read = await stream.read(bytes.subarray(filled));
    if (read === null) throw new Deno.errors.UnexpectedEof("the other side closed the connection");
    filled += read;
  }
  return bytes;
}

/** Writes all of `bytes`. */
export async function writeAll(stream: ByteStream, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await stream.write(bytes.subarray(written));
  }
}
