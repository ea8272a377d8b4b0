// @ts-types="../../types/std_assert.d.ts"
import { assertEquals, assertIsError, assertNotEquals, assertRejects } from "@std/assert";
import {
  type Accepted,
  acceptHandshake,
  dialHandshake,
  type HandshakeKey,
  importKey,
  probe,
  type Session,
} from "../../src/net/handshake.ts";
import type { ByteStream } from "../../src/net/transport.ts";
import { Protection, PROTOCOL_VERSION, Purpose } from "../../src/net/protocol.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { MemoryStream } from "./memory_stream.ts";

const { encrypted, open, plain } = Protection;

const key: HandshakeKey = {
  key: await importKey(new Uint8Array(32).fill(1)),
  protection: plain,
};
const otherKey: HandshakeKey = { ...key, key: await importKey(new Uint8Array(32).fill(2)) };

/** How long a hello is, and what an acceptor says before the dialer has proven anything. */
const HELLO_BYTES = 4 + 3 + 32;
const CHALLENGE_BYTES = 2 + 32;

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

async function readAll(stream: ByteStream, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  for (let filled = 0; filled < count;) {
    filled += await stream.read(bytes.subarray(filled)) ?? count;
  }
  return bytes;
}

async function writeAll(stream: ByteStream, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await stream.write(bytes.subarray(sent));
}

/** The first bytes of a dialer, with a nonce of zeros. */
function hello(purpose: number, protection: number = plain, version = PROTOCOL_VERSION): number[] {
  return [0x44, 0x50, 0x4c, 0x59, version, purpose, protection, ...new Array(32).fill(0)];
}

Deno.test("a handshake succeeds with the same key, and tells the purpose", async () => {
  for (const purpose of Object.values(Purpose)) {
    const { dialer, acceptor, said } = await meet(
      (stream) => dialHandshake(stream, key, purpose),
      (stream) => acceptHandshake(stream, key, Object.values(Purpose)),
    );
    const nonces = [
      ...said.dialer.slice(7, HELLO_BYTES),
      ...said.acceptor.slice(2, CHALLENGE_BYTES),
    ];
    assertEquals(dialer, { role: "dialer", key: key.key, nonces });
    const who = { purpose, invited: undefined };
    assertEquals(acceptor, { role: "acceptor", key: key.key, nonces, ...who });
    assertEquals(said.dialer.slice(0, 7), hello(purpose).slice(0, 7));
    assertEquals(said.dialer.length, HELLO_BYTES + 32);
    assertEquals(said.acceptor.slice(0, 2), [PROTOCOL_VERSION, plain]);
    assertEquals(said.acceptor.length, CHALLENGE_BYTES + 32);
  }
});

Deno.test("early bytes are sent together with the proof", async () => {
  const { acceptor } = await meet(
    (stream) => dialHandshake(stream, key, Purpose.channels, new Uint8Array([7, 8, 9])),
    async (stream) => {
      await acceptHandshake(stream, key, [Purpose.channels]);
      return [...await readAll(stream, 3)];
    },
  );
  assertEquals(acceptor, [7, 8, 9]);
});

Deno.test("a handshake with another key fails on both sides, and the acceptor proves nothing", async () => {
  const { dialer, acceptor, said } = await meet(
    (stream) => dialHandshake(stream, otherKey, Purpose.channels),
    (stream) => acceptHandshake(stream, key, [Purpose.channels]),
  );
  assertIsError(dialer, ProtocolError, "the other side has a different secret");
  assertIsError(acceptor, ProtocolError, "it has a different secret");
  assertEquals(said.acceptor.slice(CHALLENGE_BYTES), Array(32).fill(0));
});

Deno.test("an acceptor says nothing that depends on the key before the dialer has proven its own", async () => {
  const answers: number[][] = [];
  for (const own of [key, otherKey]) {
    const { acceptor, said } = await meet(
      async (stream) => {
        await writeAll(stream, new Uint8Array(hello(Purpose.channels)));
        await readAll(stream, CHALLENGE_BYTES);
        await writeAll(stream, new Uint8Array(32));
      },
      (stream) => acceptHandshake(stream, own, [Purpose.channels]),
    );
    assertIsError(acceptor, ProtocolError);
    answers.push(said.acceptor.toSpliced(2, 32)); // without the nonce
  }
  assertEquals(answers[0], answers[1]);
});

