/** Connections between processes of different hosts, as the network sees them. */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects } from "@std/assert";
import { newKey, Protection } from "../../src/net/protocol.ts";
import { Admission } from "../../src/net/admission.ts";
import { certificatesOf } from "../../src/net/certificates.ts";
import { type Accepted, ChannelProtection } from "../../src/net/channel_protection.ts";
import { Encryption } from "../../src/net/encryption.ts";
import { connect, readExactly, type Transport, writeAll } from "../../src/net/transport.ts";
import type { DeadlineClock } from "../../src/net/deadlines.ts";
import { Relay } from "../channel/relay.ts";
import { within } from "../within.ts";
import { ManualTimers } from "./manual_timers.ts";

const LOCAL = { hostname: "127.0.0.1", port: 0 };
const SECRET_WORDS = "attack at dawn";
const TIMEOUT_MS = 7_000;

/** A process that answers each byte with the words, as the side that accepted. */
class Acceptor implements AsyncDisposable {
  readonly port: number;
  readonly refused: string[] = [];
  /** How many connections it has begun to authenticate. */
  accepted = 0;
  readonly #admission: Admission<Deno.TcpConn, Accepted>;

  constructor(protection: ChannelProtection, clock?: DeadlineClock) {
    const listener = Deno.listen(LOCAL);
    this.port = listener.addr.port;
    this.#admission = new Admission<Deno.TcpConn, Accepted>({
      listener,
      max: 16,
      timeoutMs: TIMEOUT_MS,
      ...(clock && { clock }),
      authenticate: (conn, begun, known) => {
        this.accepted++;
        return protection.accepted(conn, begun, known);
      },
      take: async (_conn, { transport, replaced }) => {
        replaced?.close();
        const question = new Uint8Array(1);
        while (await transport.read(question) !== null) {
          await writeAll(transport, new TextEncoder().encode(SECRET_WORDS));
        }
        transport.close();
      },
      log: ({ line }) => this.refused.push(line),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admission.close();
  }
}

async function dial(port: number, protection: ChannelProtection): Promise<Transport> {
  const conn = await connect({ hostname: "127.0.0.1", port });
  try {
    return await protection.dialed(conn, "127.0.0.1", new AbortController().signal);
  } catch (error) {
    conn.close();
    throw error;
  }
}

async function asks(transport: Transport): Promise<string> {
  await writeAll(transport, new Uint8Array([63]));
  return new TextDecoder().decode(await readExactly(transport, SECRET_WORDS.length));
}

