/** A bad network: connections to a port that are slow, and break at any byte. */

/** What the relay does to a connection. */
export interface Fate {
  /** After how many bytes, in both directions together, it breaks. */
  readonly cutAfter: number;
  /** How many bytes are passed on at a time. @default 64 KiB */
  readonly pieceBytes?: number;
}

/** Forwards connections to a port of this machine. */
export class Relay implements Disposable {
  readonly port: number;
  /** Decides what happens to the next connection. */
  fate: () => Fate = () => ({ cutAfter: Infinity });
  /** The total number of connections, and the number of open ones. */
  accepted = 0;
  open = 0;
  /** How many of them it has broken. */
  cuts = 0;
  readonly #target: number;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  #closed = false;
  readonly #breakers = new Set<() => void>();

  constructor(target: number) {
    this.#target = target;
    this.port = this.#listener.addr.port;
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
      let conn: Deno.TcpConn;
      try {
        conn = await this.#listener.accept();
      } catch {
        return; // closed
      }
      void this.#pass(conn);
    }
  }

  async #pass(near: Deno.TcpConn): Promise<void> {
    this.accepted++;
    let far: Deno.TcpConn;
    try {
      far = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
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
    const pump = async (from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> => {
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