Deno.test("a dialer refuses an acceptor that takes any proof, and has another key", async () => {
  const { dialer } = await meet(
    (stream) => dialHandshake(stream, key, Purpose.channels),
    async (stream) => {
      await readAll(stream, HELLO_BYTES);
      await writeAll(stream, new Uint8Array([PROTOCOL_VERSION, plain, ...new Array(32).fill(0)]));
      await readAll(stream, 32);
      await writeAll(stream, new Uint8Array(32));
    },
  );
  assertIsError(dialer, ProtocolError, "the other side has a different secret");
});

Deno.test("sides whose connections are protected in different ways say so", async () => {
  const noSecretHere = "the other side has a secret, and this side has none: give it one with";
  const noSecretThere = "the other side has no secret, and this side has one";
  const plainThere = "the other side does not encrypt, and this side does: give --plain";
  const plainHere = "the other side encrypts, and this side does not: give --plain";
  const table = [
    [open, plain, noSecretHere, noSecretThere],
    [plain, open, noSecretThere, noSecretHere],
    [open, encrypted, noSecretHere, noSecretThere],
    [encrypted, open, noSecretThere, noSecretHere],
    [plain, encrypted, plainHere, plainThere],
    [encrypted, plain, plainThere, plainHere],
  ] as const;
  for (const [dials, accepts, dialerSays, acceptorSays] of table) {
    for (
      const dial of [
        (stream: ByteStream) => dialHandshake(stream, { ...key, protection: dials }, Purpose.node),
        (stream: ByteStream) => probe(stream, dials, Purpose.node),
      ]
    ) {
      const { dialer, acceptor, said } = await meet(
        dial,
        (stream) => acceptHandshake(stream, { ...key, protection: accepts }, [Purpose.node]),
      );
      assertIsError(dialer, ProtocolError, dialerSays);
      assertIsError(acceptor, ProtocolError, acceptorSays);
      assertEquals(said.dialer.length, HELLO_BYTES, "nothing is proven");
    }
  }
});

Deno.test("an acceptor that does not encrypt knows TLS by its first byte, and a dialer an alert", async () => {
  const clientHello = [0x16, 3, 1, 0, 237, 1, 0, 0];
  for (
    const [protection, why] of [
      [plain, "the other side encrypts, and this side does not"],
      [open, "the other side has a secret, and this side has none"],
    ] as const
  ) {
    const stream = new MemoryStream(clientHello);
    const accepting = acceptHandshake(stream, { ...key, protection }, [Purpose.node]);
    await assertRejects(() => accepting, ProtocolError, why);
    assertEquals(stream.written, []);
    const dialing = dialHandshake(
      new MemoryStream([21, 3, 3, 0, 2, 2, 50]),
      { ...key, protection },
      Purpose.node,
    );
    await assertRejects(() => dialing, ProtocolError, why);
  }
});

Deno.test("probe() proves nothing to one that would take a handshake", async () => {
  const { dialer, acceptor, said } = await meet(
    (stream) => probe(stream, plain, Purpose.node),
    (stream) => acceptHandshake(stream, key, [Purpose.node]),
  );
  assertIsError(dialer, ProtocolError, "another program listens there");
  assertIsError(acceptor, Deno.errors.UnexpectedEof);
  assertEquals(said.dialer.length, HELLO_BYTES);
});

Deno.test("a handshake between versions names them on both sides", async () => {
  const stream = new MemoryStream(hello(Purpose.channels, plain, 9));
  await assertRejects(
    () => acceptHandshake(stream, key, [Purpose.channels]),
    ProtocolError,
    `it speaks version 9 of the protocol, and this side version ${PROTOCOL_VERSION}`,
  );
  assertEquals(stream.written, [PROTOCOL_VERSION, plain]);
  await assertRejects(
    () => dialHandshake(new MemoryStream([9, 0]), key, Purpose.channels),
    ProtocolError,
    "it speaks version 9 of the protocol",
  );
});

