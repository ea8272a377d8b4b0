/**
 * The handshake: two parts prove to each other that they hold the same key.
 *
 *     dialer                                              acceptor
 *       "DPLY", version, purpose, protection, nonce A -->
 *                                                    <--  version, protection, nonce B
 *       MAC("dialer", ...)                             -->
 *                                                    <--  MAC("acceptor", ...)
 *
 * The dialer proves it first, so that whoever merely connects gets nothing that a secret could be tried on.
 * Each MAC is HMAC-SHA-256 by the key over the role's name, the version, the purpose, the protection and
 * both nonces: fresh on both sides, which prevents replay, and bound to the role, which prevents reflection.
 * `protection` says how the connection is protected: with it, a side that is set up in another way gets an
 * error that says so. An acceptor that does not serve the purpose answers with its version, and with 128 plus
 * a purpose that it serves, in place of the protection: so a wrong address gets an error that says what
 * listens there.
 *
 * A dialer with an invitation (invitation.ts) says so in `protection`, and its name after nonce A. The key is
 * then that of the invitation, which an acceptor with the secret derives; the MACs cover the name, too.
 *
 * On an encrypted connection, all of this happens inside TLS, whose certificate the dialer has checked.
 */

import { ProtocolError } from "../core/errors.ts";
import { checkVersion, MAGIC, Protection, PROTOCOL_VERSION, Purpose } from "./protocol.ts";
import { type ByteStream, readExactly, writeAll } from "./transport.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** With a purpose of an acceptor added: it does not serve the one that was asked for. */
const OTHER_SERVICE = 128;

/** Added to `protection` by a dialer with an invitation. The length of its name and the name follow nonce A. */
const INVITED = 64;

/** What an invitation is for. */
const FOR_INVITED: readonly Purpose[] = [Purpose.deploy, Purpose.view, Purpose.inspect];

/** The longest name in an invitation, in bytes. */
const MAX_INVITED_BYTES = 64;

/** Greater ones are the first byte of another protocol: texts begin with at least a space. */
const MAX_VERSION = 31;

/** The first byte of a TLS record that is an alert, and the first two of one that begins a handshake. */
const TLS_ALERT = 21;
const TLS_HANDSHAKE = [22, 3] as const;

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

/** The other side has another secret, or an invitation that was taken back. */
export class WrongSecretError extends ProtocolError {}

const NONCE_BYTES = 32;
const MAC_BYTES = 32;

/** 32 of these, instead of a MAC, say that an invitation is not taken any more. */
const DENIED = 0xff;

const HELLO_BYTES = MAGIC.length + 3 + NONCE_BYTES;
const ALGORITHM = { name: "HMAC", hash: "SHA-256" } as const;

/** Why there is no connection, if the other side just closed it. */
export const NO_ANSWER = "it closed the connection without an answer";

const ANOTHER_PROGRAM = "another program listens there";

/** Prepares a key for handshakes, once for all. */
export function importKey(key: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, ALGORITHM, false, ["sign", "verify"]);
}

/** What both sides of a handshake know after it, and nobody else. */
export interface Session {
  readonly role: "dialer" | "acceptor";
  readonly key: CryptoKey;
  /** Of both sides, the dialer's first. */
  readonly nonces: readonly number[];
}

/** Who connected, and what for. */
export interface Accepted extends Session {
  readonly purpose: Purpose;
  /** The name in the invitation that was proven; `undefined` for a holder of the key itself. */
  readonly invited: string | undefined;
}

/** What a side of a handshake has. */
export interface HandshakeKey {
  readonly key: CryptoKey;
  readonly protection: Protection;
  /** The name in the invitation that the key is of. @default none: both sides hold the key */
  readonly invited?: string;
  /** The key of an invitation, for an acceptor that can derive it. @default no invitation is taken */
  readonly keyOf?: (name: string) => Promise<CryptoKey>;
  /** The names of invitations that are not taken any more. @default none */
  readonly denied?: ReadonlySet<string>;
}

/**
 * Authenticates as the side that connected.
 *
 * @param early Sent together with the proof, before the other side has given its own.
 * @throws {ProtocolError} If the other side does not hold the key, or speaks another version.
 */
