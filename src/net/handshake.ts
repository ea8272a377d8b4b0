/**
 * The handshake: two parts prove to each other that they hold the same key.
 *
 *     dialer                                              acceptor
 *       "DPLY", version, purpose, open, nonce A      ──▶
 *                                                    ◀──  version, open, nonce B, MAC("acceptor", …)
 *       MAC("dialer", …)                             ──▶
 *
 * Each MAC is HMAC-SHA-256 by the key over the role's name, the version, the purpose and both nonces: fresh
 * on both sides, which prevents replay, and bound to the role, which prevents reflection. `open` is 1 where
 * there is no secret and the key is publicly known: with it, a side that forgot the secret gets an error
 * that says so. An acceptor that does not serve the purpose answers with its version, and with 128 plus a
 * purpose that it serves, in place of `open`: so a wrong address gets an error that says what listens there.
 */

import { ProtocolError } from "../core/protocol_error.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The version of the protocol on a connection, from the handshake on. */
export const PROTOCOL_VERSION = 3;

/** The purpose of a connection, which the MACs cover. Numbers are only added. */
export const Purpose = {
  /** The channels of two processes. */
  channels: 1,
  /** A master, to one of its nodes. */
  node: 2,
  /** A joining node, to a master. */
  join: 3,
  /** A bridge, to its master. */
  bridge: 4,
  /** Deploy, to a bridge. */
  deploy: 5,
  /** A node that hosts a run, to the bridge of that run. */
  run: 6,
  /** A node that hosts a process, to the node that holds its argument. */
  arg: 7,
  /** Somebody who looks at the runs of a bridge. */
  view: 8,
} as const;

/** A number of {@linkcode Purpose}. */
export type Purpose = typeof Purpose[keyof typeof Purpose];

/** How long an acceptor waits for a dialer to authenticate. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;

/** With a purpose of an acceptor added: it does not serve the one that was asked for. */
const OTHER_SERVICE = 128;

/** Greater ones are the first byte of another protocol: texts begin with at least a space. */
const MAX_VERSION = 31;

/** The beginning of an HTTP server's answer. */
const HTTP = new TextEncoder().encode("HTTP/");

/** The acceptor is another part of the cluster than the dialer expected. */
export class ServiceError extends ProtocolError {
  /** A purpose that it serves; `undefined` if it is unknown. */
  readonly served: Purpose | undefined;

  constructor(served: Purpose | undefined) {
    super("it does not serve this purpose");
    this.name = "ServiceError";
    this.served = served;
  }
}

/** The part of a connection that a handshake needs. */
export interface ByteStream {
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
}

const MAGIC = new TextEncoder().encode("DPLY");
const NONCE_BYTES = 32;
const MAC_BYTES = 32;
const HELLO_BYTES = MAGIC.length + 3 + NONCE_BYTES;
const ALGORITHM = { name: "HMAC", hash: "SHA-256" } as const;

const KEY_BYTES = 32;
const PASS_BYTES = MAGIC.length + 2 + KEY_BYTES;

/** A random key for a new run. */
export function newKey(): Bytes {
  return crypto.getRandomValues(new Uint8Array(KEY_BYTES));
}

/** Prepares a key for handshakes, once for all. */
export function importKey(key: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, ALGORITHM, false, ["sign", "verify"]);
}

/** The key of a run, with which its processes authenticate each other. */
export class RunKey {
  readonly bytes: Bytes;
  #imported: Promise<CryptoKey> | undefined;

  /** `bytes` are 32. */
  constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  /** The same for handshakes. Cryptography is loaded only when it is first needed. */
  get imported(): Promise<CryptoKey> {
    return this.#imported ??= importKey(this.bytes);
  }
}

/** The key that a part authenticates with. */
export interface Credential {
  readonly key: CryptoKey;
  /** Whether there is no secret, and the key is publicly known. */
  readonly open?: boolean;
}

/**
 * Authenticates as the side that connected.
 *
 * @throws {ProtocolError} If the other side does not hold the key, or speaks another version.
 */
export async function dialHandshake(
  stream: ByteStream,
  { key, open = false }: Credential,
  purpose: Purpose,
): Promise<void> {
  const hello = new Uint8Array(HELLO_BYTES);
  hello.set(MAGIC);
  hello[MAGIC.length] = PROTOCOL_VERSION;
  hello[MAGIC.length + 1] = purpose;
  hello[MAGIC.length + 2] = Number(open);
  const nonceA = crypto.getRandomValues(hello.subarray(MAGIC.length + 3));
  await writeAll(stream, hello);

  const version = (await readExactly(stream, 1))[0]!;
  if (version > MAX_VERSION) throw new ProtocolError(await otherServer(stream, version));
  checkVersion(version);
  const theirs = (await readExactly(stream, 1))[0]!;
  if (theirs >= OTHER_SERVICE) {
    const served = Object.values(Purpose).find((each) => each === theirs - OTHER_SERVICE);
    throw new ServiceError(served);
  }
  checkOpen(theirs, open);
  const answer = await readExactly(stream, NONCE_BYTES + MAC_BYTES);
  const nonceB = answer.subarray(0, NONCE_BYTES);
  const mac = answer.subarray(NONCE_BYTES);
  const proven = await crypto.subtle.verify(
    "HMAC",
    key,
    mac,
    transcript("acceptor", purpose, nonceA, nonceB),
  );
  if (!proven) {
    // Zeros prove nothing, but let the other side report the reason, too. A real MAC would help to guess
    // the key.
    await writeAll(stream, new Uint8Array(MAC_BYTES));
    throw new ProtocolError("the other side has a different secret");
  }
  const own = await crypto.subtle.sign("HMAC", key, transcript("dialer", purpose, nonceA, nonceB));
  await writeAll(stream, new Uint8Array(own));
}

