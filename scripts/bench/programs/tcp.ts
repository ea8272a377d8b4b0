/** The equivalent of `channels.ts` by hand: bytes over one TCP connection between two processes. */

import { decode } from "../../../src/codec/value_decoder.ts";
import { encodeInto } from "../../../src/codec/value_encoder.ts";
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
  measure(conn: Deno.TcpConn): Promise<number>;
  /** Runs in the other one; resolves when the connection has ended. */
  serve(conn: Deno.TcpConn): Promise<void>;
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** Fills `bytes`; false if the connection ended instead. */
async function readAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<boolean> {
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

const KINDS = {
  roundTrips,
  messages,
  /** Each array overwrites the one before it. */
  arrays: arraysTo(() => reused),
  /** Each array is a new one that the program could keep, as with a channel. */
  newArrays: arraysTo(() => new Uint8Array(ARRAY_BYTES)),
};

const [name = "", port] = Deno.args;
const kind = KINDS[name as keyof typeof KINDS];
if (port !== undefined) {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  conn.setNoDelay(true);
  await kind.serve(conn);
} else {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const partner = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename!, name, String(listener.addr.port)],
    stdin: "null",
  }).spawn();
  const conn = await listener.accept();
  conn.setNoDelay(true);
  await answer({ [name]: () => kind.measure(conn) });
  conn.close();
  await partner.status;
}
