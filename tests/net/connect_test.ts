// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createLogger, type Logger } from "../../src/core/logger.ts";
import {
  ConnectError,
  type Credential,
  credentialOf,
  dialPart,
  loadCredential,
  loadSecret,
  PartServer,
  requireSecret,
  SecretError,
} from "../../src/net/connect.ts";
import { invitationText } from "../../src/fabric/secret_file.ts";
import { HANDSHAKE_TIMEOUT_MS, PROTOCOL_VERSION, Purpose } from "../../src/net/protocol.ts";
import { isReadByOthers } from "../../src/net/credential.ts";
import { formatSecret, newSecret } from "../../src/net/secret.ts";
import { ListenError } from "../../src/net/part_server.ts";
import { closedPort } from "./closed_port.ts";
import { OTHER_TLS } from "./other_tls.ts";
import type { Transport } from "../../src/net/transport.ts";

const secret = { bytes: new Uint8Array(32).fill(1), open: false };
const credential = await credentialOf(secret);
const plain = await credentialOf(secret, { plain: true });
const other = { bytes: new Uint8Array(32).fill(2), open: false };
const otherSecret = await credentialOf(other);
const otherPlain = await credentialOf(other, { plain: true });
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
): PartServer & { conns: Transport[] } {
  const conns: Transport[] = [];
  const server = new PartServer({
    address: { host: "127.0.0.1", port: options.port ?? 0 },
    credential: options.credential ?? credential,
    handlers: { [Purpose.node]: (conn) => conns.push(conn) },
    logger,
  });
  return Object.assign(server, { conns });
}

for (
  const [how, own] of [["encrypted", credential], ["plain", plain], ["open", noSecret]] as const
) {
  Deno.test(`dialPart() connects to a PartServer that has the same secret: ${how}`, async () => {
    const { logger, all } = lines();
    await using server = serve(logger, { credential: own });
    const conn = await dialPart(server.address, Purpose.node, own);
    await conn.write(new Uint8Array([7]));
    while (server.conns.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const [accepted] = server.conns;
    const buffer = new Uint8Array(1);
    await accepted!.read(buffer);
    assertEquals(buffer[0], 7);
    await accepted!.write(new Uint8Array([8]));
    await conn.read(buffer);
    assertEquals(buffer[0], 8);
    conn.close();
    assertEquals(await accepted!.read(buffer), null);
    accepted!.close();
    assertEquals(all, []);
  });
}

const plainHere = "the other side encrypts, and this side does not: give --plain to every part";
const plainThere = "the other side does not encrypt, and this side does: give --plain to every";
const noneHere = "the other side has a secret, and this side has none: give it one with";
const noneThere = "the other side has no secret, and this side has one";
const different = "the other side has a different secret";
const itDiffers = "it has a different secret";
// A side that encrypts cannot read why the other one does not.
const notTls =
  "it does not encrypt, which this side requires: it is another program, has no secret, or";

for (
  const { name, server, dialer, said } of [
    {
      name: "the dialer has a different secret",
      server: credential,
      dialer: otherSecret,
      said: [different, itDiffers],
    },
    {
      name: "the dialer has a different secret, and neither encrypts",
      server: plain,
      dialer: otherPlain,
      said: [different, itDiffers],
    },
    {
      name: "the dialer has none",
      server: credential,
      dialer: noSecret,
      said: [noneHere, notTls],
    },
    {
      name: "the dialer has none, and the server does not encrypt",
      server: plain,
      dialer: noSecret,
      said: [noneHere, noneThere],
    },
    {
      name: "the server has none",
      server: noSecret,
      dialer: credential,
      said: [noneThere, noneHere],
    },
    {
      name: "the server has none, and the dialer does not encrypt",
      server: noSecret,
      dialer: plain,
      said: [noneThere, noneHere],
    },
    {
      name: "only the server encrypts",
      server: credential,
      dialer: plain,
      said: [plainHere, notTls],
    },
    {
      name: "only the dialer encrypts",
      server: plain,
      dialer: credential,
      said: [plainThere, plainHere],
    },
  ]
) {
  Deno.test(`dialPart() and PartServer each say in one line that ${name}`, async () => {
    const { logger, next, all } = lines();
    const listening = serve(logger, { credential: server });
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
    await listening.close();
    assertEquals(all.length, 1);
  });
}

Deno.test("dialPart() and PartServer each say in one line that the other has another version", async () => {
  const { logger, next } = lines();
  await using server = serve(logger, { credential: plain });
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

  for (const own of [plain, credential]) {
    using listener = listenFor(new Uint8Array([PROTOCOL_VERSION + 1, 0]));
    const dialing = dialPart(listener.address, Purpose.node, own);
    await assertRejects(() => dialing, ConnectError, `it speaks version ${PROTOCOL_VERSION + 1}`);
  }
});

/** Answers the first bytes of each connection with these, and closes it. */
function listenFor(answer: Uint8Array): Disposable & { address: { host: string; port: number } } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (): Promise<void> => {
    for await (const conn of listener) {
      await conn.read(new Uint8Array(1024));
      await conn.write(answer);
      conn.close();
    }
  };
  void serve();
  return {
    address: { host: "127.0.0.1", port: listener.addr.port },
    [Symbol.dispose]: () => listener.close(),
  };
}

