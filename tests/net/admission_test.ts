/**
 * Connections that authenticate with one byte, which is their identity; 0 is refused. Before that, they may
 * begin as peers do, with {@linkcode BEGUN}, and become known, with {@linkcode KNOWN}.
 */

// @ts-types="../../types/std_assert.d.ts"
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Admission, type AdmissionOptions } from "../../src/net/admission.ts";
import { ManualTimers } from "./manual_timers.ts";

const BEGUN = 255;
const KNOWN = 254;

interface Taken {
  readonly conn: Deno.Conn;
  readonly who: number;
}

class Fixture implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly taken: Taken[] = [];
  readonly admission: Admission<Deno.TcpConn, number>;
  /** The authentication of a connection waits for this after it has read. */
  gate: Promise<void> = Promise.resolve();
  /** How many have been asked who they are, and have their time for that. */
  asked = 0;
  /** How many have begun. */
  begun = 0;
  /** How many have reached that point. */
  reading = 0;
  readonly #port: number;
  readonly #conns: Deno.Conn[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(
    options: Partial<Pick<AdmissionOptions<Deno.Conn, number>, "clock">> & {
      max?: number;
      maxOfHost?: number;
      timeoutMs?: number;
      /** It accepts nothing before. */
      opened?: Promise<void>;
      /** So many connections were reset before they are accepted: what Linux says of each. */
      gone?: number;
    } = {},
  ) {
    const { max = 100, maxOfHost = max, timeoutMs = 60_000, clock } = options;
    const { opened = Promise.resolve() } = options;
    let { gone = 0 } = options;
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#port = listener.addr.port;
    this.admission = new Admission<Deno.TcpConn, number>({
      listener: {
        accept: async () => {
          await opened;
          if (gone-- > 0) throw new Deno.errors.NotConnected("Transport endpoint is not connected");
          return await listener.accept();
        },
        close: () => listener.close(),
      },
      max,
      maxOfHost,
      timeoutMs,
      ...(clock && { clock }),
      authenticate: async (conn, begun, known) => {
        this.asked++;
        this.#change();
        const byte = new Uint8Array(1);
        do {
          if (await conn.read(byte) === null) throw new Deno.errors.UnexpectedEof("it ended");
          if (byte[0] === KNOWN) known(60_000);
          else if (byte[0] === BEGUN) begun();
          else break;
          this.begun++;
          this.#change();
        } while (true);
        this.reading++;
        this.#change();
        await this.gate;
        if (byte[0] === 0) throw new Error("it is nobody");
        return byte[0]!;
      },
      take: (conn, who) => {
        this.taken.push({ conn, who });
        this.#change();
      },
      log: ({ host, line }) => {
        assertEquals(host, "127.0.0.1");
        this.lines.push(line);
        this.#change();
      },
    });
  }

  async connect(...who: number[]): Promise<Deno.Conn> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
    this.#conns.push(conn);
    if (who.length > 0) await conn.write(new Uint8Array(who));
    return conn;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#changed.promise;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admission.close();
    for (const conn of [...this.#conns, ...this.taken.map(({ conn }) => conn)]) conn.close();
  }
}

async function isClosed(conn: Deno.Conn): Promise<boolean> {
  try {
    return await conn.read(new Uint8Array(1)) === null;
  } catch (error) {
    // It was closed with unread bytes.
    return error instanceof Deno.errors.ConnectionReset;
  }
}

Deno.test("a connection is taken once it is authenticated, however long another one takes", async () => {
  await using fixture = new Fixture();
  const slow = await fixture.connect();
  await fixture.connect(2);
  await fixture.until(() => fixture.taken.length === 1);
  await slow.write(new Uint8Array([1]));
  await fixture.until(() => fixture.taken.length === 2);
  assertEquals(fixture.taken.map(({ who }) => who), [2, 1]);
  assertEquals(fixture.lines, []);
});

Deno.test("a connection that is known has its time from then on; another one is closed when its time is up", async () => {
  const timers = new ManualTimers();
  await using fixture = new Fixture({
    timeoutMs: 500,
    clock: timers.clock,
  });
  const known = await fixture.connect(KNOWN);
  await fixture.until(() => fixture.begun === 1);
  const stranger = await fixture.connect();
  await fixture.until(() => fixture.asked === 2);
  await timers.running(500);
  timers.pass(500);
  assert(await isClosed(stranger));
  await known.write(new Uint8Array([7]));
  await fixture.until(() => fixture.taken.length === 1);
  assertEquals(fixture.taken[0]!.who, 7);
  assertEquals(fixture.lines.length, 1);
});

