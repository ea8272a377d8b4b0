/** Somebody on the network who listens in: forwards connections, and keeps all that they say. */
export class RecordingRelay implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #passing: Promise<void>;
  readonly #conns: Deno.Conn[] = [];
  readonly #heard: Uint8Array[] = [];

  /** @param target The address where connections are forwarded to, on this machine. */
  constructor(target: string) {
    this.#passing = this.#acceptAll(Number(/\d+$/.exec(target)![0]));
  }

  /** Where it listens. */
  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  /** All bytes of both directions, in the order in which they came, as characters of Latin-1. */
  get text(): string {
    return this.#heard.map((bytes) => new TextDecoder("latin1").decode(bytes)).join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#conns) conn.close();
    await this.#passing;
  }

  async #acceptAll(target: number): Promise<void> {
    const pumps: Promise<void>[] = [];
    for await (const conn of this.#listener) {
      const other = await Deno.connect({ hostname: "127.0.0.1", port: target });
      this.#conns.push(conn, other);
      pumps.push(this.#pump(conn, other), this.#pump(other, conn));
    }
    await Promise.all(pumps);
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        this.#heard.push(buffer.slice(0, count));
        for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
      }
      await to.closeWrite();
    } catch {
      // One of the two is gone, and the other one is about to be.
    }
  }
}
