/** A bad network: connections that are slow, and break at any byte. */

// @ts-types="../../types/std_async.d.ts"
import { delay } from "@std/async/delay";
import {
  connect,
  type Endpoint,
  listen,
  readExactly,
  type TransportListener,
  writeAll,
} from "../../src/net/transport.ts";

/** What the relay does to a connection. */
export interface Fate {
  /** After how many bytes, in both directions together, it breaks. */
  readonly cutAfter: number;
  /** How many bytes are passed on at a time. @default 64 KiB */
  readonly pieceBytes?: number;
  /** How long each piece takes to arrive, in ms; the next one is read after that. @default 0 */
  readonly delayMs?: number;
}

type Conn = Deno.TcpConn | Deno.UnixConn;

/** Where in what the acceptor says a TLS port stands, of two bytes: after its part of the handshake. */
const TLS_PORT_AT = 66;

/** How a relay treats connections. */
export interface RelayOptions {
  /**
   * Whether connections are replaced by TLS ones, which it relays, too: those count, and their first ones do
   * not. @default false
   */
  readonly tls?: boolean;
}

/** The place where a listener listens. */
export function endpointOf({ addr }: TransportListener): Endpoint {
  return "path" in addr ? { path: addr.path } : { hostname: addr.hostname, port: addr.port };
}

/** Forwards connections to a place on this machine. */
export class Relay implements Disposable {
  readonly endpoint: Endpoint;
  /** Decides what happens to the next connection. */
  fate: () => Fate = () => ({ cutAfter: Infinity });
  /** May change what is passed on; `passed` bytes went before in the same direction of the connection. */
  change: (bytes: Uint8Array, passed: number) => void = () => {};
  /** The port that it names in place of a TLS port. @default one of its own, before that */
  tlsPort: number | undefined;
  /** Called with a TLS port before it is named to the side that connected. */
  toTlsPort: (port: number) => void | Promise<void> = () => {};
  /** The total number of connections, and the number of open ones. */
  accepted = 0;
  open = 0;
  /** How many of them it has broken. */
  cuts = 0;
  /** How many connections the target says nothing more on, whoever ended them. */
  over = 0;
  readonly #target: Endpoint;
  readonly #listener: TransportListener;
  /** Those of TLS ports. */
  readonly #seconds = new Set<TransportListener>();
  #closed = false;
  #frozen: PromiseWithResolvers<void> | undefined;
  readonly #breakers = new Set<() => void>();

  /** Listens at `at`. */
  constructor(target: Endpoint, at: Endpoint, { tls = false }: RelayOptions = {}) {
    this.#target = target;
    this.#listener = listen(at);
    this.endpoint = endpointOf(this.#listener);
    void this.#acceptAll(this.#listener, this.#target, tls);
  }

  /** Breaks every connection. */
  cutAll(): void {
    for (const cut of [...this.#breakers]) cut();
  }

  /** Passes nothing on, without a sign, on every connection and on those to come, until {@linkcode thaw}. */
  freeze(): void {
    this.#frozen ??= Promise.withResolvers();
  }

  thaw(): void {
    this.#frozen?.resolve();
    this.#frozen = undefined;
  }

  /** Accepts no more connections, and breaks the open ones. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const listener of [this.#listener, ...this.#seconds]) listener.close();
    this.thaw();
    this.cutAll();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #acceptAll(
    listener: TransportListener,
    target: Endpoint,
    isFirst: boolean,
  ): Promise<void> {
    for (;;) {
      let conn: Conn;
      try {
        conn = await listener.accept();
      } catch {
        return; // closed
      }
      void this.#pass(conn, target, isFirst);
    }
  }

  /** Puts a relay in front of the TLS port that is in `bytes`, and its port in place of that. */
  async #replacePort(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const view = new DataView(bytes.buffer);
    const port = view.getUint16(0, true);
    await this.toTlsPort(port);
    view.setUint16(0, this.tlsPort ?? this.#relayTls(port), true);
  }

  #relayTls(port: number): number {
    const local = { hostname: "127.0.0.1", port: 0 };
    const listener = listen(local);
    this.#seconds.add(listener);
    void this.#acceptAll(listener, { ...local, port }, false);
    return listener.addr.port;
  }

  /** @param isFirst Whether another connection, to a port that is named on this one, will replace it. */
  async #pass(near: Conn, target: Endpoint, isFirst: boolean): Promise<void> {
    const counts = isFirst ? 0 : 1;
    this.accepted += counts;
    let far: Conn;
    try {
      far = await connect(target) as Conn;
    } catch {
      near.close(); // nothing listens there
      return;
    }
    this.open += counts;
    const { cutAfter, pieceBytes = 64 * 1024, delayMs = 0 } = this.fate();
    const ended = new AbortController();
    const end = () => {
      if (ended.signal.aborted) return;
      ended.abort();
      this.open -= counts;
      this.#breakers.delete(cut);
      near.close();
      far.close();
    };
    const cut = () => {
      if (!ended.signal.aborted) this.cuts++;
      end();
    };
    this.#breakers.add(cut);
    let left = cutAfter;
    const passPort = async (from: Conn, to: Conn): Promise<void> => {
      for (let passed = 0; passed < TLS_PORT_AT; passed++) {
        await writeAll(to, await readExactly(from, 1));
      }
      const port = await readExactly(from, 2);
      await this.#replacePort(port);
      await writeAll(to, port);
    };
    const pump = async (from: Conn, to: Conn): Promise<void> => {
      const buffer = new Uint8Array(pieceBytes);
      if (isFirst && from === far) await passPort(from, to);
      for (let passed = 0;;) {
        const count = await from.read(buffer);
        await this.#frozen?.promise;
        if (delayMs > 0) await delay(delayMs, { signal: ended.signal });
        if (count === null) return await to.closeWrite();
        const part = buffer.subarray(0, Math.min(count, left));
        left -= part.length;
        this.change(part, passed);
        passed += part.length;
        for (let written = 0; written < part.length;) {
          written += await to.write(part.subarray(written));
        }
        if (left === 0) return cut();
      }
    };
    // Each direction ends separately; the connection ends when both have, or when one breaks.
    await Promise.allSettled([
      pump(near, far).catch(end),
      pump(far, near).catch(end).finally(() => this.over++),
    ]);
    end();
  }
}
