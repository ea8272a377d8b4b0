/**
 * A connection that is not encrypted, on which nothing can be changed: everything is sent in records, each with
 * a MAC by a key of this connection and direction.
 *
 *     record  u32 length of the content, little-endian | content | 32 B MAC
 *
 * The MAC is HMAC-SHA-256 over the number of the record in its direction, from 0, as a u64, little-endian, and
 * the record up to the MAC. The keys follow from both nonces of the handshake, so that no record is valid on
 * another connection, in the other direction, or at another place.
 */

import { importKey, type Session } from "./handshake.ts";
import { readExactly, type Transport, TransportOver, writeAll } from "./transport.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The most that is in a record. */
const MAX_CONTENT_BYTES = 256 * 1024;

const COUNT_BYTES = 8;
const LENGTH_BYTES = 4;
const MAC_BYTES = 32;

/** What is sent on `conn`, after the handshake that gave `session`. */
export async function authenticated(conn: Transport, session: Session): Promise<Transport> {
  const [dialer, acceptor] = await Promise.all([
    directionKey(session, "what the dialer says"),
    directionKey(session, "what the acceptor says"),
  ]);
  return session.role === "dialer"
    ? new AuthenticatedTransport(conn, dialer, acceptor)
    : new AuthenticatedTransport(conn, acceptor, dialer);
}

async function directionKey({ key, nonces }: Session, direction: string): Promise<CryptoKey> {
  const text = new Uint8Array([...new TextEncoder().encode(direction), ...nonces]);
  return await importKey(new Uint8Array(await crypto.subtle.sign("HMAC", key, text)));
}

class AuthenticatedTransport extends TransportOver {
  readonly #own: CryptoKey;
  readonly #theirs: CryptoKey;
  /** How many records were sent, and received. */
  #sent = 0;
  #received = 0;
  /** What has been received, and not read. */
  #content: Bytes = new Uint8Array();

  constructor(conn: Transport, own: CryptoKey, theirs: CryptoKey) {
    super(conn);
    this.#own = own;
    this.#theirs = theirs;
  }

  /** @throws {Deno.errors.InvalidData} If what came is not what the other side has sent. */
  async read(buffer: Uint8Array): Promise<number | null> {
    if (this.#content.length === 0) {
      const content = await this.#receive();
      if (content === null) return null;
      this.#content = content;
    }
    const count = Math.min(buffer.length, this.#content.length);
    buffer.set(this.#content.subarray(0, count));
    this.#content = this.#content.subarray(count);
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const count = Math.min(bytes.length, MAX_CONTENT_BYTES);
    const record = numbered(this.#sent++, count);
    record.set(bytes.subarray(0, count), COUNT_BYTES + LENGTH_BYTES);
    const end = record.length - MAC_BYTES;
    record.set(
      new Uint8Array(await crypto.subtle.sign("HMAC", this.#own, record.subarray(0, end))),
      end,
    );
    await writeAll(this.conn, record.subarray(COUNT_BYTES));
    return count;
  }

  /** The content of the next record; `null` at an end between two records. */
  async #receive(): Promise<Bytes | null> {
    const length = new Uint8Array(LENGTH_BYTES);
    const first = await this.conn.read(length);
    if (first === null) return null;
    length.set(await readExactly(this.conn, LENGTH_BYTES - first), first);
    const count = new DataView(length.buffer).getUint32(0, true);
    if (count === 0 || count > MAX_CONTENT_BYTES) {
      throw new Deno.errors.InvalidData(`a record of ${count} bytes`);
    }
    const rest = await readExactly(this.conn, count + MAC_BYTES);
    const record = numbered(this.#received++, count);
    record.set(rest, COUNT_BYTES + LENGTH_BYTES);
    const end = record.length - MAC_BYTES;
    const [said, mac] = [record.subarray(0, end), record.subarray(end)];
    if (!await crypto.subtle.verify("HMAC", this.#theirs, mac, said)) {
      throw new Deno.errors.InvalidData("what came was changed on the way");
    }
    return record.subarray(COUNT_BYTES + LENGTH_BYTES, end);
  }
}

/** A record with its number before it, and room for the content and the MAC. */
function numbered(number: number, count: number): Bytes {
  const record = new Uint8Array(COUNT_BYTES + LENGTH_BYTES + count + MAC_BYTES);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(number), true);
  view.setUint32(COUNT_BYTES, count, true);
  return record;
}