Deno.test("PartServer drops invalid handshakes", async () => {
  const { logger, next } = lines();
  await using server = serve(logger, { credential: plain });
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.address.port });
  await conn.write(crypto.getRandomValues(new Uint8Array(1024)).fill(255, 0, 1));
  // It was closed with unread bytes, so it ends or is reset.
  await conn.read(new Uint8Array(1)).catch(() => null);
  conn.close();
  assert((await next()).includes("its first bytes are not of this protocol"));
});

Deno.test("PartServer drops other purposes", async () => {
  const { logger, next } = lines();
  await using server = serve(logger, { credential: plain });
  await assertRejects(() => dialPart(server.address, Purpose.deploy, plain), ConnectError);
  assert((await next()).includes("it asked for an unknown service"));
});

Deno.test("PartServer logs one line about a host, whatever it tries", async () => {
  const { logger, next, all } = lines();
  await using server = serve(logger);
  for (const other of [otherSecret, noSecret, otherSecret]) {
    await assertRejects(() => dialPart(server.address, Purpose.node, other), ConnectError);
  }
  await next();
  assertEquals(all.length, 1);
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

// Chaos, seed 502: the master had a connection to a node that was closed already, and ended when it closed that again.
Deno.test("dialPart() gives no connection whose time was up while the last proof was checked", async () => {
  const { logger } = lines();
  await using server = serve(logger);
  const { setTimeout } = globalThis;
  const { verify } = crypto.subtle;
  let timeIsUp = (): void => {};
  let proofs = 0;
  globalThis.setTimeout = ((work: () => void, ms?: number) => {
    if (ms === HANDSHAKE_TIMEOUT_MS) timeIsUp = work;
    return setTimeout(work, ms);
  }) as typeof setTimeout;
  crypto.subtle.verify = async (...args: Parameters<typeof verify>) => {
    const isRight = await verify.apply(crypto.subtle, args);
    if (++proofs === 2) timeIsUp(); // the first one is what this side has sent
    return isRight;
  };
  try {
    const error = await assertRejects(
      () => dialPart(server.address, Purpose.node, credential),
      ConnectError,
    );
    assertEquals(error.why, "what listens there did not answer within 5 s");
    assertEquals(error.isSilence, true);
  } finally {
    globalThis.setTimeout = setTimeout;
    crypto.subtle.verify = verify;
  }
  for (const conn of server.conns) conn.close();
});

Deno.test("dialPart() says that another program listens there, and that it is an HTTP server", async () => {
  const table = [
    ["HTTP/1.1 400 Bad Request\r\n\r\n", "an HTTP server listens there"],
    ["H", "another program listens there"],
    ["SSH-2.0-OpenSSH_9.2\r\n", "another program listens there"],
    ["", "it closed the connection without an answer"],
  ] as const;
  for (const own of [plain, credential]) {
    for (const [answer, why] of table) {
      using listener = listenFor(new TextEncoder().encode(answer));
      const dialing = dialPart(listener.address, Purpose.deploy, own);
      const error = await assertRejects(() => dialing, ConnectError);
      assertEquals(error.why, why);
    }
  }
});

Deno.test("dialPart() says that another program listens there, with TLS", async () => {
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...OTHER_TLS });
  const accepting = listener.accept();
  const address = { host: "127.0.0.1", port: listener.addr.port };
  const failing = assertRejects(
    () => dialPart(address, Purpose.deploy, credential),
    ConnectError,
  );
  const conn = await accepting;
  await assertRejects(() => conn.read(new Uint8Array(1)), Error, "fatal alert");
  conn.close();
  const error = await failing;
  assertEquals(error.why, "another program listens there, with TLS");
});

