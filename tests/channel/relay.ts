/** A bad network: connections to a port that are slow, and break at any byte. */

/** How a connection fares. */
export interface Fate {
  /** After how many bytes, both ways together, it breaks. */
  readonly cutAfter: number;
  /** How many bytes go through at a time. @default 64 KiB */
  readonly pieceBytes?: number;
}

/** Passes on connections to a port of this machine. */
export class Relay implements Disposable {
  readonly port: number;
  /** Decides how the next connection fares. */
  fate: () => Fate = () => ({ cutAfter: Infinity });
  /** How many connections were made in all, and how many there are. */
  accepted = 0;
  open = 0;
  /** How many of them it has cut. */
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

  /** Takes no more connections, and breaks those there are. Closing twice is closing once. */
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
      near.close(); // nobody is there
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
    // Each direction ends on its own, and the connection when both have ended, or one has broken.
    await Promise.allSettled(
      [near, far].map((from) => pump(from, from === near ? far : near).catch(end)),
    );
    end();
  }
}
