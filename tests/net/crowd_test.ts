/** A part of a cluster that strangers keep connecting to: peers that hold the secret get in. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { createLogger } from "../../src/core/logger.ts";
import { credentialOf, dialPart, PartServer } from "../../src/net/connect.ts";
import { Purpose } from "../../src/net/protocol.ts";

const credential = await credentialOf({ bytes: new Uint8Array(32).fill(1), open: false }, {
  plain: true,
});

/** How long each way from a peer takes. */
const WAY_MS = 125;

/** Passes a connection on, each piece of it late; the first one is late already if `isFirst`. */
async function far(from: Deno.Conn, to: Deno.Conn, isFirst = false): Promise<void> {
  const buffer = new Uint8Array(1_024);
  let order = Promise.resolve();
  for (;;) {
    const count = await from.read(buffer).catch(() => null);
    const bytes = count === null ? undefined : buffer.slice(0, count);
    const late = new Promise<void>((resolve) => setTimeout(resolve, isFirst ? 0 : WAY_MS));
    isFirst = false;
    order = order.then(() => late).then(async () => {
      if (bytes === undefined) return to.close();
      await to.write(bytes);
    }).catch(() => {}); // closed from the other side
    if (bytes === undefined) return await order;
  }
}

/** A port behind a long way. */
class FarAway implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #ways: Promise<void>[] = [];
  readonly address = { host: "127.0.0.1", port: this.#listener.addr.port };

  constructor(port: number) {
    void this.#accept(port);
  }

  async #accept(port: number): Promise<void> {
    for await (const conn of this.#listener) this.#ways.push(this.#pass(conn, port));
  }

  async #pass(conn: Deno.Conn, port: number): Promise<void> {
    // As on a real way, the first bytes come together with the end of TCP's own handshake.
    await new Promise((resolve) => setTimeout(resolve, WAY_MS));
    const there = await Deno.connect({ port });
    await Promise.all([far(conn, there, true), far(there, conn)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await Promise.all(this.#ways);
  }
}

/** Connects again and again, half of the time with something that is no hello, and never goes away. */
class Crowd implements AsyncDisposable {
  readonly #conns: Deno.Conn[] = [];
  readonly #connecting: Promise<void>;
  #over = false;

  constructor(port: number) {
    this.#connecting = this.#connect(port);
  }

  get size(): number {
    return this.#conns.length;
  }

  async #connect(port: number): Promise<void> {
    while (!this.#over) {
      const conn = await Deno.connect({ port });
      this.#conns.push(conn);
      if (this.size % 2 === 0) await conn.write(new TextEncoder().encode("GET / HT"));
      // So many are held open at a time.
      if (this.size > 2_000) this.#conns.shift()!.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    await this.#connecting;
    for (const conn of this.#conns) conn.close();
  }
}

Deno.test("peers with the secret and 250 ms of round trip get in while strangers keep coming", async () => {
  const lines: string[] = [];
  const taken: { close(): void }[] = [];
  await using server = new PartServer({
    address: { host: "127.0.0.1", port: 0 },
    credential,
    handlers: { [Purpose.node]: (conn) => taken.push(conn) },
    logger: createLogger("info", (line) => lines.push(line)),
    // Less than come while one peer authenticates, so that the test need not hold thousands.
    places: 100,
  });
  await using far = new FarAway(server.address.port);
  await using crowd = new Crowd(server.address.port);
  while (crowd.size < 200) await new Promise((resolve) => setTimeout(resolve, 1));
  const dialled = await Promise.all(
    Array.from({ length: 6 }, () => dialPart(far.address, Purpose.node, credential)),
  );
  while (taken.length < 6) await new Promise((resolve) => setTimeout(resolve, 1));
  assertEquals(lines.length, 1, "one line about the host of the strangers");
  for (const conn of [...dialled, ...taken]) conn.close();
});