// Chaos, seed 661: the master ended when a node was killed just when it had been connected to.
Deno.test("dialPart() to a part that is killed just when the connection is there says that nothing listens there", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { connect: real } = Deno;
  const killing = async (to: Deno.ConnectOptions): Promise<Deno.TcpConn> => {
    const conn = await real(to);
    const there = await listener.accept();
    // What is written to it now resets the connection.
    there.close();
    listener.close();
    const writing = async (): Promise<never> => {
      for (;;) await conn.write(new Uint8Array(1));
    };
    await assertRejects(writing, Deno.errors.BrokenPipe);
    Object.assign(Deno, { connect: real });
    return conn;
  };
  const address = { host: "127.0.0.1", port: listener.addr.port };
  Object.assign(Deno, { connect: killing });
  try {
    await assertRejects(
      () => dialPart(address, Purpose.node, credential),
      ConnectError,
      "nothing listens there",
    );
  } finally {
    Object.assign(Deno, { connect: real });
  }
});

Deno.test("dialPart() reports that nothing listens there", async () => {
  using closed = await closedPort();
  const { port } = closed;
  const error = await assertRejects(
    () => dialPart({ host: "127.0.0.1", port }, Purpose.deploy, credential),
    ConnectError,
  );
  assertEquals(
    error.message,
    `Cannot connect to the bridge at 127.0.0.1:${port}: nothing listens there`,
  );
});

for (const [how, own] of [["encrypted", credential], ["plain", plain]] as const) {
  Deno.test(`dialPart() stops when its signal is aborted: ${how}`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepting = listener.accept();
    const aborting = new AbortController();
    const address = { host: "127.0.0.1", port: listener.addr.port };
    const dialing = dialPart(address, Purpose.node, own, { signal: aborting.signal });
    const failing = assertRejects(() => dialing, Error, "enough");
    const conn = await accepting;
    const buffer = new Uint8Array(64);
    await conn.read(buffer); // it waits for an answer
    aborting.abort(new Error("enough"));
    await failing;
    // Deno keeps a connection in the middle of a TLS handshake until the other side ends it.
    if (own === plain) { while (await conn.read(buffer) !== null); }
    conn.close();
  });
}

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
  const bytes = newSecret();
  await withFile(`  ${await formatSecret(bytes)}\n`, 0o600, async (secretFile) => {
    assertEquals(await loadSecret({ secretFile, logger }), { bytes, open: false });
    const otherwise = "/nowhere/secret";
    assertEquals(await loadSecret({ secretFile, otherwise, logger }), { bytes, open: false });
    assertEquals(await loadSecret({ otherwise: secretFile, logger }), { bytes, open: false });
  });
  assertEquals(all, []);
});

/** The invitation of somebody to the cluster with that secret, as their `deploy` loads it. */
async function invited(name: string, by: Uint8Array<ArrayBuffer>, plain: boolean) {
  const { logger } = lines();
  const files = Promise.withResolvers<Credential>();
  await withFile(await formatSecret(by), 0o600, async (secretFile) => {
    const text = await invitationText(name, { secretFile, logger });
    await withFile(`${text}\n`, 0o600, async (secretFile) => {
      files.resolve(await loadCredential({ secretFile, plain, logger }));
    });
  });
  return await files.promise;
}

for (const [how, own] of [["encrypted", credential], ["plain", plain]] as const) {
  Deno.test(`who has an invitation is told to the handler by name, and only deploys: ${how}`, async () => {
    const { logger, next } = lines();
    const isPlain = own === plain;
    const taken = Promise.withResolvers<{ conn: Transport; who: string | undefined }>();
    await using server = new PartServer({
      address: { host: "127.0.0.1", port: 0 },
      credential: { ...own, denied: new Set(["carl"]) },
      handlers: {
        [Purpose.node]: (conn) => conn.close(),
        [Purpose.deploy]: (conn, _remote, who) => taken.resolve({ conn, who }),
      },
      logger,
    });
    const anna = await invited("anna", secret.bytes, isPlain);
    const conn = await dialPart(server.address, Purpose.deploy, anna);
    const { conn: accepted, who } = await taken.promise;
    assertEquals(who, "anna");
    const buffer = new Uint8Array(1);
    await conn.write(new Uint8Array([7]));
    await accepted.read(buffer);
    await accepted.write(buffer);
    assertEquals([await conn.read(buffer), buffer[0]], [1, 7]);
    for (const end of [conn, accepted]) end.close();

    await assertRejects(
      () => dialPart(server.address, Purpose.node, anna),
      ConnectError,
      "it closed the connection without an answer",
    );
    assert((await next()).includes("it has an invitation, which permits deploying only"));
    const carl = await invited("carl", secret.bytes, isPlain);
    await assertRejects(
      () => dialPart(server.address, Purpose.deploy, carl),
      ConnectError,
      "the invitation of carl was taken back",
    );
    const elsewhere = await invited("anna", other.bytes, isPlain);
    await assertRejects(
      () => dialPart(server.address, Purpose.deploy, elsewhere),
      ConnectError,
      different,
    );
  });
}

