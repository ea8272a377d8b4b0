/** Ports that listen, with and without what it takes to get in. */

import { encode } from "../../src/codec/value_encoder.ts";
import { Hold } from "../../src/channel/hold.ts";
import { Hub } from "../../src/channel/hub.ts";
import { readReply, Verdict, writeGreeting } from "../../src/channel/greeting.ts";
import { createLogger } from "../../src/core/logger.ts";
import { makePid, parsePid, randomId } from "../../src/core/pid.ts";
import { ProtocolError } from "../../src/core/errors.ts";
import { ControlServer } from "../../src/host/control_server.ts";
import { ChannelProtection } from "../../src/net/channel_protection.ts";
import { dialHandshake, importKey } from "../../src/net/handshake.ts";
import { type Endpoint, listen, type Transport, writeAll } from "../../src/net/transport.ts";
import { Protection, PROTOCOL_VERSION, Purpose } from "../../src/net/protocol.ts";
import { FrameType, HEADER_BYTES, writeHeader } from "../../src/wire/frame.ts";
import { encodeMessage } from "../../src/wire/message.ts";
import { type ClusterPorts, clusterPorts } from "./cluster_ports.ts";
import { KEY, PID, PROCESS_SAYS } from "./decoders.ts";
import { joined } from "./mutate.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A connection of an attacker, who can say that nothing more follows. */
export type Attack = Transport & Pick<Deno.TcpConn, "closeWrite">;

/** A port under attack. */
export interface Port {
  readonly name: string;
  /** What a peer says there after {@linkcode Port.dial}. */
  readonly valid: readonly Bytes[];
  /** Connects as an attacker. */
  dial(): Promise<Attack>;
  /** Is served as a peer that does nothing wrong. @throws {Error} If it is not. */
  visit(): Promise<void>;
}

const LOCAL = { hostname: "127.0.0.1", port: 0 };

/** What a dialer says first, up to its nonce, and `rest`. */
function hello(purpose: Purpose, protection: number, rest: Bytes): Bytes {
  const start = new Uint8Array([PROTOCOL_VERSION, purpose, protection]);
  return joined(new TextEncoder().encode("DPLY"), start, new Uint8Array(32), rest);
}

/** What a program of another kind, or a part of a cluster that has no secret, may say first. */
const FIRST_WORDS: readonly Bytes[] = [
  new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
  hello(Purpose.bridge, Protection.plain, new Uint8Array(32)),
  hello(Purpose.channels, Protection.open, new Uint8Array(32)),
  // With an invitation: 64, and the name in it.
  hello(
    Purpose.deploy,
    Protection.plain + 64,
    new TextEncoder().encode(`\x04anna${"x".repeat(32)}`),
  ),
  encodeMessage(PROCESS_SAYS[0]!),
];

/**
 * Ports of this process, which keeps what it stores in `folder`, and what closes those of a cluster. Nothing is
 * written to `log` more than once a minute for the one host that connects.
 */
export async function openPorts(
  folder: string,
  log: (line: string) => void,
): Promise<ClusterPorts> {
  const logger = createLogger("warn", log);
  const { ports, close } = await clusterPorts(folder, KEY, FIRST_WORDS, logger);
  return {
    ports: [
      ...ports,
      ...await processPorts(logger),
      ...controlPorts("TCP", LOCAL, logger),
      ...controlPorts("Unix", { path: `${folder}/control` }, logger),
    ],
    close,
  };
}

type Log = ReturnType<typeof createLogger>;

function frame(type: number, payload: Uint8Array): Bytes {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(bytes, 0, type as FrameType, payload.length);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

function numbers(type: FrameType, ...values: number[]): Bytes {
  return frame(type, new Uint8Array(Uint32Array.from(values).buffer));
}

/** What one process may send to another one: two channels, values and the rest. */
const FRAMES: readonly Bytes[] = [
  joined(
    numbers(FrameType.open, 0),
    frame(FrameType.value, encode([1, "two", { three: 3 }])),
    numbers(FrameType.open, 1),
    frame(FrameType.value, encode(new Uint8Array(1_000))),
    numbers(FrameType.channel, 0),
    frame(FrameType.end, new Uint8Array(0)),
    frame(FrameType.ack, new Uint8Array(Float64Array.of(0).buffer)),
    numbers(FrameType.accept, 0),
    numbers(FrameType.credit, 0, 5),
    numbers(FrameType.stop, 0, 0),
    frame(FrameType.ask, new Uint8Array(0)),
  ),
];

async function processPorts(logger: Log): Promise<Port[]> {
  const listener = listen(LOCAL);
  const { port } = listener.addr as Deno.NetAddr;
  new Hub({
    pid: PID,
    key: KEY,
    listeners: [listener],
    protection: new ChannelProtection({ key: KEY, protection: Protection.open }),
    hold: new Hold(listener),
    ended: (pid) => Promise.reject(new Error(`there is no process ${pid}`)),
    log: (line) => logger.warn(line),
    refused: ({ host, line }) => logger.about(host, line),
  });
  const key = await importKey(KEY);
  const dial = () => Deno.connect({ ...LOCAL, port });
  const enter = async () => {
    const conn = await dial();
    conn.setNoDelay(true);
    await dialHandshake(conn, { key, protection: Protection.open }, Purpose.channels);
    const to = parsePid(PID)!.id;
    // Another one each time: what was wrong with one says nothing about the next.
    const from = makePid(randomId(), LOCAL.hostname, 1);
    await writeGreeting(conn, { from, to, offset: 0, posthumous: false });
    const { verdict } = await readReply(conn);
    if (verdict !== Verdict.welcome) throw new Error(`it was not welcome: ${verdict}`);
    return conn;
  };
  const visit = async () => (await enter()).close();
  return [
    { name: "the port of a process, without the key", valid: FIRST_WORDS, dial, visit },
    { name: "the port of a process, with the key", valid: FRAMES, dial: enter, visit },
  ];
}

function controlPorts(kind: string, at: Endpoint, logger: Log): Port[] {
  const server = new ControlServer({ at, logger });
  const port = Number(server.address.split(":")[1]);
  const dial = async (): Promise<Attack> =>
    "path" in at
      ? await Deno.connect({ transport: "unix", path: at.path })
      : await Deno.connect({ ...LOCAL, port });
  /** A process that has shown its token; its messages are read until it breaks the protocol. */
  const enter = async () => {
    const { token, arrival } = server.expect();
    const conn = await dial();
    await writeAll(conn, encodeMessage({ ...PROCESS_SAYS[0]!, token }));
    const { link, messages } = await arrival;
    void (async () => {
      try {
        for await (const _message of messages);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
      link.close();
    })();
    return conn;
  };
  const visit = async () => (await enter()).close();
  return [
    {
      ...{ name: `the control socket (${kind}), without a token`, valid: FIRST_WORDS, dial, visit },
    },
    {
      ...{ name: `the control socket (${kind}), with a token`, dial: enter, visit },
      valid: [joined(...PROCESS_SAYS.slice(1).map((message) => encodeMessage(message)))],
    },
  ];
}
