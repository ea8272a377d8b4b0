// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { certificatesOf } from "../../src/net/certificates.ts";
import { type Certificates, CERTIFIED_NAME } from "../../src/net/encryption.ts";

const secret = new Uint8Array(32).fill(1);
const mine = await certificatesOf(secret);
const same = await certificatesOf(secret);
const other = await certificatesOf(new Uint8Array(32).fill(2));

Deno.test("the same secret gives the same authority, and each time another certificate", () => {
  assertEquals(mine.authority, same.authority);
  assertNotEquals(mine.own.cert, same.own.cert);
  assertNotEquals(mine.own.key, same.own.key);
  assertNotEquals(mine.authority, other.authority);
});

Deno.test("of an authority, only the public key and the signature depend on the secret", () => {
  const [one, two] = [mine, other].map(({ authority }) =>
    Uint8Array.fromBase64(authority.replaceAll(/-.*-|\n/g, ""))
  );
  assertEquals(one!.length, two!.length);
  const different = one!.keys().filter((index) => one![index] !== two![index]).toArray();
  assert(different.length > 64 && different.length <= 32 + 64, String(different.length));
});

/** Connects to one that has `acceptor`, as one that has `dialer`. */
async function meet(acceptor: Certificates, dialer: Certificates, hostname: string): Promise<void> {
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...acceptor.own });
  const accepting = listener.accept();
  const plain = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const dialed = await Deno.startTls(plain, { hostname, caCerts: [dialer.authority] });
  using accepted = await accepting;
  const served = accepted.read(new Uint8Array(1)).catch(() => null); // the dialer says why
  try {
    await dialed.handshake();
    await dialed.write(new Uint8Array(1));
  } finally {
    dialed.close();
    await served;
  }
}

Deno.test("members with the same secret trust each other's certificates, and nobody else's", async () => {
  await meet(mine, same, CERTIFIED_NAME);
  await meet(same, mine, CERTIFIED_NAME);
  await assertRejects(() => meet(mine, other, CERTIFIED_NAME), Error, "invalid peer certificate");
  await assertRejects(() => meet(other, mine, CERTIFIED_NAME), Error, "invalid peer certificate");
  await assertRejects(() => meet(mine, same, "example.org"), Error, "invalid peer certificate");
});