export async function dialHandshake(
  stream: ByteStream,
  own: HandshakeKey,
  purpose: Purpose,
  early: Uint8Array = new Uint8Array(),
): Promise<Session> {
  const { key, protection, invited } = own;
  const name = new TextEncoder().encode(invited);
  const nonceA = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  await sayHello(stream, { protection, purpose, nonceA, name });
  const nonceB = await readExactly(stream, NONCE_BYTES);
  const said: Said = { purpose, protection, nonceA, nonceB, name };
  const proof = new Uint8Array(MAC_BYTES + early.length);
  proof.set(await mac(key, "dialer", said));
  proof.set(early, MAC_BYTES);
  await writeAll(stream, proof);
  const answer = await readExactly(stream, MAC_BYTES);
  if (!await isMac(key, "acceptor", said, answer)) {
    const isDenied = invited !== undefined && answer.every((byte) => byte === DENIED);
    throw new ProtocolError(
      isDenied
        ? `the invitation of ${invited} was taken back`
        : "the other side has a different secret",
    );
  }
  return { role: "dialer", key, nonces: [...nonceA, ...nonceB] };
}

/**
 * Only begins a handshake, to find out what listens there: proves nothing.
 *
 * @throws {ProtocolError} In any case: why no handshake with it succeeds.
 */
export async function probe(
  stream: ByteStream,
  protection: Protection,
  purpose: Purpose,
): Promise<never> {
  const [nonceA, name] = [new Uint8Array(NONCE_BYTES), new Uint8Array()];
  await sayHello(stream, { protection, purpose, nonceA, name });
  throw new ProtocolError(ANOTHER_PROGRAM);
}

/** Says who this is, and reads the answer up to the nonce. */
async function sayHello(
  stream: ByteStream,
  { protection, purpose, nonceA, name }: Omit<Said, "nonceB">,
): Promise<void> {
  const start = [...MAGIC, PROTOCOL_VERSION, purpose];
  const hello = name.length === 0
    ? [...start, protection, ...nonceA]
    : [...start, protection + INVITED, ...nonceA, name.length, ...name];
  await writeAll(stream, new Uint8Array(hello));

  const version = (await readExactly(stream, 1))[0]!;
  if (version === TLS_ALERT) {
    // Where both encrypt, this is a probe, after a connection that the other side has closed.
    const isAlike = protection === Protection.encrypted;
    throw new ProtocolError(isAlike ? NO_ANSWER : unlike(Protection.encrypted, protection));
  }
  if (version > MAX_VERSION) throw new ProtocolError(await otherServer(stream, version));
  checkVersion(version);
  const theirs = (await readExactly(stream, 1))[0]!;
  if (theirs >= OTHER_SERVICE) {
    const served = Object.values(Purpose).find((each) => each === theirs - OTHER_SERVICE);
    throw new ServiceError(served);
  }
  checkProtection(theirs, protection);
}

/**
 * Authenticates as the side that accepted. It says nothing that depends on the key before the other side has
 * proven that it holds it.
 *
 * @param purposes The allowed purposes.
 * @param begun Called when the other side has said a valid hello: it may keep its place among strangers.
 * @throws {ProtocolError} If the other side does not hold the key, speaks another version or another
 * protocol, or asks for another purpose, or for one that its invitation is not for.
 */