Deno.test("acceptHandshake() refuses another purpose, other protocols and less than it needs", async () => {
  await assertRejects(
    () =>
      acceptHandshake(new MemoryStream(hello(Purpose.node)), key, [
        Purpose.channels,
      ]),
    ProtocolError,
    "it asked for an unknown service: 2",
  );
  const http = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: 127.0.0.1:4100\r\n\r\n");
  await assertRejects(
    () => acceptHandshake(new MemoryStream([...http]), key, [Purpose.channels]),
    ProtocolError,
    "its first bytes are not of this protocol",
  );
  for (let length = 0; length < HELLO_BYTES; length++) {
    const stream = new MemoryStream(hello(Purpose.node).slice(0, length));
    await assertRejects(
      () => acceptHandshake(stream, key, [Purpose.node]),
      Deno.errors.UnexpectedEof,
      "the other side closed the connection",
    );
    assertEquals(stream.written, [], "nothing is said to who says too little");
  }
});

/** The key of an invitation, as the acceptor derives it. */
const keyOf = (name: string) => importKey(new TextEncoder().encode(`invited ${name}`));

Deno.test("who has an invitation is known by its name, and is taken for deploying, viewing and debugging only", async () => {
  const anna: HandshakeKey = { key: await keyOf("anna"), protection: plain, invited: "anna" };
  const bridge: HandshakeKey = { ...key, keyOf };
  for (const purpose of Object.values(Purpose)) {
    const { dialer, acceptor, said } = await meet(
      (stream) => dialHandshake(stream, anna, purpose),
      (stream) => acceptHandshake(stream, bridge, Object.values(Purpose)),
    );
    const allowed: Purpose[] = [Purpose.deploy, Purpose.view, Purpose.inspect];
    if (allowed.includes(purpose)) {
      assertEquals((dialer as Session).role, "dialer");
      const { nonces, ...who } = acceptor as Accepted;
      assertEquals(nonces, [...(dialer as Session).nonces]);
      assertEquals(who, { role: "acceptor", key: who.key, purpose, invited: "anna" });
      continue;
    }
    assertIsError(acceptor, ProtocolError, "which permits deploying only");
    assertEquals(said.acceptor, [], "nothing is said");
  }
});

Deno.test("an invitation is not that of another name, nor the secret", async () => {
  const bridge: HandshakeKey = { ...key, keyOf };
  for (
    const [own, accepts] of [
      [{ key: await keyOf("anna"), protection: plain, invited: "ben" }, bridge],
      [{ key: await keyOf("anna"), protection: plain }, bridge],
      [{ ...key, invited: "anna" }, bridge],
    ] as const
  ) {
    const { dialer, acceptor } = await meet(
      (stream) => dialHandshake(stream, own, Purpose.deploy),
      (stream) => acceptHandshake(stream, accepts, [Purpose.deploy]),
    );
    assertIsError(dialer, ProtocolError, "the other side has a different secret");
    assertIsError(acceptor, ProtocolError, "it has a different secret");
  }
  // A part without the secret takes none.
  const { acceptor } = await meet(
    (stream) => dialHandshake(stream, { ...key, invited: "anna" }, Purpose.deploy),
    (stream) => acceptHandshake(stream, key, [Purpose.deploy]),
  );
  assertIsError(acceptor, ProtocolError, "it has an invitation");
});

Deno.test("an invitation that was taken back is refused, and both sides say so", async () => {
  const anna: HandshakeKey = { key: await keyOf("anna"), protection: plain, invited: "anna" };
  const bridge: HandshakeKey = { ...key, keyOf, denied: new Set(["anna"]) };
  const { dialer, acceptor } = await meet(
    (stream) => dialHandshake(stream, anna, Purpose.deploy),
    (stream) => acceptHandshake(stream, bridge, [Purpose.deploy]),
  );
  assertIsError(dialer, ProtocolError, "the invitation of anna was taken back");
  assertIsError(acceptor, ProtocolError, "the invitation of anna was taken back (--deny)");
  // Somebody who only knows the name does not learn that.
  const other = await meet(
    (stream) => dialHandshake(stream, { ...otherKey, invited: "anna" }, Purpose.deploy),
    (stream) => acceptHandshake(stream, bridge, [Purpose.deploy]),
  );
  assertIsError(other.dialer, ProtocolError, "the other side has a different secret");
});

