/** Counts the bytes that are sent to an address. */

/** Relays connections to another address of this machine, and counts the bytes sent to it. */
export class CountingRelay implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #port: number;
  /** The number of bytes sent so far. */
  bytes = 0;

  constructor(target: string) {
    this.#port = Number(target.slice(target.lastIndexOf(":") + 1));
    void this.#accept();
  }

  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) void this.#relay(conn);
  }

  async #relay(from: Deno.Conn): Promise<void> {
    const to = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    const count = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (chunk, controller) => {
        this.bytes += chunk.length;
        controller.enqueue(chunk);
      },
    });
    // Either side may close the connection at any time.
    await Promise.allSettled([
      from.readable.pipeThrough(count).pipeTo(to.writable),
      to.readable.pipeTo(from.writable),
    ]);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}