export async function acceptHandshake(
  stream: ByteStream,
  { key: ownKey, protection, keyOf, denied }: HandshakeKey,
  purposes: readonly Purpose[],
  begun: () => void = () => {},
): Promise<Accepted> {
  const start = await readExactly(stream, MAGIC.length);
  if (
    start[0] === TLS_HANDSHAKE[0] && start[1] === TLS_HANDSHAKE[1] &&
    protection !== Protection.encrypted
  ) {
    throw new ProtocolError(unlike(Protection.encrypted, protection));
  }
  if (MAGIC.some((byte, index) => start[index] !== byte)) {
    throw new ProtocolError("its first bytes are not of this protocol");
  }
  const hello = await readExactly(stream, HELLO_BYTES - MAGIC.length);
  const isInvited = (hello[2]! & INVITED) !== 0;
  const [version, asked, theirs] = [hello[0]!, hello[1]!, hello[2]! & ~INVITED];
  if (version !== PROTOCOL_VERSION || theirs !== protection) {
    // So that the dialer can report the reason, too.
    await writeAll(stream, new Uint8Array([PROTOCOL_VERSION, protection]));
    checkVersion(version);
    checkProtection(theirs, protection);
  }
  const purpose = purposes.find((known) => known === asked);
  if (purpose === undefined) {
    await writeAll(stream, new Uint8Array([PROTOCOL_VERSION, OTHER_SERVICE + telling(purposes)]));
    throw new ProtocolError(`it asked for an unknown service: ${asked}`);
  }
  if (isInvited && (keyOf === undefined || !FOR_INVITED.includes(purpose))) {
    throw new ProtocolError("it has an invitation, which permits deploying only");
  }
  const name = isInvited ? await readName(stream) : new Uint8Array();
  const invited = isInvited ? new TextDecoder().decode(name) : undefined;
  const key = invited === undefined ? ownKey : await keyOf!(invited);
  begun();
  const nonceB = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  await writeAll(stream, new Uint8Array([PROTOCOL_VERSION, protection, ...nonceB]));
  const said: Said = { purpose, protection, nonceA: hello.subarray(3), nonceB, name };
  if (!await isMac(key, "dialer", said, await readExactly(stream, MAC_BYTES))) {
    // Zeros prove nothing, but let the other side report the reason, too.
    await writeAll(stream, new Uint8Array(MAC_BYTES));
    throw new WrongSecretError("it has a different secret");
  }
  if (invited !== undefined && denied?.has(invited)) {
    await writeAll(stream, new Uint8Array(MAC_BYTES).fill(DENIED));
    throw new WrongSecretError(`the invitation of ${invited} was taken back (--deny)`);
  }
  await writeAll(stream, await mac(key, "acceptor", said));
  return { role: "acceptor", key, nonces: [...said.nonceA, ...nonceB], purpose, invited };
}

/** The name in the invitation of a dialer. */
async function readName(stream: ByteStream): Promise<Bytes> {
  const length = (await readExactly(stream, 1))[0]!;
  if (length > 0 && length <= MAX_INVITED_BYTES) return await readExactly(stream, length);
  throw new ProtocolError(`the name in its invitation has ${length} bytes`);
}

function checkProtection(theirs: number, own: Protection): void {
  if (theirs !== own) throw new ProtocolError(unlike(theirs, own));
}

/** Why two sides cannot talk whose connections are protected in different ways. */
function unlike(theirs: number, own: Protection): string {
  if (own === Protection.open) {
    return "the other side has a secret, and this side has none: give it one with --secret-file";
  }
  if (theirs === Protection.open) return "the other side has no secret, and this side has one";
  return own === Protection.plain
    ? "the other side encrypts, and this side does not: give --plain to every part, or to none"
    : "the other side does not encrypt, and this side does: give --plain to every part, or to none";
}

/** The purpose that tells best what part of a cluster an acceptor is. A master is a node, too. */
function telling(purposes: readonly Purpose[]): number {
  const order = [Purpose.deploy, Purpose.join, Purpose.node, Purpose.channels];
  return order.find((purpose) => purposes.includes(purpose)) ?? purposes[0] ?? 0;
}

/** What it is that answers with this byte, which is not a version. */
async function otherServer(stream: ByteStream, first: number): Promise<string> {
  if (first !== HTTP[0]) return ANOTHER_PROGRAM;
  const rest = await readExactly(stream, HTTP.length - 1).catch(() => new Uint8Array());
  const isHttp = rest.length > 0 && rest.every((byte, index) => byte === HTTP[index + 1]);
  return isHttp ? "an HTTP server listens there" : ANOTHER_PROGRAM;
}

/** What the MACs are about. */
interface Said {
  readonly purpose: Purpose;
  readonly protection: Protection;
  readonly nonceA: Bytes;
  readonly nonceB: Bytes;
  /** That in the dialer's invitation, or empty. */
  readonly name: Bytes;
}

type Role = "dialer" | "acceptor";

async function mac(key: CryptoKey, role: Role, said: Said): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, transcript(role, said)));
}

/** Compares in constant time. */
function isMac(key: CryptoKey, role: Role, said: Said, given: Bytes): Promise<boolean> {
  return crypto.subtle.verify("HMAC", key, given, transcript(role, said));
}

function transcript(role: Role, { purpose, protection, nonceA, nonceB, name }: Said): Bytes {
  const start = [...new TextEncoder().encode(role), PROTOCOL_VERSION, purpose, protection];
  return new Uint8Array([...start, ...nonceA, ...nonceB, ...name]);
}
