/** The key of a run, and the pass that is made of it on a Unix socket, where there is no handshake. */

import { ProtocolError } from "../core/protocol_error.ts";
import {
  type ByteStream,
  checkVersion,
  importKey,
  MAGIC,
  PROTOCOL_VERSION,
  type Purpose,
  readExactly,
} from "./handshake.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const KEY_BYTES = 32;

/** A random key for a new run. */
export function newKey(): Bytes {
  return crypto.getRandomValues(new Uint8Array(KEY_BYTES));
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

const PASS_BYTES = MAGIC.length + 2 + KEY_BYTES;

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
