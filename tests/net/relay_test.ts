/** A TCP connection whose bytes pass through two message links. */

// @ts-types="../../types/std_assert.d.ts"
import { assertEquals } from "@std/assert";
import { writeAll } from "../../src/net/transport.ts";
import { MessageLink } from "../../src/net/message_link.ts";
import { relay } from "../../src/net/relay.ts";
import {
  INSPECTOR_TO_NODE,
  MAX_RELAY_MESSAGE_BYTES,
  type RelayMessage,
} from "../../src/wire/inspect_messages.ts";

/** Two ends of a connection over loopback. */
async function pair(): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = listener.addr;
  return await Promise.all([Deno.connect({ hostname, port }), listener.accept()]);
}

/** A client and a server, and what is between them: two relays with a link. */
async function relayed(): Promise<{
  client: Deno.TcpConn;
  server: Deno.TcpConn;
  relays: Promise<unknown>;
}> {
  const [[client, near], [server, far], ends] = await Promise.all([pair(), pair(), pair()]);
  const [one, other] = ends.map((conn) =>
    new MessageLink<RelayMessage, RelayMessage>(conn, {
      schema: INSPECTOR_TO_NODE,
      maxBytes: MAX_RELAY_MESSAGE_BYTES,
    })
  );
  const relays = Promise.all([
    relay(near, one!, one!.messages(), { leads: true }),
    relay(far, other!, other!.messages(), { leads: false }),
  ]);
  return { client, server, relays };
}

/** Everything that comes, as its length and the sum of its bytes. */
async function all(conn: Deno.TcpConn): Promise<[length: number, sum: number]> {
  const buffer = new Uint8Array(64 * 1024);
  let [length, sum] = [0, 0];
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    length += count;
    for (const byte of buffer.subarray(0, count)) sum += byte;
  }
  return [length, sum];
}

async function say(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  await writeAll(conn, bytes);
  await conn.closeWrite();
}

Deno.test("each direction ends by itself, and all that was said before arrives", async () => {
  const { client, server, relays } = await relayed();
  // More than all buffers on the way: the sender has to wait.
  const long = new Uint8Array(16 * 1024 * 1024).fill(3);
  await say(client, new Uint8Array([1, 2, 3]));
  assertEquals(await all(server), [3, 6]);
  const [heard] = await Promise.all([all(client), say(server, long)]);
  assertEquals(heard, [long.length, 3 * long.length]);
  await relays;
  client.close();
  server.close();
});

Deno.test("a connection that is closed on one side is closed on the other side", async () => {
  const { client, server, relays } = await relayed();
  await writeAll(client, new Uint8Array(5));
  assertEquals(await server.read(new Uint8Array(16)), 5);
  client.close();
  assertEquals(await all(server), [0, 0]);
  server.close();
  await relays;
});
