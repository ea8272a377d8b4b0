// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createLogger, type Logger } from "../../src/core/logger.ts";
import {
  ConnectError,
  credentialOf,
  dialPart,
  loadSecret,
  PartServer,
  requireSecret,
  SecretError,
} from "../../src/net/connect.ts";
import { type Credential, PROTOCOL_VERSION, Purpose } from "../../src/net/handshake.ts";
import { ListenError } from "../../src/net/part_server.ts";

const credential = await credentialOf({ bytes: new Uint8Array(32).fill(1), open: false });
const otherSecret = await credentialOf({ bytes: new Uint8Array(32).fill(2), open: false });
const noSecret = await credentialOf({ bytes: new Uint8Array(32).fill(3), open: true });

/** A logger, and a promise for its next line. */
function lines(): { logger: Logger; next: () => Promise<string>; all: string[] } {
  const all: string[] = [];
  let read = 0;
  let changed = Promise.withResolvers<void>();
  const logger = createLogger("warn", (line) => {
    all.push(line.trimEnd());
    changed.resolve();
    changed = Promise.withResolvers();
  });
  const next = async () => {
    while (all.length === read) await changed.promise;
    return all[read++]!;
  };
  return { logger, next, all };
}

function serve(
  logger: Logger,
  options: { credential?: Credential; port?: number } = {},
): PartServer & { conns: Deno.Conn[] } {
  const conns: Deno.Conn[] = [];
  const server = new PartServer({
    address: { host: "127.0.0.1", port: options.port ?? 0 },
    credential: options.credential ?? credential,
    handlers: { [Purpose.node]: (conn) => conns.push(conn) },
    logger,
  });
  return Object.assign(server, { conns });
}

Deno.test("dialPart() connects to a PartServer that has the same secret", async () => {
  const { logger, all } = lines();
  await using server = serve(logger);
  const conn = await dialPart(server.address, Purpose.node, credential);
  await conn.write(new Uint8Array([7]));
  while (server.conns.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const [accepted] = server.conns;
  const buffer = new Uint8Array(1);
  await accepted!.read(buffer);
  assertEquals(buffer[0], 7);
  conn.close();
  accepted!.close();
  assertEquals(all, []);
});

for (
  const { name, server, dialer, said } of [
    {
      name: "the dialer has a different secret",
      server: credential,
      dialer: otherSecret,
      said: ["the other side has a different secret", "it has a different secret"],
    },
    {
      name: "the dialer has none",
      server: credential,
      dialer: noSecret,
      said: ["this side has none", "the other side has no secret"],
    },
    {
      name: "the server has none",
      server: noSecret,
      dialer: credential,
      said: ["the other side has no secret", "this side has none"],
    },
  ]
) {
  Deno.test(`dialPart() and PartServer each say in one line that ${name}`, async () => {
    const { logger, next } = lines();
    await using listening = serve(logger, { credential: server });
    const error = await assertRejects(
      () => dialPart(listening.address, Purpose.node, dialer),
      ConnectError,
      said[0],
    );
    const { port } = listening.address;
    assert(error.message.startsWith(`Cannot connect to the node at 127.0.0.1:${port}: `));
    const line = await next();
    assert(line.includes(said[1]!), line);
    assert(line.startsWith("deploy: warn: refused a connection from 127.0.0.1:"), line);
  });
}

Deno.test("dialPart() and PartServer each say in one line that the other has another version", async () => {
  const { logger, next } = lines();
  await using server = serve(logger);
  const old = await Deno.connect({ hostname: "127.0.0.1", port: server.address.port });
  const hello = new Uint8Array(39);
  hello.set(new TextEncoder().encode("DPLY"));
  hello[4] = PROTOCOL_VERSION + 1;
  await old.write(hello);
  const answer = new Uint8Array(2);
  await old.read(answer);
  assertEquals(answer[0], PROTOCOL_VERSION);
  assert((await next()).includes(`it speaks version ${PROTOCOL_VERSION + 1} of the protocol`));
  old.close();

  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const address = { host: "127.0.0.1", port: listener.addr.port };
  const dialing = dialPart(address, Purpose.node, credential);
  const conn = await accepting;
  await conn.write(new Uint8Array([PROTOCOL_VERSION + 1, 0]));
  await assertRejects(() => dialing, ConnectError, `it speaks version ${PROTOCOL_VERSION + 1}`);
  conn.close();
});

Deno.test("PartServer drops invalid handshakes and other purposes", async () => {
  const { logger, next } = lines();
  await using server = serve(logger);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.address.port });
  await conn.write(crypto.getRandomValues(new Uint8Array(1024)));
  // It was closed with unread bytes, so it ends or is reset.
  await conn.read(new Uint8Array(1)).catch(() => null);
  conn.close();
  assert((await next()).includes("its first bytes are not of this protocol"));
  await assertRejects(() => dialPart(server.address, Purpose.deploy, credential), ConnectError);
  assert((await next()).includes("it asked for an unknown service"));
});

Deno.test("PartServer logs the same line about the same host only once in a while", async () => {
  const { logger, next, all } = lines();
  await using server = serve(logger);
  for (let count = 0; count < 3; count++) {
    await assertRejects(() => dialPart(server.address, Purpose.node, otherSecret), ConnectError);
  }
  await next();
  await assertRejects(() => dialPart(server.address, Purpose.node, noSecret), ConnectError);
  await next();
  assertEquals(all.length, 2);
});