/** Relayed connections whose ends Deno closes late are no leak of a test. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

for (const [name, protection] of Object.entries(Protection)) {
  const isReadable = protection !== Protection.encrypted;
  test(`what is said can${isReadable ? "" : "not"} be read on the way: ${name}`, async () => {
    const own = () => new ChannelProtection({ key, protection });
    const key = newKey();
    await using acceptor = new Acceptor(own());
    using relay = new Relay({ ...LOCAL, port: acceptor.port }, LOCAL, { tls: !isReadable });
    let passed = "";
    relay.change = (bytes) => passed += new TextDecoder("latin1").decode(bytes);
    const transport = await dial((relay.endpoint as Deno.NetAddr).port, own());
    for (let count = 0; count < 3; count++) assertEquals(await asks(transport), SECRET_WORDS);
    transport.close();
    assertEquals(passed.includes(SECRET_WORDS), isReadable);
    assert(passed.length > 3 * SECRET_WORDS.length, "it went through the relay");
    assertEquals(acceptor.refused, []);
  });
}

test("what is refused after its handshakes is closed, so that its dialer does not wait for ever", async () => {
  const key = newKey();
  const own = () => new ChannelProtection({ key, protection: Protection.encrypted });
  using listener = Deno.listen(LOCAL);
  const accepting = listener.accept().then(async (conn) => {
    return { conn, accepted: await own().accepted(conn, () => {}, () => {}) };
  });
  const dialled = await dial(listener.addr.port, own());
  const { conn, accepted } = await accepting;
  // As who accepted it does that has waited too long for a greeting.
  conn.close();
  assertEquals(await dialled.read(new Uint8Array(1)), null);
  await assertRejects(() => accepted.transport.read(new Uint8Array(1)));
  dialled.close();
});

test("a process that only connects makes no key of its own", async () => {
  const own = () => new ChannelProtection({ key, protection: Protection.encrypted });
  const key = newKey();
  await using acceptor = new Acceptor(own());
  const { subtle } = crypto;
  const generateKey = subtle.generateKey.bind(subtle);
  let made = 0;
  Object.assign(subtle, {
    generateKey: (...args: Parameters<typeof generateKey>) => {
      if (args[0] === "Ed25519") made++;
      return generateKey(...args);
    },
  });
  try {
    const transport = await dial(acceptor.port, own());
    assertEquals(await asks(transport), SECRET_WORDS);
    transport.close();
  } finally {
    Object.assign(subtle, { generateKey });
  }
  assertEquals(made, 1, "that of the side that accepts");
});

test("a process of another run gets no TLS port", async () => {
  const protection = Protection.encrypted;
  await using acceptor = new Acceptor(
    new ChannelProtection({ key: newKey(), protection }),
  );
  const other = new ChannelProtection({ key: newKey(), protection });
  const error = await assertRejects(() => dial(acceptor.port, other), Error);
  assert(error.message.includes("a different secret"), error.message);
  assertEquals(acceptor.refused.length, 1);
});

test("who is between two processes, with a certificate of another run, gets nothing", async () => {
  const key = newKey();
  const own = () => new ChannelProtection({ key, protection: Protection.encrypted });
  await using acceptor = new Acceptor(own());
  // It passes the first connection on, and puts a TLS port of its own in the place of the other's.
  const encryption = new Encryption(await certificatesOf(newKey()));
  const between = encryption.listen(LOCAL);
  using relay = new Relay({ ...LOCAL, port: acceptor.port }, LOCAL, { tls: true });
  relay.tlsPort = between.addr.port;
  const read = (async () => {
    const conn = encryption.accepted(await between.accept());
    return await conn.read(new Uint8Array(1)).catch((error: Error) => error.message);
  })();
  await assertRejects(() => dial((relay.endpoint as Deno.NetAddr).port, own()), Error);
  assertEquals(await read, "it has a different secret");
  between.close();
});

test("strangers at the TLS port keep nobody out, and it closes when it is not needed", async () => {
  const key = newKey();
  const own = () => new ChannelProtection({ key, protection: Protection.encrypted });
  await using acceptor = new Acceptor(own());
  using relay = new Relay({ ...LOCAL, port: acceptor.port }, LOCAL, { tls: true });
  const strangers: Deno.Conn[] = [];
  let tlsPort = 0;
  relay.toTlsPort = async (port) => {
    tlsPort = port;
    for (let count = 0; count < 20; count++) strangers.push(await Deno.connect({ ...LOCAL, port }));
  };
  const transport = await dial((relay.endpoint as Deno.NetAddr).port, own());
  assertEquals(await asks(transport), SECRET_WORDS);
  await assertRejects(
    () => Deno.connect({ ...LOCAL, port: tlsPort }),
    Deno.errors.ConnectionRefused,
  );
  for (const stranger of strangers) stranger.close();
  transport.close();
});

test("between distant hosts, the second connection has time of its own, once the first one is authenticated", async () => {
  const key = newKey();
  const own = () => new ChannelProtection({ key, protection: Protection.encrypted });
  const timers = new ManualTimers();
  await using acceptor = new Acceptor(own(), timers.clock);
  using relay = new Relay({ ...LOCAL, port: acceptor.port }, LOCAL, { tls: true });
  relay.toTlsPort = async () => {
    // A stranger that comes now has to go before the dialer learns of the port.
    const stranger = await Deno.connect({ ...LOCAL, port: acceptor.port });
    await within(30_000, () => acceptor.accepted === 2, () => "it is not accepted");
    timers.pass(TIMEOUT_MS);
    assertEquals(await stranger.read(new Uint8Array(1)), null);
    stranger.close();
  };
  const transport = await dial((relay.endpoint as Deno.NetAddr).port, own());
  assertEquals(await asks(transport), SECRET_WORDS);
  transport.close();
});

test("a TLS port takes only the dialer that was told it", async () => {
  const key = newKey();
  const own = () => new ChannelProtection({ key, protection: Protection.encrypted });
  await using acceptor = new Acceptor(own());
  using relay = new Relay({ ...LOCAL, port: acceptor.port }, LOCAL, { tls: true });
  const other = new Encryption(await certificatesOf(key));
  const answers: (number | null)[] = [];
  relay.toTlsPort = async (port) => {
    const conn = await connect({ ...LOCAL, port });
    const first = new Uint8Array(32);
    const tls = await other.dial(conn, { roundTripMs: 0, opened: () => {}, first });
    answers.push(await tls.read(new Uint8Array(1)));
    tls.close();
  };
  const transport = await dial((relay.endpoint as Deno.NetAddr).port, own());
  assertEquals(await asks(transport), SECRET_WORDS);
  assertEquals(answers, [null]);
  transport.close();
});

test("an attempt that is given up ends on both sides", async () => {
  const key = newKey();
  const own = () => new ChannelProtection({ key, protection: Protection.encrypted });
  await using acceptor = new Acceptor(own());
  const attempt = new AbortController();
  using relay = new Relay({ ...LOCAL, port: acceptor.port }, LOCAL, { tls: true });
  // Nothing is there that answers, and nobody else gets to know.
  relay.toTlsPort = () => attempt.abort(new Error("enough"));
  const conn = await connect(relay.endpoint as Deno.NetAddr);
  await assertRejects(() => own().dialed(conn, "127.0.0.1", attempt.signal), Error);
  conn.close();
});
