/**
 * What every connection begins with: what it speaks, and what it is for. After that comes a handshake
 * (handshake.ts), or, on a Unix socket, the pass of a run.
 */

import { ProtocolError } from "../core/errors.ts";
import { type ByteStream, readExactly } from "./transport.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The first bytes of each connection. */
export const MAGIC: Bytes = new TextEncoder().encode("DPLY");

/** The version of the protocol on a connection, from the handshake on. */
export const PROTOCOL_VERSION = 4;

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
  /** Somebody who drains a node, to its master. */
  drain: 9,
  /** A deploy that attaches a debugger to a process of its run, to the bridge. */
  inspect: 10,
  /** The node of such a process, to the bridge. */
  inspector: 11,
} as const;

/** A number of {@linkcode Purpose}. */
export type Purpose = typeof Purpose[keyof typeof Purpose];

/** How what is said on a connection is protected from the network. Numbers are only added. */
export const Protection = {
  /** By TLS. */
  encrypted: 0,
  /** Not at all: there is no secret, and the key is publicly known. */
  open: 1,
  /** It can be read, but both sides have proven that they hold the key. */
  plain: 2,
} as const;

/** A number of {@linkcode Protection}. */
export type Protection = typeof Protection[keyof typeof Protection];

/** How long a dialer waits for its handshake, and a process for those who connect to it. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;

/** @throws {ProtocolError} If the other side speaks another version. */
export function checkVersion(version: number): void {
  if (version === PROTOCOL_VERSION) return;
  throw new ProtocolError(
    `it speaks version ${version} of the protocol, and this side version ${PROTOCOL_VERSION}: ` +
      `run the same version of deploy everywhere`,
  );
}

const KEY_BYTES = 32;

/** A random key for a new run. */
export function newKey(): Bytes {
  return crypto.getRandomValues(new Uint8Array(KEY_BYTES));
}

const PASS_BYTES = MAGIC.length + 2 + KEY_BYTES;

/**
 * The first bytes on a Unix socket, instead of a handshake: the key itself, for lack of anyone to hide it
 * from. Only the user can enter the folder of the socket, and whoever listens there is as trusted as this
 * process.
 */
export function passOf(key: Bytes, purpose: Purpose): Bytes {
  const pass = new Uint8Array(PASS_BYTES);
  pass.set(MAGIC);
  pass[MAGIC.length] = PROTOCOL_VERSION;
  pass[MAGIC.length + 1] = purpose;
  pass.set(key, MAGIC.length + 2);
  return pass;
}

/** Reads what {@linkcode passOf} makes. @throws {ProtocolError} If it is of another run. */
export async function acceptPass(
  stream: ByteStream,
  key: Bytes,
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
