/** A bad network: connections that are slow, and break at any byte. */

import { connect, type Endpoint, listen, type TransportListener } from "../../src/net/transport.ts";

/** What the relay does to a connection. */
export interface Fate {
  /** After how many bytes, in both directions together, it breaks. */
  readonly cutAfter: number;
  /** How many bytes are passed on at a time. @default 64 KiB */
  readonly pieceBytes?: number;
}

type Conn = Deno.TcpConn | Deno.UnixConn;

/** The place where a listener listens. */
export function endpointOf({ addr }: TransportListener): Endpoint {
  return "path" in addr ? { path: addr.path } : { hostname: addr.hostname, port: addr.port };
}

/** Forwards connections to a place on this machine. */
export class Relay implements Disposable {
  readonly endpoint: Endpoint;
  /** Decides what happens to the next connection. */
  fate: () => Fate = () => ({ cutAfter: Infinity });
  /** The total number of connections, and the number of open ones. */
  accepted = 0;
  open = 0;
  /** How many of them it has broken. */
  cuts = 0;
  readonly #target: Endpoint;
  readonly #listener: TransportListener;
  #closed = false;
  readonly #breakers = new Set<() => void>();

  /** Listens at `at`. */
  constructor(target: Endpoint, at: Endpoint) {
    this.#target = target;
    this.#listener = listen(at);
    this.endpoint = endpointOf(this.#listener);
    void this.#acceptAll();
  }

  /** Breaks every connection. */
  cutAll(): void {
    for (const cut of [...this.#breakers]) cut();
  }

  /** Accepts no more connections, and breaks the open ones. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    this.cutAll();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #acceptAll(): Promise<void> {
    for (;;) {
      let conn: Conn;
      try {
        conn = await this.#listener.accept();
      } catch {
        return; // closed
      }
      void this.#pass(conn);
    }
  }

  async #pass(near: Conn): Promise<void> {
    this.accepted++;
    let far: Conn;
    try {
      far = await connect(this.#target) as Conn;
    } catch {
      near.close(); // nothing listens there
      return;
    }
    this.open++;
    const { cutAfter, pieceBytes = 64 * 1024 } = this.fate();
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      this.open--;
      this.#breakers.delete(cut);
      near.close();
      far.close();
    };
    const cut = () => {
      if (!over) this.cuts++;
      end();
    };
    this.#breakers.add(cut);
    let left = cutAfter;
    const pump = async (from: Conn, to: Conn): Promise<void> => {
      const buffer = new Uint8Array(pieceBytes);
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) return await to.closeWrite();
        const part = buffer.subarray(0, Math.min(count, left));
        left -= part.length;
        for (let written = 0; written < part.length;) {
          written += await to.write(part.subarray(written));
        }
        if (left === 0) return cut();
      }
    };
    // Each direction ends separately; the connection ends when both have, or when one breaks.
    await Promise.allSettled(
      [near, far].map((from) => pump(from, from === near ? far : near).catch(end)),
    );
    end();
  }
}