Deno.test("at the limit, the oldest connection is closed, and those that have begun as peers do stay", async () => {
  await using fixture = new Fixture({ max: 3, maxOfHost: 3 });
  const begun = await fixture.connect(BEGUN);
  await fixture.until(() => fixture.begun === 1);
  const idle: Deno.Conn[] = [];
  for (let count = 0; count < 6; count++) idle.push(await fixture.connect());
  await fixture.connect(7);
  await fixture.until(() => fixture.taken.length === 1);
  // While it was unauthenticated, the admitted one was one of three.
  for (const conn of idle.slice(0, 5)) assert(await isClosed(conn));
  await idle[5]!.write(new Uint8Array([5]));
  await begun.write(new Uint8Array([6]));
  await fixture.until(() => fixture.taken.length === 3);
  assertEquals(new Set(fixture.taken.map(({ who }) => who)), new Set([7, 5, 6]));
  assertEquals(fixture.lines.length, 5);
  assertMatch(
    fixture.lines[0]!,
    /^refused a connection from 127\.0\.0\.1:\d+: .* too many unauthenticated connections$/,
  );
});

Deno.test("who has said all is not given up for the many that wait behind it", async () => {
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  await using fixture = new Fixture({ max: 64, opened });
  const silent = async () => {
    for (let count = 0; count < 200; count++) await fixture.connect();
  };
  await silent();
  const peer = await fixture.connect(7);
  await silent();
  open();
  assert(
    await Promise.race([isClosed(peer), fixture.until(() => fixture.taken.length === 1)]) !== true,
  );
  assertEquals(fixture.taken.map(({ who }) => who), [7]);
});

Deno.test("connections that are gone before they are accepted hold up nobody, and are no failure", async () => {
  await using fixture = new Fixture({ gone: 10_000 });
  await fixture.connect(7);
  await fixture.until(() => fixture.taken.length === 1);
  assertEquals(fixture.lines, []);
  assertEquals(fixture.admission.refusals, 0);
});

Deno.test("a connection that does not authenticate in time is closed, and logged", async () => {
  await using fixture = new Fixture({ timeoutMs: 50 });
  assert(await isClosed(await fixture.connect()));
  await fixture.until(() => fixture.lines.length === 1);
  assertMatch(fixture.lines[0]!, /: it did not authenticate within 0\.05 s$/);
});

Deno.test("a connection that cannot authenticate is closed, with a line for the log; one that just ends has none", async () => {
  await using fixture = new Fixture();
  assert(await isClosed(await fixture.connect(0)));
  const ended = await fixture.connect() as Deno.TcpConn;
  await ended.closeWrite();
  assert(await isClosed(ended));
  await fixture.connect(4);
  await fixture.until(() => fixture.taken.length === 1);
  assertEquals(fixture.lines.map((line) => line.replace(/:\d+/, "")), [
    "refused a connection from 127.0.0.1: it is nobody",
  ]);
  assertEquals(fixture.admission.refusals, 1);
});

Deno.test("close() closes unauthenticated connections, without a line, and no others", async () => {
  await using fixture = new Fixture();
  const idle = await fixture.connect();
  const known = await fixture.connect(3, 9);
  await fixture.until(() => fixture.taken.length === 1);
  await fixture.admission.close();
  assert(await isClosed(idle));
  const byte = new Uint8Array(1);
  await fixture.taken[0]!.conn.read(byte);
  assertEquals(byte[0], 9);
  await fixture.taken[0]!.conn.write(byte);
  await known.read(byte);
  assertEquals(fixture.lines, []);
});

Deno.test("close() resolves when no authentication is under way any more, and its connection is closed", async () => {
  const fixture = new Fixture();
  const gate = Promise.withResolvers<void>();
  fixture.gate = gate.promise;
  const conn = await fixture.connect(5);
  await fixture.until(() => fixture.reading === 1);
  let closed = false;
  const closing = fixture.admission.close().then(() => closed = true);
  assert(await isClosed(conn));
  assertEquals(closed, false);
  gate.resolve();
  await closing;
  assertEquals(fixture.taken, []);
  await fixture[Symbol.asyncDispose]();
});