Deno.test("nobody can listen with an invitation as a part that encrypts, nor derive that of others", async () => {
  const anna = await invited("anna", secret.bytes, false);
  assertThrows(() => serve(lines().logger, { credential: anna }), ListenError);
  assertEquals([anna.invited, anna.keyOf], ["anna", undefined]);
});

Deno.test("loadSecret() has no secret if none is named, and the other file does not exist", async () => {
  const { logger } = lines();
  assertEquals((await loadSecret({ otherwise: "/nowhere/secret", logger })).open, true);
  assertEquals((await loadSecret({ logger })).open, true);
});

Deno.test("other users may read a secret unless it is for its owner alone, or systemd gives it to a service", () => {
  const folder = "/run/credentials/fabric.service";
  const given = `${folder}/cluster.secret`;
  for (
    const [path, mode, serviceFolder, expected] of [
      [given, 0o600, undefined, false],
      [given, 0o400, undefined, false],
      [given, 0o440, undefined, true],
      [given, 0o440, "", true],
      [given, 0o440, folder, false],
      [given, 0o444, folder, true],
      [given, 0o460, folder, true],
      ["/etc/secret", 0o440, folder, true],
      [`${folder}/in/it`, 0o440, folder, true],
      [given, null, undefined, false],
    ] as const
  ) {
    const said = `${path} ${mode?.toString(8)} ${serviceFolder}`;
    assertEquals(isReadByOthers(path, mode, serviceFolder), expected, said);
  }
});

Deno.test("loadSecret() warns of a file that others may read", async () => {
  const { logger, all } = lines();
  await withFile(await formatSecret(newSecret()), 0o644, async (secretFile) => {
    await loadSecret({ secretFile, logger });
  });
  assertEquals(all.length, 1);
  assert(all[0]!.includes("chmod 600"));
});

Deno.test("loadSecret() refuses a text that is no secret, is too large, or missing", async () => {
  const { logger } = lines();
  const damaged = (await formatSecret(newSecret())).slice(0, -1);
  for (
    const [text, said] of [
      ["", "fabric secret FILE"],
      ["0123456789abcdef", "fabric secret FILE"],
      [damaged, "copy the file again"],
      ["x".repeat(5_000), "5000 bytes long"],
    ] as const
  ) {
    await withFile(text, 0o600, async (secretFile) => {
      const error = await assertRejects(
        () => loadSecret({ secretFile, logger }),
        SecretError,
        said,
      );
      assert(text === "" || !error.message.includes(text));
    });
  }
  const secretFile = "/nowhere/secret";
  await assertRejects(() => loadSecret({ secretFile, logger }), SecretError, "fabric secret FILE");
});

Deno.test("requireSecret() lets nothing listen without a secret, unless that is insisted on", () => {
  const { logger, all } = lines();
  const check = (open: boolean, hosts: string[], insecure = false) =>
    requireSecret({ open }, hosts.map((host) => ({ host, port: 1 })), { insecure, logger });
  check(false, ["10.0.0.1", "127.0.0.1"]);
  for (const host of ["127.0.0.1", "::1", "localhost", "10.0.0.1"]) {
    assertThrows(() => check(true, [host]), SecretError, "fabric secret FILE");
  }
  assertEquals(all, []);
  check(true, ["10.0.0.1", "::1", "10.0.0.1"], true);
  assertEquals(all.length, 1);
  assert(all[0]!.includes("anyone who can reach 10.0.0.1 or [::1] can run programs"), all[0]);
});
