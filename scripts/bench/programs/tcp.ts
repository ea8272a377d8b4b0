/**
 * The equivalent of `channels.ts` by hand: bytes over one TCP connection between two processes, with TLS or
 * without.
 */

import { decode } from "../../../src/codec/value_decoder.ts";
import { encodeInto } from "../../../src/codec/value_encoder.ts";
import { certificatesOf } from "../../../src/net/certificates.ts";
import { CERTIFIED_NAME } from "../../../src/net/encryption.ts";
import { answer, median } from "./answer.ts";
import {
  ARRAY_BYTES,
  arrayRate,
  ARRAYS,
  messageRate,
  MESSAGES,
  ROUND_TRIP_BYTES,
  ROUND_TRIPS,
} from "./sizes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Messages are collected up to this many bytes, and written at once. */
const WRITE_BYTES = 64 * 1024;
const LENGTH_BYTES = 4;
/** More than any one message. */
const MESSAGE_ROOM_BYTES = 256;

/** What one of the two processes does on its end. */
interface Kind {
  /** Runs in the process that is asked. */
  measure(conn: Deno.Conn): Promise<number>;
  /** Runs in the other one; resolves when the connection has ended. */
  serve(conn: Deno.Conn): Promise<void>;
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Fills `bytes`; false if the connection ended instead. */
async function readAll(conn: Deno.Conn, bytes: Uint8Array): Promise<boolean> {
  for (let at = 0; at < bytes.length;) {
    const count = await conn.read(bytes.subarray(at));
    if (count === null) return false;
    at += count;
  }
  return true;
}

const roundTrips: Kind = {
  async measure(conn) {
    const [value, back] = [new Uint8Array(ROUND_TRIP_BYTES), new Uint8Array(ROUND_TRIP_BYTES)];
    const times = new Float64Array(ROUND_TRIPS);
    for (let trip = 0; trip < ROUND_TRIPS; trip++) {
      const start = performance.now();
      await writeAll(conn, value);
      await readAll(conn, back);
      times[trip] = performance.now() - start;
    }
    return median(times) * 1e3;
  },
  async serve(conn) {
    const value = new Uint8Array(ROUND_TRIP_BYTES);
    while (await readAll(conn, value)) await writeAll(conn, value);
  },
};

const messages: Kind = {
  async measure(conn) {
    const buffer: Bytes = new Uint8Array(WRITE_BYTES + MESSAGE_ROOM_BYTES);
    const view = new DataView(buffer.buffer);
    const start = performance.now();
    let end = 0;
    for (let i = 0; i < MESSAGES; i++) {
      const from = end + LENGTH_BYTES;
      end = encodeInto({ i, s: "hello" }, buffer, from);
      view.setUint32(from - LENGTH_BYTES, end - from);
      if (end < WRITE_BYTES) continue;
      await writeAll(conn, buffer.subarray(0, end));
      end = 0;
    }
    await writeAll(conn, buffer.subarray(0, end));
    await readAll(conn, new Uint8Array(1));
    return messageRate(performance.now() - start);
  },
  async serve(conn) {
    const buffer: Bytes = new Uint8Array(WRITE_BYTES + MESSAGE_ROOM_BYTES);
    const view = new DataView(buffer.buffer);
    let [begin, end, taken] = [0, 0, 0];
    for (;;) {
      buffer.copyWithin(0, begin, end);
      [begin, end] = [0, end - begin];
      const count = await conn.read(buffer.subarray(end));
      if (count === null) return;
      end += count;
      while (end - begin >= LENGTH_BYTES) {
        const from = begin + LENGTH_BYTES;
        const next = from + view.getUint32(begin);
        if (next > end) break;
        const { i } = decode(buffer.subarray(from, next)) as { i: number };
        if (i !== taken) throw new Error("A message is missing");
        begin = next;
        if (++taken === MESSAGES) {
          taken = 0;
          await writeAll(conn, new Uint8Array(1));
        }
      }
    }
  },
};

/** Reads arrays, each into the buffer that `place` gives, and reports when all have arrived. */
function arraysTo(place: () => Uint8Array): Kind {
  return {
    async measure(conn) {
      const value = new Uint8Array(ARRAY_BYTES).fill(7);
      const start = performance.now();
      for (let sent = 0; sent < ARRAYS; sent++) await writeAll(conn, value);
      await readAll(conn, new Uint8Array(1));
      return arrayRate(performance.now() - start);
    },
    async serve(conn) {
      for (;;) {
        for (let taken = 0; taken < ARRAYS; taken++) {
          if (!await readAll(conn, place())) return;
        }
        await writeAll(conn, new Uint8Array(1));
      }
    },
  };
}

const reused = new Uint8Array(ARRAY_BYTES);

/** A connection, and the first byte on it. */
const firsts: Kind = {
  async measure() {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const start = performance.now();
    const [accepted, dialled] = await Promise.all([
      listener.accept().then(async (conn) => {
        await writeAll(conn, new Uint8Array(1));
        return conn;
      }),
      Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    ]);
    await readAll(dialled, new Uint8Array(1));
    const ms = performance.now() - start;
    accepted.close();
    dialled.close();
    return ms;
  },
  async serve(conn) {
    await readAll(conn, new Uint8Array(1));
  },
};

const KINDS = {
  roundTrips,
  firsts,
  messages,
  /** Each array overwrites the one before it. */
  arrays: arraysTo(() => reused),
  /** Each array is a new one that the program could keep, as with a channel. */
  newArrays: arraysTo(() => new Uint8Array(ARRAY_BYTES)),
};

/** What both processes make certificates from: nothing is secret here. */
const SECRET = new Uint8Array(32);

/** How two processes are connected; the one that listens measures. */
const TRANSPORTS = {
  async tcp(port: number): Promise<Deno.Conn> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conn.setNoDelay(true);
    return conn;
  },
  async tls(port: number): Promise<Deno.Conn> {
    const caCerts = [(await certificatesOf(SECRET)).authority];
    const options = { hostname: CERTIFIED_NAME, caCerts };
    const conn = await Deno.startTls(await TRANSPORTS.tcp(port) as Deno.TcpConn, options);
    await conn.handshake();
    // The acceptor's tickets arrive meanwhile: its first write would wait for their acknowledgement.
    await new Promise((resolve) => setTimeout(resolve, 5));
    return conn;
  },
};

async function listen(transport: keyof typeof TRANSPORTS): Promise<Deno.Listener> {
  const at = { hostname: "127.0.0.1", port: 0 };
  return transport === "tcp"
    ? Deno.listen(at)
    : Deno.listenTls({ ...at, ...(await certificatesOf(SECRET)).own });
}

const [name = "", given = "tcp", port] = Deno.args;
const kind = KINDS[name as keyof typeof KINDS];
const transport = given as keyof typeof TRANSPORTS;
if (port !== undefined) {
  using conn = await TRANSPORTS[transport](Number(port));
  await kind.serve(conn);
} else {
  using listener = await listen(transport);
  const own = String((listener.addr as Deno.NetAddr).port);
  const partner = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename!, name, transport, own],
    stdin: "null",
  }).spawn();
  const conn = await listener.accept();
  if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(true);
  await answer({ [name]: () => kind.measure(conn) });
  conn.close();
  await partner.status;
}