Deno.test("dialPart() says which other part of a cluster listens there", async () => {
  const table = [
    [[Purpose.node, Purpose.arg], Purpose.deploy, "it is a node, not a bridge; the address of"],
    [[Purpose.node, Purpose.join], Purpose.deploy, "it is a master, not a bridge; the address of"],
    [[Purpose.deploy, Purpose.run], Purpose.node, "it is a bridge, not a node"],
    [[Purpose.node], Purpose.join, "it is a node, not a master"],
  ] as const;
  for (const [served, wanted, said] of table) {
    const { logger } = lines();
    const handlers = Object.fromEntries(served.map((purpose) => [purpose, () => {}]));
    const where = { host: "127.0.0.1", port: 0 };
    await using server = new PartServer({ address: where, credential, handlers, logger });
    const error = await assertRejects(
      () => dialPart(server.address, wanted, credential),
      ConnectError,
    );
    assert(error.why.startsWith(said), error.why);
  }
});

Deno.test("dialPart() says that another program listens there, and that it is an HTTP server", async () => {
  const table = [
    ["HTTP/1.1 400 Bad Request\r\n\r\n", "an HTTP server listens there"],
    ["H", "another program listens there"],
    ["SSH-2.0-OpenSSH_9.2\r\n", "another program listens there"],
    ["", "it closed the connection without an answer"],
  ] as const;
  for (const [answer, why] of table) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepting = listener.accept();
    const address = { host: "127.0.0.1", port: listener.addr.port };
    const dialing = dialPart(address, Purpose.deploy, credential);
    const conn = await accepting;
    await conn.read(new Uint8Array(64));
    await conn.write(new TextEncoder().encode(answer));
    conn.close();
    const error = await assertRejects(() => dialing, ConnectError);
    assertEquals(error.why, why);
  }
});

Deno.test("dialPart() reports that nothing listens there", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(
    () => dialPart({ host: "127.0.0.1", port }, Purpose.deploy, credential),
    ConnectError,
  );
  assertEquals(
    error.message,
    `Cannot connect to the bridge at 127.0.0.1:${port}: nothing listens there`,
  );
});

Deno.test("dialPart() stops when its signal is aborted, and leaves nothing open", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const aborting = new AbortController();
  const address = { host: "127.0.0.1", port: listener.addr.port };
  const dialing = dialPart(address, Purpose.node, credential, { signal: aborting.signal });
  const conn = await accepting;
  aborting.abort(new Error("enough"));
  await assertRejects(() => dialing, Error, "enough");
  const buffer = new Uint8Array(64);
  while (await conn.read(buffer) !== null);
  conn.close();
});

Deno.test("PartServer throws a ListenError with one line when the port is taken", async () => {
  const { logger } = lines();
  await using server = serve(logger);
  assertThrows(() => serve(logger, { port: server.address.port }), ListenError, "already");
});

async function withFile(text: string, mode: number, use: (path: string) => Promise<void>) {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    await Deno.chmod(path, mode);
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("loadSecret() reads a file without the white space around it", async () => {
  const { logger, all } = lines();
  await withFile("  0123456789abcdef\n", 0o600, async (secretFile) => {
    const secret = await loadSecret({ secretFile, logger });
    assertEquals(new TextDecoder().decode(secret.bytes), "0123456789abcdef");
    assertEquals(secret.open, false);
  });
  assertEquals(all, []);
});

Deno.test("loadSecret() warns of a file that others may read", async () => {
  const { logger, all } = lines();
  await withFile("0123456789abcdef", 0o644, async (secretFile) => {
    await loadSecret({ secretFile, logger });
  });
  assertEquals(all.length, 1);
  assert(all[0]!.includes("chmod 600"));
});

Deno.test("loadSecret() refuses a secret that is too short, too large, or missing", async () => {
  const { logger } = lines();
  for (const text of ["", "0123456789abcde", "x".repeat(5_000)]) {
    await withFile(text, 0o600, async (secretFile) => {
      await assertRejects(() => loadSecret({ secretFile, logger }), SecretError, "bytes");
    });
  }
  const secretFile = "/nowhere/secret";
  await assertRejects(() => loadSecret({ secretFile, logger }), SecretError, "fabric secret FILE");
});

Deno.test("requireSecret() lets only loopback addresses go without a secret", () => {
  const at = (...hosts: string[]) => hosts.map((host) => ({ host, port: 1 }));
  const { logger, all } = lines();
  const check = (open: boolean, hosts: string[], insecure = false) =>
    requireSecret({ open }, at(...hosts), { insecure, logger });
  check(true, ["127.0.0.1", "::1", "localhost", "127.1.2.3"]);
  check(false, ["10.0.0.1", "0.0.0.0", "::"]);
  for (const host of ["10.0.0.1", "0.0.0.0", "::", "example.org", "127.0.0.1.example.org"]) {
    assertThrows(() => check(true, ["127.0.0.1", host]), SecretError, "fabric secret FILE");
  }
  assertEquals(all, []);
  check(true, ["10.0.0.1"], true);
  assertEquals(all.length, 1);
});