Deno.test("a name of no or too many bytes is refused before anything is said", async () => {
  for (const length of [0, 65, 255]) {
    const words = hello(Purpose.deploy, plain + 64);
    const stream = new MemoryStream([...words, length, ...new Array(length).fill(97)]);
    await assertRejects(
      () => acceptHandshake(stream, { ...key, keyOf }, [Purpose.deploy]),
      ProtocolError,
      `the name in its invitation has ${length} bytes`,
    );
    assertEquals(stream.written, []);
  }
});

Deno.test("dialHandshake() refuses its own words, played back to it", async () => {
  // The attacker has no key. It sends back what it received, as a nonce and as a proof.
  const { dialer } = await meet(
    (stream) => dialHandshake(stream, key, Purpose.channels),
    async (stream) => {
      const nonce = (await readAll(stream, HELLO_BYTES)).subarray(7);
      await writeAll(stream, new Uint8Array([PROTOCOL_VERSION, plain, ...nonce]));
      await writeAll(stream, await readAll(stream, 32));
    },
  );
  assertIsError(dialer, ProtocolError, "the other side has a different secret");
});

Deno.test("acceptHandshake() refuses the proofs of another connection", async () => {
  const honest = await meet(
    (stream) => dialHandshake(stream, key, Purpose.channels),
    (stream) => acceptHandshake(stream, key, [Purpose.channels]),
  );
  const proofs = [
    honest.said.acceptor.slice(CHALLENGE_BYTES),
    honest.said.dialer.slice(HELLO_BYTES),
  ];
  for (const proof of proofs) {
    const { acceptor, said } = await meet(
      async (stream) => {
        // With the same nonce.
        await writeAll(stream, new Uint8Array(honest.said.dialer.slice(0, HELLO_BYTES)));
        await readAll(stream, CHALLENGE_BYTES);
        await writeAll(stream, new Uint8Array(proof));
      },
      (stream) => acceptHandshake(stream, key, [Purpose.channels]),
    );
    assertIsError(acceptor, ProtocolError, "it has a different secret");
    assertNotEquals(
      said.acceptor.slice(2, CHALLENGE_BYTES),
      honest.said.acceptor.slice(2, CHALLENGE_BYTES),
    );
  }
});

/**
 * Meets with an attacker in between, who changes bits of one byte of the hello, and, if `answer` is given, sets
 * the byte of the answer that says how the acceptor's connections are protected.
 */
function changing(
  { at, flip, answer }: { at: number; flip: number; answer?: number },
  accepts: HandshakeKey,
): Promise<Meeting> {
  let read = 0;
  let wrote = 0;
  return meet(
    (stream) => dialHandshake(stream, key, Purpose.channels),
    (stream) =>
      acceptHandshake(
        {
          read: async (buffer) => {
            const count = await stream.read(buffer.subarray(0, 1));
            if (read === at) buffer[0]! ^= flip;
            read += count ?? 0;
            return count;
          },
          write: (bytes) => {
            const byte = bytes.slice(0, 1);
            if (wrote === 1 && answer !== undefined) byte[0] = answer;
            wrote++;
            return stream.write(byte);
          },
        },
        accepts,
        [Purpose.channels, Purpose.node],
      ),
  );
}

Deno.test("the MACs cover the purpose and the nonce", async () => {
  for (const [at, flip] of [[5, Purpose.channels ^ Purpose.node], [20, 1]] as const) {
    const { acceptor, dialer } = await changing({ at, flip }, key);
    assertIsError(acceptor, ProtocolError, "it has a different secret");
    assertIsError(dialer, ProtocolError, "the other side has a different secret");
  }
});

Deno.test("the MACs cover the protection", async () => {
  const accepts = { ...key, protection: encrypted };
  const { dialer } = await changing({ at: 6, flip: plain ^ encrypted }, accepts);
  assertIsError(dialer, ProtocolError, "the other side encrypts, and this side does not");
  const both = await changing({ at: 6, flip: plain ^ encrypted, answer: plain }, accepts);
  assertIsError(both.acceptor, ProtocolError, "it has a different secret");
  assertIsError(both.dialer, ProtocolError, "the other side has a different secret");
});