/**
 * Authenticates as the side that accepted; returns the purpose of the other side.
 *
 * @param purposes The allowed purposes.
 * @throws {ProtocolError} If the other side does not hold the key, speaks another version or another
 * protocol, or asks for another purpose.
 */
export async function acceptHandshake(
  stream: ByteStream,
  { key, open = false }: Credential,
  purposes: readonly Purpose[],
): Promise<Purpose> {
  const hello = await readExactly(stream, HELLO_BYTES);
  if (MAGIC.some((byte, index) => hello[index] !== byte)) {
    throw new ProtocolError("its first bytes are not of this protocol");
  }
  const version = hello[MAGIC.length]!;
  const isOpen = hello[MAGIC.length + 2]!;
  if (version !== PROTOCOL_VERSION || isOpen !== Number(open)) {
    // So that the dialer can report the reason, too.
    await writeAll(stream, new Uint8Array([PROTOCOL_VERSION, Number(open)]));
    checkVersion(version);
    checkOpen(isOpen, open);
  }
  const purpose = purposes.find((known) => known === hello[MAGIC.length + 1]);
  if (purpose === undefined) {
    await writeAll(stream, new Uint8Array([PROTOCOL_VERSION, OTHER_SERVICE + telling(purposes)]));
    throw new ProtocolError(`it asked for an unknown service: ${hello[MAGIC.length + 1]}`);
  }
  const nonceA = hello.subarray(MAGIC.length + 3);
  const nonceB = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const own = await crypto.subtle.sign(
    "HMAC",
    key,
    transcript("acceptor", purpose, nonceA, nonceB),
  );
  const answer = new Uint8Array(2 + NONCE_BYTES + MAC_BYTES);
  answer[0] = PROTOCOL_VERSION;
  answer[1] = Number(open);
  answer.set(nonceB, 2);
  answer.set(new Uint8Array(own), 2 + NONCE_BYTES);
  await writeAll(stream, answer);

  const proven = await crypto.subtle.verify(
    "HMAC",
    key,
    await readExactly(stream, MAC_BYTES),
    transcript("dialer", purpose, nonceA, nonceB),
  );
  if (!proven) throw new ProtocolError("it has a different secret");
  return purpose;
}

/**
 * The first bytes on a Unix socket, instead of a handshake: the key itself, for lack of anyone to hide it
 * from. Only the user can enter the folder of the socket, and whoever listens there is as trusted as this
 * process.
 */
export function passOf({ bytes }: RunKey, purpose: Purpose): Bytes {
  const pass = new Uint8Array(PASS_BYTES);
  pass.set(MAGIC);
  pass[MAGIC.length] = PROTOCOL_VERSION;
  pass[MAGIC.length + 1] = purpose;
  pass.set(bytes, MAGIC.length + 2);
  return pass;
}

/** Reads what {@linkcode passOf} makes. @throws {ProtocolError} If it is of another run. */
export async function acceptPass(
  stream: ByteStream,
  key: RunKey,
  purpose: Purpose,
): Promise<void> {
  const [pass, own] = [await readExactly(stream, PASS_BYTES), passOf(key, purpose)];
  if (MAGIC.some((byte, index) => pass[index] !== byte)) {
    throw new ProtocolError("its first bytes are not of this protocol");
  }
  checkVersion(pass[MAGIC.length]!);
  let difference = 0;
  for (let index = 0; index < PASS_BYTES; index++) difference |= pass[index]! ^ own[index]!;
  if (difference !== 0) throw new ProtocolError("it is not a process of this run");
}

function checkOpen(theirs: number, own: boolean): void {
  if (theirs === Number(own)) return;
  throw new ProtocolError(
    own
      ? "the other side has a secret, and this side has none: give it one with --secret-file"
      : "the other side has no secret, and this side has one",
  );
}

/** The purpose that tells best what part of a cluster an acceptor is. A master is a node, too. */
function telling(purposes: readonly Purpose[]): number {
  const order = [Purpose.deploy, Purpose.join, Purpose.node, Purpose.channels];
  return order.find((purpose) => purposes.includes(purpose)) ?? purposes[0] ?? 0;
}

/** What it is that answers with this byte, which is not a version. */
async function otherServer(stream: ByteStream, first: number): Promise<string> {
  if (first !== HTTP[0]) return "another program listens there";
  const rest = await readExactly(stream, HTTP.length - 1).catch(() => new Uint8Array());
  const isHttp = rest.length > 0 && rest.every((byte, index) => byte === HTTP[index + 1]);
  return isHttp ? "an HTTP server listens there" : "another program listens there";
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

/** Reads that many bytes. @throws {Deno.errors.UnexpectedEof} If the stream ends first. */
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
export async function writeAll(
  stream: Pick<ByteStream, "write">,
  bytes: Uint8Array,
): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await stream.write(bytes.subarray(written));
  }
}
