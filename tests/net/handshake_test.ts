// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertIsError, assertRejects } from "@std/assert";
import {
  acceptHandshake,
  type ByteStream,
  dialHandshake,
  importKey,
  PROTOCOL_VERSION,
  Purpose,
} from "../../src/net/handshake.ts";
import { ProtocolError } from "../../src/core/protocol_error.ts";
import { MemoryStream } from "./memory_stream.ts";

const key = await importKey(new Uint8Array(32).fill(1));
const otherKey = await importKey(new Uint8Array(32).fill(2));

/** One end of a pipe. It reads what is written at the other end, a few bytes at a time. */
class PipeEnd implements ByteStream {
  /** Everything that was written to it. */
  readonly written: number[] = [];
  #read = 0;
  #closed = false;
  #changed = Promise.withResolvers<void>();
  other: PipeEnd | undefined;

  async read(buffer: Uint8Array): Promise<number | null> {
    const { written } = this.other!;
    while (this.#read === written.length) {
      if (this.other!.#closed) return null;
      await this.other!.#changed.promise;
    }
    const count = Math.min(buffer.length, written.length - this.#read, 7);
    buffer.set(written.slice(this.#read, this.#read + count));
    this.#read += count;
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    const count = Math.min(bytes.length, 11);
    this.written.push(...bytes.subarray(0, count));
    this.#change();
    return Promise.resolve(count);
  }

  close(): void {
    this.#closed = true;
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

interface Meeting {
  /** The outcome on each side: the purpose of the other side, or an error. */
  readonly dialer: unknown;
  readonly acceptor: unknown;
  readonly said: { readonly dialer: number[]; readonly acceptor: number[] };
}

async function meet(
  dial: (stream: ByteStream) => Promise<unknown>,
  accept: (stream: ByteStream) => Promise<unknown>,
): Promise<Meeting> {
  const [one, two] = [new PipeEnd(), new PipeEnd()];
  one.other = two;
  two.other = one;
  const outcome = async (end: PipeEnd, act: (stream: ByteStream) => Promise<unknown>) => {
    try {
      return await act(end);
    } catch (error) {
      end.close();
      return error;
    }
  };
  const [dialer, acceptor] = await Promise.all([outcome(one, dial), outcome(two, accept)]);
  return { dialer, acceptor, said: { dialer: one.written, acceptor: two.written } };
}

Deno.test("a handshake succeeds with the same key, and tells the purpose", async () => {
  for (const purpose of Object.values(Purpose)) {
    const { dialer, acceptor, said } = await meet(
      (stream) => dialHandshake(stream, { key }, purpose),
      (stream) => acceptHandshake(stream, { key }, Object.values(Purpose)),
    );
    assertEquals(dialer, undefined);
    assertEquals(acceptor, purpose);
    assertEquals(said.dialer.slice(0, 7), [0x44, 0x50, 0x4c, 0x59, PROTOCOL_VERSION, purpose, 0]);
    assertEquals(said.dialer.length, 4 + 3 + 32 + 32);
    assertEquals(said.acceptor.slice(0, 2), [PROTOCOL_VERSION, 0]);
    assertEquals(said.acceptor.length, 2 + 32 + 32);
  }
});

Deno.test("a handshake with another key fails on both sides, and the dialer proves nothing", async () => {
  const { dialer, acceptor, said } = await meet(
    (stream) => dialHandshake(stream, { key: otherKey }, Purpose.channels),
    (stream) => acceptHandshake(stream, { key }, [Purpose.channels]),
  );
  assertIsError(dialer, ProtocolError, "the other side has a different secret");
  assertIsError(acceptor, ProtocolError, "it has a different secret");
  assertEquals(said.dialer.slice(4 + 3 + 32), Array(32).fill(0));
});

Deno.test("an acceptor refuses a dialer that takes any answer, and has another key", async () => {
  const { acceptor } = await meet(
    async (stream) => {
      const hello = new Uint8Array(39);
      hello.set([0x44, 0x50, 0x4c, 0x59, PROTOCOL_VERSION, Purpose.channels, 0]);
      for (let sent = 0; sent < 39;) sent += await stream.write(hello.subarray(sent));
      for (let sent = 0; sent < 32;) sent += await stream.write(new Uint8Array(32 - sent));
    },
    (stream) => acceptHandshake(stream, { key }, [Purpose.channels]),
  );
  assertIsError(acceptor, ProtocolError);
});

Deno.test("a handshake that is open on only one side fails with that reason on both", async () => {
  for (const open of [true, false]) {
    const { dialer, acceptor } = await meet(
      (stream) => dialHandshake(stream, { key, open }, Purpose.node),
      (stream) => acceptHandshake(stream, { key, open: !open }, [Purpose.node]),
    );
    assertIsError(dialer, ProtocolError, "secret");
    assertIsError(acceptor, ProtocolError, "secret");
  }
});

Deno.test("a handshake between versions names them on both sides", async () => {
  const hello = [0x44, 0x50, 0x4c, 0x59, 9, Purpose.channels, 0, ...new Array(32).fill(0)];
  const stream = new MemoryStream(hello);
  await assertRejects(
    () => acceptHandshake(stream, { key }, [Purpose.channels]),
    ProtocolError,
    `it speaks version 9 of the protocol, and this side version ${PROTOCOL_VERSION}`,
  );
  assertEquals(stream.written, [PROTOCOL_VERSION, 0]);
  await assertRejects(
    () => dialHandshake(new MemoryStream([9, 0]), { key }, Purpose.channels),
    ProtocolError,
    "it speaks version 9 of the protocol",
  );
});

Deno.test("acceptHandshake() refuses another purpose, other protocols and less than it needs", async () => {
  const hello = [0x44, 0x50, 0x4c, 0x59, PROTOCOL_VERSION, Purpose.node, 0];
  await assertRejects(
    () =>
      acceptHandshake(new MemoryStream([...hello, ...new Array(32).fill(0)]), { key }, [
        Purpose.channels,
      ]),
    ProtocolError,
    "it asked for an unknown service: 2",
  );
  const http = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: 127.0.0.1:4100\r\n\r\n");
  await assertRejects(
    () => acceptHandshake(new MemoryStream([...http]), { key }, [Purpose.channels]),
    ProtocolError,
    "its first bytes are not of this protocol",
  );
  for (let length = 0; length < hello.length + 32; length++) {
    const stream = new MemoryStream([...hello, ...new Array(32).fill(0)].slice(0, length));
    await assertRejects(
      () => acceptHandshake(stream, { key }, [Purpose.node]),
      Deno.errors.UnexpectedEof,
      "the other side closed the connection",
    );
    assertEquals(stream.written, [], "nothing is said to who says too little");
  }
});

Deno.test("dialHandshake() refuses its own words, played back to it", async () => {
  // The attacker has no key. It gets the proof that it needs from the victim itself, as the
  // acceptor of a second connection, or by sending back what it received.
  const victim = (stream: ByteStream) => dialHandshake(stream, { key }, Purpose.channels);
  const { dialer, said } = await meet(victim, async (stream) => {
    const hello = new Uint8Array(39);
    for (let filled = 0; filled < 39;) filled += await stream.read(hello.subarray(filled)) ?? 39;
    const reflected = new Uint8Array(2 + 32 + 32);
    reflected.set([PROTOCOL_VERSION, 0]);
    reflected.set(hello.subarray(7), 2);
    for (let sent = 0; sent < 66;) sent += await stream.write(reflected.subarray(sent));
  });
  assertIsError(dialer, ProtocolError, "the other side has a different secret");
  assertEquals(said.dialer.slice(39), Array(32).fill(0));
});

Deno.test("acceptHandshake() refuses its own proof, and one of another connection", async () => {
  const honest = await meet(
    (stream) => dialHandshake(stream, { key }, Purpose.channels),
    (stream) => acceptHandshake(stream, { key }, [Purpose.channels]),
  );
  const readAll = async (stream: ByteStream): Promise<Uint8Array> => {
    const answer = new Uint8Array(66);
    for (let filled = 0; filled < 66;) filled += await stream.read(answer.subarray(filled)) ?? 66;
    return answer;
  };
  const proofs: ((answer: Uint8Array) => Uint8Array)[] = [
    (answer) => answer.slice(34), // the acceptor's own
    () => new Uint8Array(honest.said.dialer.slice(39)), // a recorded one
  ];
  for (const proof of proofs) {
    const { acceptor } = await meet(
      async (stream) => {
        const hello = new Uint8Array(honest.said.dialer.slice(0, 39)); // with the same nonce
        for (let sent = 0; sent < 39;) sent += await stream.write(hello.subarray(sent));
        const mac = proof(await readAll(stream));
        for (let sent = 0; sent < 32;) sent += await stream.write(mac.subarray(sent));
      },
      (stream) => acceptHandshake(stream, { key }, [Purpose.channels]),
    );
    assertIsError(acceptor, ProtocolError);
  }
});

Deno.test("the MACs cover the purpose", async () => {
  // An attacker in between changes the dialer's purpose.
  const { dialer } = await meet(
    (stream) => dialHandshake(stream, { key }, Purpose.channels),
    (stream) =>
      acceptHandshake(
        {
          read: async (buffer) => {
            const count = await stream.read(buffer.subarray(0, 1));
            if (buffer.length === 34 && buffer[0] === Purpose.channels) buffer[0] = Purpose.node;
            return count;
          },
          write: (bytes) => stream.write(bytes),
        },
        { key },
        [Purpose.node],
      ),
  );
  assertIsError(dialer, ProtocolError, "the other side has a different secret");
});
